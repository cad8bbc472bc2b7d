#include "net/http_proxy.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define PORT_DEFAULT "1080"

DEFINE_CLEANUP(CURLU *, curl_url_cleanup)

/* The first variable that is set to something; NULL: none. */
static const char *proxy_first_set(const char *const names[], size_t n_names)
{
	for (size_t i = 0; i < n_names; i++) {
		const char *value = getenv(names[i]);
		if (value && value[0])
			return names[i];
	}
	return NULL;
}

static const char *proxy_variable(const struct http_url *url)
{
	static const char *const https[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
	static const char *const http[] = {"http_proxy", "all_proxy", "ALL_PROXY"};

	return strcmp(url->scheme, "https") == 0
		       ? proxy_first_set(https, sizeof https / sizeof *https)
		       : proxy_first_set(http, sizeof http / sizeof *http);
}

/* ---- Who is excepted ---- */

/* Bytes of an address, and how many; 0: it is none. */
static size_t proxy_address(const char *text, unsigned char ret[16])
{
	return inet_pton(AF_INET, text, ret) == 1    ? 4
	       : inet_pton(AF_INET6, text, ret) == 1 ? 16
						     : 0;
}

/* entry: ADDRESS or ADDRESS/BITS; what is no number there is no network, rather than all of them.
 */
static bool proxy_network_has(char *entry, const unsigned char address[16], size_t len)
{
	unsigned char network[16];
	char *slash = strchr(entry, '/'), *end;
	unsigned long bits = 8 * len;

	if (slash) {
		*slash = '\0';
		bits = strtoul(slash + 1, &end, 10);
		if (end == slash + 1 || *end)
			return false;
	}
	if (proxy_address(entry, network) != len || bits > 8 * len)
		return false;
	if (memcmp(address, network, bits / 8) != 0)
		return false;
	return bits % 8 == 0 || (address[bits / 8] ^ network[bits / 8]) >> (8 - bits % 8) == 0;
}

static bool proxy_domain_has(const char *entry, const char *host)
{
	entry += *entry == '.';
	size_t len = strlen(entry), host_len = strlen(host);

	if (len == 0 || len > host_len || strcasecmp(host + host_len - len, entry) != 0)
		return false;
	return len == host_len || host[host_len - len - 1] == '.';
}

/* A final dot makes no other name. */
static void proxy_strip_dot(char *name)
{
	size_t len = strlen(name);

	if (len > 0 && name[len - 1] == '.')
		name[len - 1] = '\0';
}

static bool proxy_list_has(char *list, char *host)
{
	unsigned char address[16];
	size_t address_len = proxy_address(host, address);
	char *rest;

	proxy_strip_dot(host);
	for (char *entry = strtok_r(list, ", \t", &rest); entry;
		entry = strtok_r(NULL, ", \t", &rest)) {
		proxy_strip_dot(entry);
		if (address_len > 0 ? proxy_network_has(entry, address, address_len)
				    : proxy_domain_has(entry, host))
			return true;
	}
	return false;
}

static bool proxy_is_excepted(const struct http_url *url)
{
	static const char *const names[] = {"no_proxy", "NO_PROXY"};
	const char *variable = proxy_first_set(names, sizeof names / sizeof *names);
	const char *value = variable ? getenv(variable) : NULL;
	char host[sizeof url->host];

	if (!value)
		return false;
	_cleanup_free_ char *list = strdup(value);
	/* Where memory is short the request fails soon after this anyway. */
	if (!list || strcmp(list, "*") == 0)
		return true;
	snprintf(host, sizeof host, "%s", url->host + (url->host[0] == '['));
	host[strcspn(host, "]")] = '\0';
	return proxy_list_has(list, host);
}

/* ---- What it is called ---- */

/* The URL without user and password. */
static void proxy_name(struct http_proxy *proxy)
{
	_cleanup_(curl_url_cleanupp) CURLU *parsed = curl_url();
	char *host = NULL, *port = NULL;

	if (parsed &&
		curl_url_set(parsed, CURLUPART_URL, proxy->url,
			CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME) == CURLUE_OK &&
		curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
		curl_url_get(parsed, CURLUPART_PORT, &port, 0);
		snprintf(proxy->name, sizeof proxy->name, "proxy %.255s:%.5s of %s", host,
			port ? port : PORT_DEFAULT, proxy->variable);
	} else {
		snprintf(proxy->name, sizeof proxy->name, "the proxy of %s", proxy->variable);
	}
	curl_free(host);
	curl_free(port);
}

void http_proxy_find(const struct http_url *url, struct http_proxy *ret)
{
	struct http_proxy proxy = {.variable = proxy_variable(url)};

	if (proxy.variable && !proxy_is_excepted(url)) {
		proxy.url = getenv(proxy.variable);
		proxy_name(&proxy);
	}
	*ret = proxy;
}

#include "conf/url.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HOST_MAX 253

/* Under which AWS's partitions keep their names; the dual-stack ones have names of their own. */
static const char *const aws_domains[] = {
	".amazonaws.com",
	".amazonaws.com.cn",
	".amazonaws.eu",
	".api.aws",
	".api.amazonwebservices.com.cn",
	".api.amazonwebservices.eu",
	".c2s.ic.gov",
	".api.aws.ic.gov",
	".sc2s.sgov.gov",
	".api.aws.scloud",
	".cloud.adc-e.uk",
	".api.cloud-aws.adc-e.uk",
	".csp.hci.ic.gov",
	".api.aws.hci.ic.gov",
};

static bool url_is_port(const char *text, size_t len)
{
	unsigned port = 0;

	if (len == 0 || len > 5)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		port = port * 10 + (unsigned)(text[i] - '0');
	}
	return port > 0 && port <= 65535;
}

static bool url_is_host(const char *text, size_t len)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789-._";

	return len > 0 && len <= HOST_MAX && strspn(text, good) >= len && text[0] != '.';
}

static bool url_is_address6(const char *text, size_t len)
{
	char copy[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (len >= sizeof copy)
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return inet_pton(AF_INET6, copy, &address) == 1;
}

/* host[:port], len bytes of it. */
static const char *url_parse_authority(const char *text, size_t len, struct url *ret)
{
	const char *colon;

	if (memchr(text, '@', len))
		return "names a user, which does not belong there";
	if (text[0] == '[') {
		const char *close = memchr(text, ']', len);
		if (!close || !url_is_address6(text + 1, (size_t)(close - text) - 1))
			return "has no valid IPv6 address in its brackets";
		ret->host = text + 1;
		ret->host_len = (size_t)(close - text) - 1;
		colon = close + 1;
	} else {
		colon = memchr(text, ':', len);
		if (!colon)
			colon = text + len;
		ret->host = text;
		ret->host_len = (size_t)(colon - text);
		if (!url_is_host(ret->host, ret->host_len))
			return "has no valid host name";
	}
	if (colon == text + len)
		return NULL;
	if (*colon != ':' || !url_is_port(colon + 1, (size_t)(text + len - colon) - 1))
		return "has no valid port behind its host";
	return NULL;
}

static const char *url_take(const char *text, struct url *ret)
{
	const char *authority;

	if (strncmp(text, "https://", 8) == 0) {
		ret->tls = true;
		authority = text + 8;
	} else if (strncmp(text, "http://", 7) == 0) {
		authority = text + 7;
	} else {
		return "begins neither with https:// nor with http://";
	}
	for (const char *c = text; *c; c++)
		if (*c <= ' ' || *c > '~' || strchr("\"<>\\^`{|}", *c))
			return "has a character that no URL has";
	if (strchr(text, '#'))
		return "has a fragment";

	size_t len = strcspn(authority, "/?");
	ret->path = authority + len;
	ret->origin_len = (size_t)(ret->path - text);
	return url_parse_authority(authority, len, ret);
}

int url_parse_request(const char *text, struct url *ret, const char **ret_wrong)
{
	struct url url = {0};
	const char *wrong = url_take(text, &url);

	if (wrong) {
		*ret_wrong = wrong;
		return -EINVAL;
	}
	*ret = url;
	return 0;
}

int url_parse(const char *text, struct url *ret, const char **ret_wrong)
{
	struct url url;
	int r = url_parse_request(text, &url, ret_wrong);

	if (r == 0 && strchr(url.path, '?')) {
		*ret_wrong = "has a query";
		return -EINVAL;
	}
	if (r == 0)
		*ret = url;
	return r;
}

/* The host's name, lower-cased and without the root's dot. */
static void url_host(const struct url *url, char ret_name[HOST_MAX + 1])
{
	size_t len = url->host_len;

	for (size_t i = 0; i < len; i++) {
		char c = url->host[i];
		ret_name[i] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
	}
	if (len > 0 && ret_name[len - 1] == '.')
		len--;
	ret_name[len] = '\0';
}

/* Cuts the ending off; false where the name has another. */
static bool url_cut_ending(char *name, const char *ending)
{
	size_t name_len = strlen(name), ending_len = strlen(ending);

	if (name_len <= ending_len || strcmp(name + name_len - ending_len, ending) != 0)
		return false;
	name[name_len - ending_len] = '\0';
	return true;
}

bool url_is_loopback(const struct url *url)
{
	char name[HOST_MAX + 1] = "";
	struct in_addr address;
	struct in6_addr address6;

	url_host(url, name);
	if (inet_pton(AF_INET, name, &address) == 1)
		return ntohl(address.s_addr) >> 24 == 127;
	if (inet_pton(AF_INET6, name, &address6) == 1)
		return IN6_IS_ADDR_LOOPBACK(&address6);
	return strcmp(name, "localhost") == 0 || url_cut_ending(name, ".localhost");
}

bool url_is_this_machine(const struct url *url)
{
	char name[HOST_MAX + 1] = "";

	url_host(url, name);
	return url_is_loopback(url) && !url_cut_ending(name, ".localhost") &&
	       url->host[url->host_len - 1] != '.';
}

/* "xx-yyyy-1", letters and digits; what stands for a region in a host's name. */
static bool url_is_label(const char *text)
{
	size_t len = strlen(text);

	return url_is_region(text) && len >= 6 && strchr(text, '-') && text[len - 1] >= '0' &&
	       text[len - 1] <= '9' && text[len - 2] == '-';
}

/*
 * The region in a name below an AWS domain: "sqs.R", "sqs-fips.R", "vpce-X.sqs.R.vpce", "R.queue".
 * What precedes a VPC endpoint's service is one label, which names its zone where it has one.
 */
static const char *url_region_below(char *name)
{
	if (url_cut_ending(name, ".vpce")) {
		if (strncmp(name, "vpce-", 5) != 0)
			return NULL;
		name = strchr(name, '.');
		if (!name)
			return NULL;
		name++;
	}
	if (strncmp(name, "sqs.", 4) == 0)
		return name + 4;
	if (strncmp(name, "sqs-fips.", 9) == 0)
		return name + 9;
	return url_cut_ending(name, ".queue") ? name : NULL;
}

/* The same for any host; NULL, or a slice of name. */
static const char *url_aws_region(char *name)
{
	/* The first names that SQS had; this one has no label for its region. */
	if (strcmp(name, "queue.amazonaws.com") == 0)
		return "us-east-1";
	for (size_t i = 0; i < sizeof aws_domains / sizeof aws_domains[0]; i++)
		if (url_cut_ending(name, aws_domains[i])) {
			const char *region = url_region_below(name);
			return region && url_is_label(region) ? region : NULL;
		}
	return NULL;
}

bool url_is_aws(const struct url *url)
{
	char name[HOST_MAX + 1] = "";

	url_host(url, name);
	return url_aws_region(name) != NULL;
}

bool url_is_plain(const struct url *url)
{
	char name[HOST_MAX + 1] = "";

	url_host(url, name);
	return memcmp(name, url->host, url->host_len) == 0 &&
	       url->host + url->host_len == url->path;
}

bool url_is_fips(const struct url *url)
{
	char name[HOST_MAX + 1] = "";

	url_host(url, name);
	return strncmp(name, "sqs-fips.", 9) == 0 || strstr(name, ".sqs-fips.") ||
	       strncmp(name, "sqs.us-gov-", 11) == 0;
}

bool url_region(const struct url *url, char ret_region[URL_REGION_MAX + 1])
{
	char name[HOST_MAX + 1] = "";

	url_host(url, name);
	const char *region = url_aws_region(name);
	if (!region && strncmp(name, "sqs.", 4) == 0) {
		/* An emulator that names its hosts as AWS does. */
		url_host(url, name);
		name[4 + strcspn(name + 4, ".")] = '\0';
		region = url_is_label(name + 4) ? name + 4 : NULL;
	}
	if (!region)
		return false;
	memmove(ret_region, region, strlen(region) + 1);
	return true;
}

bool url_is_region(const char *text)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return len > 0 && len <= URL_REGION_MAX && !text[len] && text[0] != '-' &&
	       text[len - 1] != '-';
}

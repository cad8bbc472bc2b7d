#include "net/http_url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

DEFINE_CLEANUP(CURLU *, curl_url_cleanup)

/* One part, copied; parts that are longer than any real one are refused. */
static int http_url_part(CURLU *parsed, CURLUPart part, unsigned flags, char *ret, size_t size)
{
	char *text = NULL;
	CURLUcode bad = curl_url_get(parsed, part, &text, flags);

	if (bad)
		return bad == CURLUE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;

	int r = strlen(text) < size ? 0 : -EINVAL;
	if (r == 0)
		strcpy(ret, text);
	curl_free(text);
	return r;
}

int http_url_parse(const char *url, struct http_url *ret)
{
	_cleanup_(curl_url_cleanupp) CURLU *parsed = curl_url();
	struct http_url u = {0};
	char port[8];

	if (!parsed)
		return -ENOMEM;
	CURLUcode bad = curl_url_set(parsed, CURLUPART_URL, url, CURLU_DISALLOW_USER);
	if (bad == CURLUE_UNSUPPORTED_SCHEME)
		return -EPROTONOSUPPORT;
	if (bad)
		return bad == CURLUE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;

	int r = http_url_part(parsed, CURLUPART_SCHEME, 0, u.scheme, sizeof u.scheme);
	r = r < 0 ? r : http_url_part(parsed, CURLUPART_HOST, 0, u.host, sizeof u.host);
	r = r < 0 ? r
		  : http_url_part(parsed, CURLUPART_PORT, CURLU_DEFAULT_PORT, port, sizeof port);
	if (r < 0)
		return r;

	unsigned own_port = strcmp(u.scheme, "https") == 0  ? 443
			    : strcmp(u.scheme, "http") == 0 ? 80
							    : 0;
	if (own_port == 0)
		return -EPROTONOSUPPORT;
	u.port = (unsigned)strtoul(port, NULL, 10);
	if (u.port == own_port)
		snprintf(u.authority, sizeof u.authority, "%s", u.host);
	else
		snprintf(u.authority, sizeof u.authority, "%s:%u", u.host, u.port);
	*ret = u;
	return 0;
}

bool http_url_is_loopback(const struct http_url *url)
{
	struct in_addr v4;

	return strcasecmp(url->host, "localhost") == 0 || strcmp(url->host, "[::1]") == 0 ||
	       (inet_pton(AF_INET, url->host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127);
}

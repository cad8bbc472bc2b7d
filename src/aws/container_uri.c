#include "aws/container_uri.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "net/http_url.h"

#define RELATIVE    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
#define FULL        "AWS_CONTAINER_CREDENTIALS_FULL_URI"
#define RELATIVE_TO "http://169.254.170.2"
#define FULL_ALLOWED                                                                               \
	"allowed is https, or http to localhost, 127.0.0.0/8, [::1], 169.254.170.2, "              \
	"169.254.170.23 and [fd00:ec2::23]"

static bool is_link_local(const char *host)
{
	static const unsigned char eks[16] = {0xfd, 0, 0x0e, 0xc2, [15] = 0x23};
	char address[64] = "";
	struct in6_addr v6;

	if (host[0] == '[')
		snprintf(address, sizeof address, "%.*s", (int)strcspn(host + 1, "]"), host + 1);
	return strcmp(host, "169.254.170.2") == 0 || strcmp(host, "169.254.170.23") == 0 ||
	       (inet_pton(AF_INET6, address, &v6) == 1 && memcmp(&v6, eks, sizeof eks) == 0);
}

static bool is_allowed(const struct http_url *url)
{
	return strcmp(url->scheme, "https") == 0 || http_url_is_loopback(url) ||
	       is_link_local(url->host);
}

int container_uri_find(credentials_getenv_fn *getenv_fn, struct container_uri *ret,
	char ret_text[static CREDENTIALS_TEXT_MAX])
{
	const char *relative = credentials_getenv(getenv_fn, RELATIVE);
	const char *full = relative ? NULL : credentials_getenv(getenv_fn, FULL);
	const char *name = relative ? RELATIVE : FULL;
	const char *given = relative ? relative : full;
	struct container_uri uri;
	struct http_url url;

	if (!given)
		return credentials_failed(ret_text, -ENOENT, RELATIVE " is not set");
	if (relative && *relative != '/')
		return credentials_failed(
			ret_text, -EINVAL, "%s does not begin with a slash", name);

	int len = snprintf(uri.url, sizeof uri.url, "%s%s", relative ? RELATIVE_TO : "", given);
	int r = len < CONTAINER_URI_MAX ? http_url_parse(uri.url, &url) : -EINVAL;
	if (r == -ENOMEM)
		return credentials_failed(ret_text, r, "out of memory");
	if (r < 0)
		return credentials_failed(
			ret_text, -EINVAL, "%s is not a URL: " FULL_ALLOWED, name);
	if (!is_allowed(&url))
		return credentials_failed(ret_text, -EINVAL,
			"%s leads to a host that no token is sent to: " FULL_ALLOWED, name);
	snprintf(uri.place, sizeof uri.place, "%s://%s", url.scheme, url.authority);
	*ret = uri;
	return 0;
}

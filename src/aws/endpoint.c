#include "aws/endpoint.h"

#include <stdio.h>

#include "net/http.h"

int endpoint_read(const char *url, bool plain, struct endpoint *ret)
{
	struct endpoint read = {.plain = plain};

	int r = http_check_url(url, plain);
	r = r < 0 ? r : http_url_parse(url, &read.parts);
	if (r < 0)
		return r;
	snprintf(read.url, sizeof read.url, "%s://%s/", read.parts.scheme, read.parts.authority);
	*ret = read;
	return 0;
}

/*
 * Where a service of AWS's is asked: at the root of the host that a URL names. Pure data.
 */
#pragma once

#include "net/http_url.h"

struct endpoint {
	struct http_url parts;
	/* "https://sqs.eu-west-1.amazonaws.com/" */
	char url[sizeof((struct http_url *)0)->scheme + sizeof((struct http_url *)0)->authority +
		 4];
	bool plain; /* requests may go there over http:// on any host */
};

/* 0, or those of http_check_url(); and -ENOMEM. */
int endpoint_read(const char *url, bool plain, struct endpoint *ret);

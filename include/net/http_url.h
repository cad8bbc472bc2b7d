/*
 * What is needed of a URL's parts, as libcurl itself reads them. Pure.
 */
#pragma once

#include <stdbool.h>

struct http_url {
	char scheme[16]; /* lower case */
	char host[256];  /* an IPv6 address stands in brackets */
	unsigned port;   /* the scheme's own if the URL names none */
	/* The Host header's value: with the port only where it is not the scheme's own. */
	char authority[264];
};

/*
 * 0; -EINVAL: no URL with a host, or one with a user or password in it; -EPROTONOSUPPORT: neither
 * http nor https; -ENOMEM.
 */
int http_url_parse(const char *url, struct http_url *ret);

/* Whether the host is this machine: localhost, 127.0.0.0/8 or ::1. */
bool http_url_is_loopback(const struct http_url *url);

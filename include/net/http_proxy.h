/*
 * Which proxy the environment names for a URL, read as libcurl and its tool do: https_proxy or
 * HTTPS_PROXY, http_proxy in lower case only (a web server's child gets the other from whoever asks
 * it), else all_proxy or ALL_PROXY; and not for what no_proxy or NO_PROXY lists: "*", names, which
 * are domains too, addresses, and networks as address/bits.
 *
 * Decided here and then told to libcurl, for libcurl does not tell which one it took when that one
 * is not there. Any thread.
 */
#pragma once

#include "net/http_url.h"

struct http_proxy {
	const char *url; /* borrowed from the environment; NULL: none. It may hold a password. */
	char name[320];  /* "proxy HOST:PORT of HTTPS_PROXY", without it: for log lines */
	const char *variable;
};

void http_proxy_find(const struct http_url *url, struct http_proxy *ret);

/*
 * Host names whose addresses are not trusted any more: whoever sends the next request has libcurl
 * forget them. Loop thread only.
 */
#pragma once

#include <curl/curl.h>

struct http_names {
	struct curl_slist *list; /* as CURLOPT_RESOLVE takes them: "-HOST:PORT" */
	unsigned n_names;
};

void http_names_done(struct http_names *names);

/* Without memory, or with too many names, it is not: libcurl forgets within a minute anyway. */
void http_names_distrust(struct http_names *names, const char *url);

/* All of them, owned by the caller; NULL: none. */
struct curl_slist *http_names_take(struct http_names *names);

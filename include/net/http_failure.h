/*
 * What a transfer that failed is called: libcurl's words become an errno and one line here and
 * nowhere else.
 *
 * Lines continue "no answer from HOST: ", so they say "its certificate"; the same for the same
 * fault, never with a proxy's password in it. Why a certificate was refused is told by OpenSSL's
 * own numbers; where libcurl uses another library, in that library's words. Pure.
 */
#pragma once

#include <curl/curl.h>

#include "net/http_proxy.h"

#define HTTP_FAILURE_MAX 768

/* Borrowed. */
struct http_failure_place {
	CURL *easy; /* whose transfer failed */
	const char *url;
	const struct http_proxy *proxy; /* NULL: it went without */
	const char *ca_bundle;          /* NULL: the system's */
	const char *said;               /* libcurl's error buffer */
};

/* The errno, as struct http_response has it. */
int http_failure_of(
	const struct http_failure_place *place, CURLcode code, char ret_text[HTTP_FAILURE_MAX]);

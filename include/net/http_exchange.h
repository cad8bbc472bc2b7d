/*
 * One request and its answer on one libcurl handle, used again and again: what is set on the
 * handle, what is kept of the answer, what a failure is called. It knows nothing of how the
 * transfer is driven.
 *
 * Owns: the handle, copies of URL and headers, the answer. Thread: whoever drives the handle.
 */
#pragma once

#include <curl/curl.h>

#include "base/strbuf.h"
#include "net/http.h"
#include "net/http_failure.h"
#include "net/http_proxy.h"

#define HTTP_VALUE_MAX 256

struct http_exchange {
	CURL *easy;          /* another one after http_exchange_prepare() */
	bool answered;       /* since it is this one */
	char *url;           /* set on the handle; mostly the next request has the same */
	struct strbuf lines; /* the request's headers, each ended by a NUL */
	struct curl_slist headers[HTTP_HEADERS_MAX + 1];
	const char *ca_bundle;
	struct http_proxy proxy; /* for the URL */
	bool direct;             /* but not for this request */
	bool secret;             /* lines and body are */
	/* CLOCK_BOOTTIME; the first holds as long as nothing was sent. */
	usec_t connect_deadline;
	usec_t deadline;

	const char *const *wanted;
	size_t n_wanted;
	char values[HTTP_WANTED_MAX][HTTP_VALUE_MAX];
	char said[CURL_ERROR_SIZE]; /* by libcurl */
	char error_text[HTTP_FAILURE_MAX];
	struct strbuf body;
	size_t max_ignored;
	size_t n_ignored; /* bytes behind body */
	struct http_response response;
};

/* Borrows the texts of options as long as x lives. 0, -ENOMEM or -ENOTSUP (libcurl without TLS). */
int http_exchange_init(struct http_exchange *x, const struct http_options *options);
/* After the handle was taken out of a multi handle. */
void http_exchange_done(struct http_exchange *x);

/* Forgets the last answer, and its buffer if that has grown large; what is secret is wiped. */
void http_exchange_reset(struct http_exchange *x);

/* Whether the last request went to the very same URL. */
bool http_exchange_has_url(const struct http_exchange *x, const char *url);

/*
 * Sets the request on the handle; its time begins. The URL is one that http_url_parse() accepts.
 * -EINVAL for a line break in a header, -ENOBUFS for more headers than anybody takes, -ENOMEM.
 */
int http_exchange_prepare(struct http_exchange *x, const struct http_request *request);

/* CLOCK_BOOTTIME: the deadline that holds now. */
usec_t http_exchange_ends_at(const struct http_exchange *x);

/* Fills x->response with what came of it. */
void http_exchange_conclude(struct http_exchange *x, CURLcode code);

/* The same for a deadline, which libcurl does not know of. */
void http_exchange_time_out(struct http_exchange *x);

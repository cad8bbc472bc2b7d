/*
 * HTTP/1.1 requests by threads that wait for the answer: whoever asks drives its own call, with
 * poll(2), beside whatever else it has to watch. For requests on the loop there is net/http, and
 * what that promises of TLS, redirects, the environment's proxy and of what is sent a second time
 * holds here too. A connection that fails is not used any more, and names are looked up for every
 * new one.
 *
 * Owns: a store of handles, each with the one connection that it keeps alive; as many as there
 * were calls at the same time. Any thread may start a call, which is then that thread's alone.
 * Nothing blocks but the caller's own waiting; with libcurl before 7.87 an end before its time
 * waits for the lookup of a name that is under way.
 */
#pragma once

#include "net/http.h"
#include "net/http_failure.h"

struct http_client;
struct http_client_call;

/* Copies the options; max_connections does not matter. 0 or -ENOMEM. */
int http_client_new(const struct http_options *options, struct http_client **ret);
/* No call may be left. Returns NULL. */
struct http_client *http_client_free(struct http_client *client);
DEFINE_CLEANUP(struct http_client *, http_client_free)

/*
 * Borrows the request until http_client_end(). Its deadlines are looked at in
 * http_client_advance(). 0, or what http_start() says.
 */
int http_client_start(struct http_client *client, const struct http_request *request,
	struct http_client_call **ret);

/* When this is readable, or at that moment (CLOCK_BOOTTIME), the call is to be advanced. */
int http_client_fd(const struct http_client_call *call);
usec_t http_client_due_at(const struct http_client_call *call);

/*
 * Does what can be done without waiting. NULL: not at its end yet; otherwise the answer, borrowed
 * until http_client_end().
 */
const struct http_response *http_client_advance(struct http_client_call *call);

/* At any time; closes the connection if the request was out. Accepts NULL, and returns it. */
struct http_client_call *http_client_end(struct http_client_call *call);
DEFINE_CLEANUP(struct http_client_call *, http_client_end)

/*
 * Only connects, to the URL's host or the proxy that the request would take, and says in one line
 * why that failed: 0 or the negative errno of struct http_response. Blocks for at most as long as
 * the request would take to connect.
 */
int http_client_try(const struct http_options *options, const struct http_request *request,
	char ret_text[HTTP_FAILURE_MAX]);

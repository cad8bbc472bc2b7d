/*
 * HTTP/1.1 requests on the loop: libcurl's multi handle driven by sd-event. Any number at once, on
 * connections that are kept alive and shared.
 *
 * Owns: the requests that are out, their connections, and a store of handles for the next ones.
 * Every request that was started ends in exactly one callback, from the loop and never from inside
 * the function that started it; after http_cancel() none comes. Callbacks may start and cancel
 * requests, but not free the http. Loop thread only; never blocks (names are looked up in threads
 * of libcurl's). With libcurl before 7.87, Ubuntu 22.04's, the end of a request before its time
 * waits for a lookup that is under way: where all name servers are silent, cancelling and each
 * deadline hold the loop up for as long as the C library asks them, by default 10 s for each
 * server.
 *
 * Every request has a deadline of its own, which libcurl does not know of; it goes on while the
 * machine sleeps, so that what was out over a long sleep ends at once with the deadline's error,
 * and an answer that can still come is not thrown away. TLS is 1.2 or newer and verified. No
 * redirect is followed, no compression asked for. The proxy is the environment's (see http_proxy).
 * Nothing is retried, but for one case that only libcurl can know: within a second of sending, a
 * connection that was kept alive turns out to have been closed before; then it sends once more, on
 * another one and within the same deadline.
 *
 * After a failure of the transport the host's name is looked up anew, and connections that lie idle
 * are not used any more. Nor are those that lay idle for two minutes: a NAT forgets them after six
 * (AWS's after 350 s) without a word; nor those that were idle when the machine slept or its clock
 * was set. While a request is out, keepalive keeps the NAT awake.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/clock.h"

typedef struct sd_event sd_event;

struct http;
struct http_call;

struct http_options {
	const char *user_agent;
	/*
	 * PEM file of AWS_CA_BUNDLE, instead of the system's store; NULL: that store. Read again
	 * at most a minute after it was replaced, for connections that are opened from then on.
	 */
	const char *ca_bundle;
	unsigned max_connections; /* kept alive; 0: 128 */
};

#define HTTP_HEADERS_MAX 32
#define HTTP_WANTED_MAX  8

struct http_header {
	const char *name;
	const char *value;
};

struct http_request {
	const char *method; /* anything but HEAD */
	const char *url;
	/* With a body, one says its Content-Type. Host and Content-Length come by themselves. */
	const struct http_header *headers;
	size_t n_headers; /* at most HTTP_HEADERS_MAX */
	const void *body; /* NULL with body_len 0: none */
	size_t body_len;
	/* Names of the answer's headers that are to be kept. */
	const char *const *wanted;
	size_t n_wanted; /* at most HTTP_WANTED_MAX */
	usec_t timeout;  /* from now to the last byte of the answer */
	/* From now to the first byte that is sent: name, connection, proxy and TLS; 0: 10 s. */
	usec_t connect_timeout;
	size_t max_answer; /* bytes of its body: more is -EMSGSIZE */
	/*
	 * Not 0: more is no error, but not kept either; behind so many bytes the connection is
	 * closed, and the answer stands.
	 */
	size_t max_ignored;
	bool direct; /* never through a proxy: services of this very machine */
	bool plain;  /* http:// also to other hosts than this one */
	bool secret; /* headers and answer are wiped when the call has ended */
};

/* Borrowed until the callback returns. */
struct http_response {
	/*
	 * 0: there is an answer, of whatever status. Otherwise there is none, and this says why:
	 * -ETIMEDOUT deadline, -EHOSTUNREACH name, -ECONNREFUSED no connection, -ECONNRESET cut,
	 * -EKEYREJECTED TLS, -EMSGSIZE too large, -EBADMSG not HTTP, -ENOMEM, -EIO anything else.
	 */
	int error;
	const char *error_text; /* one line; "" without error */
	unsigned status;
	const char *body; /* ends with a NUL that body_len does not count */
	size_t body_len;
	/* In the order of `wanted`; NULL: not there, longer than 255 bytes, or with a \r in it. */
	const char *headers[HTTP_WANTED_MAX];
	/* CLOCK_BOOTTIME: sending began, first byte of the answer; 0: it did not come to that. */
	usec_t sent_at;
	usec_t first_byte_at;
};

typedef void http_done_fn(void *userdata, const struct http_response *response);

/*
 * Takes a reference to the event loop; copies the options. curl_global_init() is the caller's,
 * before there are threads. 0 or a negative errno.
 */
int http_new(sd_event *event, const struct http_options *options, struct http **ret);
/* Cancels what is out and closes all connections. Returns NULL. */
struct http *http_free(struct http *http);
DEFINE_CLEANUP(struct http *, http_free)

/* The loop it was made for; borrowed. */
sd_event *http_event(const struct http *http);

/*
 * Whether requests with such a `plain` may go there: 0, -EINVAL (not a URL), -EPROTONOSUPPORT
 * (neither http nor https), -EPERM (plain http to another host than this one).
 */
int http_check_url(const char *url, bool plain);

/*
 * Copies URL and headers; borrows body and wanted until the callback, or cancel. ret_call may be
 * NULL; the call is gone when its callback returns. 0, or a negative errno and no callback comes:
 * those of http_check_url(), -EINVAL for a line break in a header, -ENOBUFS for more headers than
 * anybody takes, -ENOMEM.
 */
int http_start(struct http *http, const struct http_request *request, http_done_fn *done,
	void *userdata, struct http_call **ret_call);

/* Closes the connection if the request was out. Not from inside its own callback. */
void http_cancel(struct http_call *call);

/*
 * Who answered under that URL is somebody else, or may be: as after a failure of the transport, the
 * name is looked up anew for the next request, which gets another connection.
 */
void http_distrust(struct http *http, const char *url);

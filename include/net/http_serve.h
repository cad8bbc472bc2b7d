/*
 * HTTP/1.1 served on the loop, with libmicrohttpd: for programs on this machine, and for who reads
 * metrics.
 *
 * Owns: one listening socket, its connections, and the requests on them. A request that is there
 * whole is handed over in one callback and then is in the caller's hands until serve_answer(), at
 * once or hours later: waiting costs neither a thread nor a turn of the loop. A client that hangs
 * up meanwhile is noticed; one that only closes its half of the connection counts as gone, too.
 * One that hangs up before its request is whole keeps nothing here. What was not handed over, or is
 * answered, has deadlines: a client that is slow or silent is cut off.
 *
 * Callbacks come from the loop, never from inside a function of this header, and none comes after
 * http_serve_free(), which may be called from inside any of them but admit. Loop thread only; never
 * blocks.
 *
 * What is not HTTP/1 (RFC 9112) libmicrohttpd answers by itself, as it does a head that is too long
 * (431 or 414).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "net/http.h"

struct http_serve;    /* one port */
struct serve_request; /* one request; gone after serve_answer(), and when `gone` returns */

struct http_serve_options {
	const struct sockaddr *address; /* NULL: 127.0.0.1, and a port that the system chooses */
	socklen_t address_len;
	size_t max_head;          /* bytes of request line and headers, about; 0: 64 KiB */
	size_t max_body;          /* bytes; what is more is read, but not kept */
	unsigned max_connections; /* who comes when there are so many waits; 0: 64 */
	/*
	 * How long each of these may take: a request from its first line to its last byte, and an
	 * answer from serve_answer() until the client has it. 0: 30 s.
	 */
	usec_t patience;
	/* How long a connection stays open on which no request arrives; 0: as long as its client
	 * likes. */
	usec_t idle;

	/*
	 * Whether a connection from there is wanted; one that is not is closed at once, unread, and
	 * takes nobody's place. NULL: all are.
	 */
	bool (*admit)(void *userdata, const struct sockaddr *client);
	void (*request)(void *userdata, struct serve_request *request);
	/*
	 * The same for one whose body is larger than max_body; it is handed over without body.
	 * NULL: such are answered with 413 (and "{}").
	 */
	void (*too_large)(void *userdata, struct serve_request *request);
	/* The client hung up before its answer. NULL: nobody wants to know; it must be answered all
	 * the same. */
	void (*gone)(void *userdata, struct serve_request *request);
	void *userdata;
};

/* Whether it was built with libmicrohttpd; else http_serve_new() says -EOPNOTSUPP. */
bool http_serve_is_possible(void);

/*
 * Listens from now on. Takes a reference to the event loop; copies the options. 0, or a negative
 * errno, bind()'s among them: -EADDRINUSE, -EADDRNOTAVAIL, -EACCES.
 */
int http_serve_new(
	sd_event *event, const struct http_serve_options *options, struct http_serve **ret);
/* Closes everything: who waits for an answer gets none. Returns NULL. */
struct http_serve *http_serve_free(struct http_serve *serve);
DEFINE_CLEANUP(struct http_serve *, http_serve_free)

uint16_t http_serve_port(const struct http_serve *serve);

/* All that these return is borrowed, and goes with the request. */
const char *serve_method(const struct serve_request *request);
/* As it was sent (nothing is decoded), without the query. */
const char *serve_path(const struct serve_request *request);
/* Of more than one header of that name, in letters of either size, the first; NULL: none. */
const char *serve_header(const struct serve_request *request, const char *name);
/* Ends with a NUL that ret_len does not count. */
const char *serve_body(const struct serve_request *request, size_t *ret_len);

struct serve_answer {
	unsigned status; /* 200 or more */
	/* Content-Length, Date and Connection come by themselves. */
	const struct http_header *headers;
	size_t n_headers;
	const void *body; /* NULL with body_len 0: none */
	size_t body_len;
	bool secret; /* our copy of the body is wiped once it was sent */
};

/*
 * Copies everything, ends the request. Where memory is short, or a header cannot be one (a line
 * break in it), the client gets no answer, but the end of its connection.
 */
void serve_answer(struct serve_request *request, const struct serve_answer *answer);

/*
 * A small HTTP/1.1 server in a thread of its own, that answers byte for byte what a test says.
 *
 * Owns its sockets and thread. What a handler gets is borrowed until it returns; handlers run in
 * the server's thread. Counters may be read from any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"

struct test_server;

struct test_request {
	const char *method;
	const char *path;
	const char *head; /* all header lines, as they came */
	const char *body;
	size_t body_len;
};

enum test_then {
	TEST_KEEP,  /* the connection stays open */
	TEST_CLOSE, /* after the answer */
	TEST_RESET, /* likewise, with RST */
	TEST_DRIP,  /* the answer goes out byte by byte, 100 a second */
};

/* Appends the whole answer, status line and all, to answer; nothing: no answer. */
typedef enum test_then test_handler_fn(
	void *userdata, const struct test_request *request, struct strbuf *answer);

enum test_tls {
	TEST_PLAIN,
	TEST_TLS,     /* a certificate for 127.0.0.1 that it signed itself */
	TEST_TLS_OLD, /* the same, and speaks TLS 1.1 at most */
	/* Plain HTTP under a URL with https: what greets it gets a 400, */
	TEST_NO_TLS,
	TEST_NO_TLS_CUT,   /* and an RST behind that, */
	TEST_NO_TLS_RESET, /* or the RST alone, */
	TEST_NO_TLS_CLOSE, /* or the end alone. */
	TEST_TLS_FOREIGN,
	TEST_TLS_EXPIRED,
	TEST_TLS_EARLY,
	TEST_TLS_ISSUED,
	TEST_TLS_WEAK,
};

/* Listens on a port of 127.0.0.1 that the kernel chose. Fails the test rather than to return. */
struct test_server *test_server_new(enum test_tls tls, test_handler_fn *handler, void *userdata);
/* Closes everything; returns NULL. */
struct test_server *test_server_free(struct test_server *server);
DEFINE_CLEANUP(struct test_server *, test_server_free)

unsigned test_server_port(const struct test_server *server);
/* scheme://127.0.0.1:port, borrowed. */
const char *test_server_url(const struct test_server *server);
/* What makes its certificate a good one, in PEM, borrowed; NULL without TLS. */
const char *test_server_certificate(const struct test_server *server);

unsigned test_server_connections(const struct test_server *server);
unsigned test_server_requests(const struct test_server *server);

/* The value of a header in a request's head, in a buffer that the next call overwrites; or NULL. */
const char *test_request_header(const char *head, const char *name);

/* "HTTP/1.1 STATUS" with Content-Length and Content-Type. */
void test_answer(struct strbuf *answer, unsigned status, const char *type, const char *body);

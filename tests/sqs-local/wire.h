/*
 * A request as it arrived, byte for byte: what a signature is checked against. Borrows everything
 * from the HTTP server, until the request is answered.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define WIRE_HEADERS_MAX 64

struct wire_header {
	const char *name;
	const char *value;
	size_t value_len;
};

struct wire {
	const char *method;
	const char *target;                           /* path and query, as in the request line */
	struct wire_header headers[WIRE_HEADERS_MAX]; /* in order of arrival */
	size_t n_headers;
	const char *body;
	size_t body_len;
};

/* The first header of that name in any case; NULL: none. */
const struct wire_header *wire_header(const struct wire *wire, const char *name);
/* Its value, NUL-terminated, or NULL. */
const char *wire_value(const struct wire *wire, const char *name);

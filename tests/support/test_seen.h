/*
 * What became of HTTP requests: a callback that copies it, for the answer is only borrowed, and a
 * way to wait for it. Fails the test when nothing comes.
 */
#pragma once

#include <systemd/sd-event.h>

#include "net/http.h"

struct seen {
	unsigned n_callbacks;
	int error;
	char error_text[512];
	unsigned status;
	char body[4096];
	size_t body_len;
	char headers[HTTP_WANTED_MAX][256];
	usec_t sent_at;
	usec_t first_byte_at;
};

/* An http_done_fn for a struct seen. */
void test_seen_done(void *seen, const struct http_response *response);

/* Runs the loop until that many callbacks have come. */
void test_seen_await(sd_event *event, const struct seen *seen, unsigned n_callbacks);

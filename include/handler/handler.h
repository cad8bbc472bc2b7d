/*
 * What a handler is: one function in one file of this room, and one row in the registry.
 *
 * It runs on a worker thread, which it may block. It owns nothing of the context; what it needs to
 * keep while it runs it keeps on its own stack or frees before it returns. It must return soon
 * after handler_wait() said that it is to stop, or its time is over. A job may come again after a
 * crash: what a handler does must bear being done twice.
 */
#pragma once

#include <stddef.h>

#include "base/clock.h"

struct job;

enum handler_result {
	HANDLER_DONE,
	HANDLER_FAILED,      /* with handler_fail()'s text */
	HANDLER_INTERRUPTED, /* told to stop, or out of time: gave up */
};

struct handler_context {
	const char *job_id;
	const char *job_type;
	const char *payload; /* JSON, not NUL-terminated */
	size_t payload_len;
	int attempt;     /* 1 the first time */
	usec_t deadline; /* CLOCK_BOOTTIME */

	/* The runner's. */
	struct job *job;
	int wake_fd;
};

typedef enum handler_result handler_fn(struct handler_context *context);

struct handler {
	const char *type;
	handler_fn *run;
};

/*
 * Waits for that long, but not past the deadline: 0 when the time is over, -ECANCELED when the
 * handler is to stop, -ETIMEDOUT at the deadline.
 */
int handler_wait(struct handler_context *context, usec_t duration);

/* Sets the text for the row's error column; returns HANDLER_FAILED. */
enum handler_result handler_fail(struct handler_context *context, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * What a handler is: who does the jobs of one type, made from one section of the configuration.
 *
 * Its function runs on a worker thread, which it may block. It owns nothing of the context; what it
 * needs to keep while it runs it keeps on its own stack or frees before it returns. It must return
 * soon after handler_wait() or handler_poll() said that it is to stop, or that its time is over,
 * and only when nothing works on the job any more. A job may come again after a crash: what a
 * handler does must bear being done twice.
 *
 * A handler does not change once made; a reload that changes its section makes another one. It is
 * counted: the registry has a share, and so has every job that was begun with it. Shares are the
 * loop thread's to take and give back.
 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/clock.h"

struct handler;
struct job;

enum handler_result {
	HANDLER_DONE,
	HANDLER_FAILED,      /* with handler_fail()'s text */
	HANDLER_INTERRUPTED, /* told to stop, or out of time: gave up */
};

struct handler_context {
	struct handler *handler;
	const char *job_id;
	const char *job_type;
	const char *payload; /* JSON, not NUL-terminated */
	size_t payload_len;
	int attempt;     /* 1 the first time */
	usec_t deadline; /* CLOCK_BOOTTIME */
	usec_t grace;    /* how long what is told to stop may take for it */

	struct job *job; /* borrowed: its message is in job->body and job->envelope */

	/* The runner's. */
	int wake_fd;
};

typedef enum handler_result handler_fn(struct handler_context *context);

struct handler {
	const char *name; /* a built-in's job type, or the kind's */
	handler_fn *run;
	/* When the last share is given back; NULL: it is static, and shares are not counted. */
	void (*free)(struct handler *handler);
	bool wants_envelope; /* jobs are to have what came with their message */
	unsigned n_refs;     /* 1 when made */
};

/* Both accept NULL; unref returns NULL. */
struct handler *handler_ref(struct handler *handler);
struct handler *handler_unref(struct handler *handler);
DEFINE_CLEANUP(struct handler *, handler_unref)

/*
 * Waits for that long, but not past the deadline: 0 when the time is over, -ECANCELED when the
 * handler is to stop, -ETIMEDOUT at the deadline.
 */
int handler_wait(struct handler_context *context, usec_t duration);

/*
 * The same, until a moment (CLOCK_BOOTTIME), and for descriptors too: how many of them are ready,
 * as poll(2) has it, 0 at that moment. At most HANDLER_POLL_MAX. Readiness goes before -ECANCELED
 * and -ETIMEDOUT only when it is seen first: both are asked before each wait.
 */
#define HANDLER_POLL_MAX 4
int handler_poll(struct handler_context *context, struct pollfd *fds, size_t n_fds, usec_t until);

/* Sets the text for the row's error column; returns HANDLER_FAILED. */
enum handler_result handler_fail(struct handler_context *context, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* With a failure: that it would fail again whatever is tried, or when to try again. */
void handler_fails_for_good(struct handler_context *context);
void handler_retry_in(struct handler_context *context, usec_t pause);

/*
 * What a program that did the job took: bytes of memory at its peak, and CPU time. For who asks how
 * costly a job is; 0: not known.
 */
void handler_used(struct handler_context *context, uint64_t peak_memory, usec_t cpu_time);

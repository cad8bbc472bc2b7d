/*
 * One job's way through a runtime, between the worker thread that waits for it and the loop thread,
 * which has the runtimes.
 *
 * It lives on the worker's stack. The worker hands it over through base/queue, and has it again
 * when done_fd has told it so; should it want to stop it before, it hands over stop_node too, and
 * then has it again only when both were seen to: so the loop never meets one that is gone.
 */
#pragma once

#include <stdbool.h>
#include <sys/queue.h>

#include "base/queue.h"
#include "handler/lambda_answer.h"
#include "handler/runtime_api.h"

/* What is added to done_fd's count. */
#define INVOCATION_ENDED   UINT64_C(1)
#define INVOCATION_STOPPED (UINT64_C(1) << 32)

enum invocation_result {
	INVOCATION_GOOD,
	INVOCATION_BAD, /* text says why */
	INVOCATION_CUT, /* it was to stop, and did */
};

struct runtime;

struct invocation {
	/* The worker's. */
	struct queue_node node;
	struct queue_node stop_node;
	struct runtime_work work;
	usec_t stop_grace; /* with stop_node: until what does it is killed */
	int done_fd;       /* an eventfd */

	/* The loop's. */
	TAILQ_ENTRY(invocation) link; /* among those that wait for a runtime */
	struct runtime *runtime;      /* that does it; NULL: none yet */
	bool ended;
	bool stopped;

	/* By the loop, before it ended. */
	enum invocation_result result;
	char text[LAMBDA_TEXT_MAX];
	uint64_t peak_memory; /* of the runtime; 0: not known */
};

/*
 * What a test has ordered to go wrong: "let the next two DeleteMessageBatch through, then answer
 * three with 503". Each fault counts the requests of its action; the first that is due applies.
 *
 * Written as JSON:
 *
 *   action   the action it is for; "*" (default): any. Where names have two parts, as
 *            "metadata:token" has, the first alone stands for all that begin with it
 *   after    so many requests are left alone first (default 0)
 *   count    so many are hit (default 1; 0: all, until the faults are cleared)
 *   kind     status       refused with `status` (default 500), `code`, `message` and
 *                         `query_error` (the header; default "CODE;Sender" or ";Receiver")
 *            raw          answered with `status` (default 200), `content_type` and `body`
 *            delay        held for `ms`, then acted on
 *            late         acted on at once, the answer held for `ms`
 *            cut-before   connection closed without acting
 *            cut-after    acted on, then the connection closed
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "base/clock.h"

enum fault_kind {
	FAULT_NONE,
	FAULT_STATUS,
	FAULT_RAW,
	FAULT_DELAY,
	FAULT_LATE,
	FAULT_CUT_BEFORE,
	FAULT_CUT_AFTER,
};

struct fault {
	TAILQ_ENTRY(fault) next;
	enum fault_kind kind;
	usec_t delay;
	json_int_t n_skip;
	json_int_t n_left; /* 0: no end */
	json_t *terms;     /* owns: as ordered */
};

TAILQ_HEAD(fault_list, fault);

/* One that applies to a request. Owns its terms. */
struct fault_hit {
	enum fault_kind kind;
	usec_t delay;
	json_t *terms;
};

/* Adds one fault. NULL, or what is wrong with the terms, a constant. */
const char *faults_add(struct fault_list *faults, const json_t *terms);
void faults_clear(struct fault_list *faults);

/* Counts a request of that action; what applies to it. */
struct fault_hit faults_take(struct fault_list *faults, const char *action);

/* The faults that are still to come, as ordered but with what is left of the counts; owned. */
json_t *faults_show(const struct fault_list *faults);

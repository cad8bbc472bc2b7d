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
 *   kind     what happens. Without acting on the request:
 *
 *     status        refused with `status` (default 500), `code` (default InternalFailure),
 *                   `message` and `query_error` (the header; default "CODE;Sender" or
 *                   ";Receiver", "": none). Throttling is 400 or 403 with its code.
 *     raw           answered with `status` (default 200), `content_type` (default text/html, "":
 *                   none) and `body` (default: an empty one)
 *     too-large     answered with 200 and a JSON object of `bytes` (default 128 MiB) which is made
 *                   up as it goes out; `chunked`: without saying its length before
 *     cut-before    the connection is closed
 *     black-hole    nothing is answered, and the connection stays open until this program ends
 *
 *   and acting on it, as always:
 *
 *     delay         after `ms`
 *     late          at once, but the answer is held for `ms`
 *     cut-after     the connection is closed instead of the answer
 *     truncate      the head says the body's whole length; half of the body follows, then the
 *                   connection is closed
 *     garble        bytes of the body, the first and every seventh, are no UTF-8 any more
 *     drip          the head, then the body in pieces of `bytes` (default 1), `ms` before each
 *     date          the Date of this answer is wrong by `seconds`
 *     twice         ReceiveMessage: the messages are visible again at once, so that they come
 *                   twice; their handles stay good until then
 *     duplicate     ReceiveMessage: a copy of each message, with an id of its own, is on the queue
 *     fail-entries  batches: the first `entries` (default: all) are not acted on and answered
 *                   under Failed with `code` (default InternalError), `message` and
 *                   `sender_fault` (default false)
 *
 * Where truncate and garble find an empty body, it is as if it were {}.
 * A request that a kind cannot harm (a receive that finds nothing, an action that is no batch) is
 * counted and left alone.
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
	FAULT_BLACK_HOLE,
	FAULT_TOO_LARGE,
	FAULT_TRUNCATE,
	FAULT_GARBLE,
	FAULT_DRIP,
	FAULT_DATE,
	FAULT_TWICE,
	FAULT_DUPLICATE,
	FAULT_FAIL_ENTRIES,
	FAULT_N_KINDS,
};

/* What an error says when its order does not. */
#define FAULT_MESSAGE "ordered by a test"

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

/* Terms of a hit, borrowed from it; otherwise, if the order does not have them. */
const char *fault_text(const struct fault_hit *hit, const char *name, const char *otherwise);
json_int_t fault_number(const struct fault_hit *hit, const char *name, json_int_t otherwise);

/* The faults that are still to come, as ordered but with what is left of the counts; owned. */
json_t *faults_show(const struct fault_list *faults);

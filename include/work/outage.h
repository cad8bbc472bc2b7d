/*
 * Whether the database answers, and what follows: who is told, when it is tried again, and from
 * when on rows that look abandoned may be taken over.
 *
 * It counts as away from a connection that failed, or something sent that is unanswered for a
 * second, and as up again from the next answer; even a refusal is one. A connection alone is none:
 * what the turn that follows makes of it decides. The log says so as of any trouble.
 *
 * Plain data. The ledger's thread only, but for outage_is_up().
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "work/trouble.h"

/* It is away, or still is, and text says why; "": it is up. */
typedef void outage_fn(void *userdata, const char *text);

struct outage {
	outage_fn *tell;
	void *userdata;
	usec_t visibility; /* V, the owner's to set; 0: not known yet */

	_Atomic(bool) up;
	struct trouble trouble;
	struct backoff pause;
	usec_t connect_at;   /* CLOCK_MONOTONIC */
	usec_t asked_at;     /* CLOCK_MONOTONIC; 0: nothing is unanswered */
	usec_t success_at;   /* CLOCK_BOOTTIME: the last transaction; 0: none */
	usec_t take_over_at; /* CLOCK_BOOTTIME */
};

/* Away at first, which is said to nobody, and to be tried at once. */
void outage_init(struct outage *outage, outage_fn *tell, void *userdata);

/* Any thread. */
bool outage_is_up(const struct outage *outage);

/* How long a statement, and so a probe, may take. */
usec_t outage_patience(const struct outage *outage);

/* Around whatever waits for an answer; in between, look once a second at least. */
void outage_asked(struct outage *outage);
void outage_look(struct outage *outage);
void outage_answered(struct outage *outage);

/* How long until it is to be tried again; 0: now. */
usec_t outage_pause(const struct outage *outage);
/* What made it wait may be gone. */
void outage_end_pause(struct outage *outage);

/* What came of it: no answer, a connection, any answer, a transaction that was sent then. */
void outage_away(struct outage *outage, const char *text);
void outage_connected(struct outage *outage);
void outage_heard(struct outage *outage);
void outage_success(struct outage *outage, usec_t sent_at);

/*
 * CLOCK_BOOTTIME, for a turn that is made now: after an outage, or a time in which there may have
 * been one, rows that look abandoned may only be untouched, as ours are, and their owners get time
 * to touch them.
 */
usec_t outage_take_over_at(struct outage *outage);

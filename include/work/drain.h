/*
 * A stop's phases and their deadlines. Pure; one thread.
 *
 *     until drain_timeout    what is in hand runs; only what cannot end before is not begun
 *     then                   handlers are told to stop, and have one grace
 *     after the last of them 15 s for rows and deletes; none when there are none, and only
 *                            handlers that did not hear are left
 *
 * Moments are CLOCK_MONOTONIC.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

#define DRAIN_FINISH (15 * USEC_PER_SEC)

struct drain {
	usec_t deadline;    /* of the first phase */
	usec_t handlers_by; /* of the second */
	usec_t finish_by;   /* of the third; 0: not begun */
	bool cancelled;
	bool ended;
};

struct drain_work {
	uint64_t n_running; /* handlers that have not returned, or have not begun */
	uint64_t n_begun;   /* of those: have begun */
	uint64_t n_in_hand; /* jobs, deletes, messages on their way back */
	unsigned n_polls;
};

enum drain_verdict {
	DRAIN_GOES_ON,
	DRAIN_CANCEL, /* once: tell the handlers to stop */
	DRAIN_CLEAN,  /* once: nothing is in hand */
	DRAIN_LEAVE,  /* once: what is still in hand is left to its leases */
	DRAIN_ENDED,
};

void drain_begin(struct drain *drain, usec_t now, usec_t timeout, usec_t kill_grace);

/* now is CLOCK_MONOTONIC; a job of that timeout would end in time. */
bool drain_may_begin(const struct drain *drain, usec_t now, usec_t job_timeout);

enum drain_verdict drain_step(struct drain *drain, usec_t now, const struct drain_work *work);

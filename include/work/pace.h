/*
 * How much may be taken ahead of the threads: what they began in the last window they will, at
 * that pace, begin in the next.
 *
 * The allowance follows the measured pace down at once and grows at most twofold a window, so that
 * neither a burst of quick jobs nor a slow one leaves more waiting than is begun soon. A window in
 * which nothing was measured counts by its share of the time that passed. Pure; one thread.
 */
#pragma once

#include <stdint.h>

#include "base/clock.h"

struct pace {
	unsigned step; /* what growth begins with */
	unsigned ceiling;
	unsigned allowance;
	uint64_t n_started; /* at the window's beginning */
	usec_t window_at;
};

void pace_init(struct pace *pace, unsigned step, unsigned ceiling);

/* n_started counts all that was ever begun. Returns the allowance; none without a window. */
unsigned pace_allow(struct pace *pace, usec_t window, usec_t now, uint64_t n_started);

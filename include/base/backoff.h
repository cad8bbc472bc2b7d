/*
 * Pauses between attempts that do not end: exponential, capped, jittered.
 *
 * The n-th pause is drawn evenly from the upper half of [0, min(cap, base * 2^n)]: never zero, so
 * that nothing spins, and spread, so that a fleet does not knock in step. One thread per object.
 */
#pragma once

#include "base/clock.h"

struct backoff {
	usec_t base;
	usec_t cap;
	unsigned attempt;
};

/* The pause before the next attempt. */
usec_t backoff_next(struct backoff *b);

/* After a success: the next pause is the first again. */
void backoff_reset(struct backoff *b);

/* Evenly from [0, range), without the caller needing a seed; 0 for a range of 0. Any thread. */
uint64_t backoff_random(uint64_t range);

/*
 * How far this machine's clock is from AWS's. A signature is refused when its time is more than
 * five minutes off; so what an answer's Date says is taken for the time, in signatures and where
 * AWS's own moments (an expiry) are compared with now, never for pauses or leases.
 *
 * Learnt only from an answer that refuses a signature: good ones prove the clock good enough. Not
 * from one that was kept by a cache on the way, and not beyond a day: such a clock has to be set.
 * Plain data; loop thread only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

struct skew;

/* The correction has changed; it is 0 again once the clock is right. */
typedef void skew_fn(void *userdata, const struct skew *skew);

struct skew {
	int64_t usec;     /* theirs minus ours */
	skew_fn *changed; /* NULL: nobody is told */
	void *userdata;
};

/* What AWS's clock shows now, in the units of CLOCK_REALTIME; NULL: what ours does. */
usec_t skew_now(const struct skew *skew);

/*
 * An answer refused a signature that was made with this skew: its headers Date and Age (NULL: not
 * there). True: the correction has changed, so another try makes sense.
 */
bool skew_learn(struct skew *skew, const char *date, const char *age);

/* Our clock jumped: what was learnt says nothing of it, and nobody is told. */
void skew_forget(struct skew *skew);

/* What these headers say of our clock: theirs minus ours. False: nothing. */
bool skew_read(const char *date, const char *age, int64_t *ret_usec);
/* Whether by so much signatures are refused; and whether that is more than is corrected. */
bool skew_matters(int64_t usec);
bool skew_is_beyond(int64_t usec);

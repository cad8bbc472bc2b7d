/*
 * How the jobs of one type ended, how long they waited and how long they ran. Loop thread only.
 */
#pragma once

#include "base/clock.h"
#include "base/histogram.h"
#include "job/job.h"

struct tally {
	uint64_t n[JOB_N_OUTCOMES];
	uint64_t n_dead_letters; /* ended so that the dead letter queue gets the message */
	struct histogram wait;   /* µs, from the receive to the handler */
	struct histogram run;    /* µs */
};

/* From 5 ms to 12 hours. */
extern const struct histogram_bounds tally_bounds;

/* A job that never ran has waited only. */
void tally_add(struct tally *tally, enum job_outcome outcome, usec_t wait, usec_t run, bool ran);

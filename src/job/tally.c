#include "job/tally.h"

static const uint64_t bounds[] = {
	5 * USEC_PER_MSEC,
	10 * USEC_PER_MSEC,
	25 * USEC_PER_MSEC,
	50 * USEC_PER_MSEC,
	100 * USEC_PER_MSEC,
	250 * USEC_PER_MSEC,
	500 * USEC_PER_MSEC,
	USEC_PER_SEC,
	2500 * USEC_PER_MSEC,
	5 * USEC_PER_SEC,
	10 * USEC_PER_SEC,
	30 * USEC_PER_SEC,
	USEC_PER_MIN,
	2 * USEC_PER_MIN,
	5 * USEC_PER_MIN,
	15 * USEC_PER_MIN,
	USEC_PER_HOUR,
	12 * USEC_PER_HOUR,
};

const struct histogram_bounds tally_bounds = {bounds, sizeof bounds / sizeof bounds[0]};

void tally_add(struct tally *tally, enum job_outcome outcome, usec_t wait, usec_t run, bool ran)
{
	tally->n[outcome]++;
	histogram_observe(&tally->wait, &tally_bounds, wait);
	if (ran)
		histogram_observe(&tally->run, &tally_bounds, run);
}

#include "work/pace.h"

void pace_init(struct pace *pace, unsigned step, unsigned ceiling)
{
	*pace = (struct pace){.step = step, .ceiling = ceiling};
}

static uint64_t pace_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

unsigned pace_allow(struct pace *pace, usec_t window, usec_t now, uint64_t n_started)
{
	usec_t passed = now - pace->window_at;

	if (window == 0)
		return 0;
	if (passed < window)
		return pace->allowance;

	uint64_t measured = (n_started - pace->n_started) * window / passed;
	uint64_t grown = pace->allowance > 0 ? 2 * (uint64_t)pace->allowance : pace->step;
	pace->allowance = (unsigned)pace_min(measured, pace_min(grown, pace->ceiling));
	pace->n_started = n_started;
	pace->window_at = now;
	return pace->allowance;
}

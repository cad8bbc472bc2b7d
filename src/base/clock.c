#include "base/clock.h"

#include <assert.h>
#include <stddef.h>
#include <time.h>

static clock_fn *replacement;

static usec_t clock_read(clockid_t id)
{
	if (replacement)
		return replacement();

	struct timespec ts;
	int r = clock_gettime(id, &ts);
	assert(r == 0);
	return (usec_t)ts.tv_sec * USEC_PER_SEC + (usec_t)ts.tv_nsec / 1000;
}

usec_t clock_monotonic(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

usec_t clock_boottime(void)
{
	return clock_read(CLOCK_BOOTTIME);
}

usec_t clock_realtime(void)
{
	return clock_read(CLOCK_REALTIME);
}

void clock_replace(clock_fn *now)
{
	replacement = now;
}

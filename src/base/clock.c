#include "base/clock.h"

#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
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

usec_t clock_thread(void)
{
	return clock_read(CLOCK_THREAD_CPUTIME_ID);
}

const char *clock_format_duration(usec_t duration, char buffer[CLOCK_DURATION_MAX])
{
	static const struct {
		usec_t usec;
		const char *unit;
	} units[] = {
		{24 * USEC_PER_HOUR, "d"},
		{USEC_PER_HOUR, "h"},
		{USEC_PER_MIN, "min"},
		{USEC_PER_SEC, "s"},
		{USEC_PER_MSEC, "ms"},
		{1, "us"},
	};
	size_t i = 0;

	if (duration == 0)
		i = 3;
	while (duration % units[i].usec != 0)
		i++;
	snprintf(buffer, CLOCK_DURATION_MAX, "%" PRIu64 "%s", duration / units[i].usec,
		units[i].unit);
	return buffer;
}

void clock_replace(clock_fn *now)
{
	replacement = now;
}

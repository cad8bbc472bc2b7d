/*
 * The clocks, in microseconds, and the seam through which a test replaces them.
 *
 * Which one for what: leases and the deadlines of requests count CLOCK_BOOTTIME (it goes on during
 * a suspend), pauses and other deadlines CLOCK_MONOTONIC, signatures and log lines CLOCK_REALTIME;
 * what a thread spends of a processor CLOCK_THREAD_CPUTIME_ID, which stands while others run.
 * Rows know the database's clock only. Any thread may ask; only a test, before its threads start,
 * may replace.
 */
#pragma once

#include <stdint.h>

typedef uint64_t usec_t;

#define USEC_PER_MSEC ((usec_t)1000)
#define USEC_PER_SEC  ((usec_t)1000000)
#define USEC_PER_MIN  (60 * USEC_PER_SEC)
#define USEC_PER_HOUR (60 * USEC_PER_MIN)
#define USEC_INFINITY UINT64_MAX

usec_t clock_monotonic(void);
usec_t clock_boottime(void);
usec_t clock_realtime(void);
usec_t clock_thread(void);

/* a - b, but 0 where that would be negative. */
static inline usec_t usec_sub(usec_t a, usec_t b)
{
	return a > b ? a - b : 0;
}

static inline usec_t usec_min(usec_t a, usec_t b)
{
	return a < b ? a : b;
}

static inline usec_t usec_max(usec_t a, usec_t b)
{
	return a > b ? a : b;
}

/* Rounded up, as SQS counts. */
static inline usec_t usec_whole_seconds(usec_t a)
{
	usec_t rest = a % USEC_PER_SEC;

	return rest ? a - rest + USEC_PER_SEC : a;
}

/* A duration as people write it: "250ms", "30s", "5min", "14d"; the largest unit that fits without
 * rest.
 */
#define CLOCK_DURATION_MAX 32
const char *clock_format_duration(usec_t duration, char buffer[CLOCK_DURATION_MAX]);

/* For tests: every clock shows what this function returns; NULL gives the real ones back. */
typedef usec_t clock_fn(void);
void clock_replace(clock_fn *now);

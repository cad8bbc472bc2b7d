#include "ctl/progress.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

#define INTERVAL (100 * USEC_PER_MSEC)

#define TO_THE_START_AND_CLEAR "\r\033[K"

static usec_t shown_at; /* CLOCK_MONOTONIC; 0: no line is there */

void progress(const char *format, ...)
{
	usec_t now = clock_monotonic();
	va_list args;

	if (!isatty(STDERR_FILENO) || (shown_at > 0 && now < shown_at + INTERVAL))
		return;
	shown_at = now;
	fputs(TO_THE_START_AND_CLEAR, stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
}

void progress_end(void)
{
	if (shown_at > 0)
		fputs(TO_THE_START_AND_CLEAR, stderr);
	shown_at = 0;
}

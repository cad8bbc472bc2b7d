/*
 * One kind of fault that may go on for a while, said as often as helps: the first time at once,
 * soon when there is something else to say of it (one cause was cured and the next shows), else
 * with a count each minute, then its end. One thread per object.
 */
#pragma once

#include <stdbool.h>

#include "base/clock.h"

#define TROUBLE_TEXT_MAX 256

struct trouble {
	usec_t since; /* CLOCK_BOOTTIME; 0: all is well */
	usec_t said_at;
	unsigned n_unsaid;
	char said[TROUBLE_TEXT_MAX]; /* as much of it as is compared */
};

/* Logs a warning, if it is time to. */
void trouble_report(struct trouble *trouble, const char *text);

/* It is over; what, "receiving", stands in the line that says so. Nothing if there was none. */
void trouble_end(struct trouble *trouble, const char *what);

/*
 * One kind of fault that may go on for a while, said as often as helps: the first time at once,
 * soon when there is something else to say of it (one cause was cured and the next shows), else
 * with a count each minute, then its end. One that comes and goes is not said each time. One thread
 * per object.
 */
#pragma once

#include <stdbool.h>

#include "base/clock.h"
#include "work/event.h"

#define TROUBLE_TEXT_MAX   512
#define TROUBLE_CAUSES_MAX 4

struct trouble;

/* One of the troubles has begun, has something else to say, or is over; the log has said so. */
typedef void trouble_fn(void *userdata);

/*
 * What several troubles have in common: a cause that all of them meet is said by the first, and by
 * the others only once that has ended for it. Zeros at first, but for the function; one thread.
 */
struct trouble_causes {
	trouble_fn *changed; /* NULL: nobody is told */
	void *userdata;
	struct trouble_cause {
		const struct trouble *by; /* NULL: none */
		usec_t said_at;
		char text[TROUBLE_TEXT_MAX];
	} said[TROUBLE_CAUSES_MAX];
	unsigned next;
};

struct trouble {
	struct trouble_causes *causes; /* borrowed; NULL: it shares none */
	enum event away, back;         /* what its lines are about */
	usec_t since;                  /* CLOCK_BOOTTIME; 0: all is well */
	bool spoke;                    /* since then */
	usec_t said_at;
	unsigned n_unsaid;
	char said[TROUBLE_TEXT_MAX]; /* as much of it as is compared */
};

/* Logs a warning, if it is time to. */
void trouble_report(struct trouble *trouble, const char *text);

/*
 * It is over; what, "receiving", stands in the line that says so. Nothing if there was none, or if
 * nothing was said of it.
 */
void trouble_end(struct trouble *trouble, const char *what);
/* It matters to nobody any more: that is no end for the log. */
void trouble_drop(struct trouble *trouble);

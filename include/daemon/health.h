/*
 * Whether all is well, and who is told: READY once queue and job table are proven, and in any case
 * half a minute after the start; a STATUS line when something changes, WATCHDOG while loop, polls
 * and ledger live, and more time for a stop that makes progress.
 *
 * Nothing is computed while nothing changes: the status timer sleeps until health_changed().
 * Owns: its timers. Loop thread only.
 */
#pragma once

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "daemon/preflight.h"
#include "work/dispatcher.h"

struct health_options {
	const struct dispatcher *dispatcher;
	const struct preflight *preflight;
	usec_t wait_time; /* what a poll asks for */
	usec_t patience;  /* with what is remote and broken; USEC_INFINITY: without end */
	/* The patience is over; once. */
	void (*given_up)(void *userdata);
	void *userdata;
};

/* Stands in the STATUS line before each thing that is amiss, and nowhere else. */
#define HEALTH_AMISS "; "

struct health;

/* Borrows event and what the options name. 0 or a negative errno. */
int health_new(sd_event *event, const struct health_options *options, struct health **ret);
struct health *health_free(struct health *health);
DEFINE_CLEANUP(struct health *, health_free)

/* Something may have changed. */
void health_changed(struct health *health);
/* Stands in the STATUS line until there is another; "" takes it away. A constant. */
void health_note(struct health *health, const char *note);
/* From now on it is a stop that is told of. */
void health_stopping(struct health *health);

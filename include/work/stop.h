/*
 * Carries out a stop: nothing is received any more, and what is in hand goes to its end, is given
 * back, or is left to its leases. When what is due is work/drain's to say.
 *
 * Owns: its timer, which goes once a second while it stops. Loop thread only; step() and ended()
 * come from the loop.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "work/acker.h"
#include "work/departure.h"
#include "work/drain.h"
#include "work/intake.h"
#include "work/pool.h"

struct stop {
	sd_event *event;
	struct delivery_index *index;
	struct departure *departure;
	struct intake *intake;
	struct acker *acker;
	struct burial *burial;
	struct pool *pool;
	const char *database_text;    /* what is wrong with it; "" when nothing is */
	void (*step)(void *userdata); /* stop_step() is due */
	/* All is settled, or (false) left to its leases. */
	void (*ended)(void *userdata, bool clean);
	void *userdata;

	bool begun;
	struct drain drain;
	sd_event_source *timer;
};

/* The members before `begun` are set, and borrowed. 0 or a negative errno. */
int stop_init(struct stop *stop);
void stop_done(struct stop *stop);

/* Once. Gives back at once what only waits. */
void stop_begin(struct stop *stop, usec_t timeout, usec_t kill_grace);
/* What waits to be begun and would not end in time any more, once a stop has begun. */
void stop_give_back_late(struct stop *stop);
/*
 * After each turn of the loop. n_running: handlers that have not returned, or have not begun;
 * n_begun: of those, have begun.
 */
void stop_step(struct stop *stop, uint64_t n_running, uint64_t n_begun);
/* What is in hand now, why, and how many receives a stop here has burnt: into the log. */
void stop_say_left(const struct stop *stop);

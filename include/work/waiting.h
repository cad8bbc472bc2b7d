/*
 * Jobs in hand that may not be begun yet: parked, for as many of their type are begun as may be, or
 * put off, for their row is another's or not there.
 *
 * A type's place is taken before a job is begun and is free when the job has come back or leaves;
 * one that becomes free is at once the place of the oldest job that is parked for it, which is then
 * ready. So nothing that came later overtakes, and only what has a place is moved.
 *
 * Up to twice the threads may be parked. While more are nothing is to be received, and one line a
 * minute names the type of the oldest; it is over when half of them have gone on. Owns: the timers.
 * Loop thread only; ready() comes from the loop.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "work/delivery.h"
#include "work/trouble.h"

struct waiting {
	sd_event *event;
	struct delivery_index *index;
	unsigned n_threads;
	void (*ready)(void *userdata); /* one that was put off may be begun */
	void *userdata;

	struct trouble crowd;
	sd_event_source *each_minute; /* of it */
};

/* The first five members are set, and borrowed. 0 or a negative errno. */
int waiting_init(struct waiting *waiting);
void waiting_done(struct waiting *waiting);

/* Whether the job has one of its type's places now, if it had none before. */
bool waiting_take_place(struct hold *hold);
/* The next one has it. Nothing if the job has none. */
void waiting_free_place(struct waiting *waiting, struct hold *hold);
void waiting_park(struct waiting *waiting, struct hold *hold);
/* The types' limits have changed. */
void waiting_look(struct waiting *waiting);
/* Whether so many are parked that nothing may be received. */
bool waiting_is_crowded(struct waiting *waiting);

/* Until then, CLOCK_BOOTTIME. 0 or a negative errno, and then it is as it was. */
int waiting_put_off(struct waiting *waiting, struct hold *hold, usec_t until);

#include "work/waiting.h"

#include <stdio.h>

#include "base/loop.h"

/* ---- Parked ---- */

static bool waiting_is_full(const struct registry_entry *type)
{
	return type->max_concurrency > 0 && type->n_begun >= type->max_concurrency;
}

bool waiting_take_place(struct hold *hold)
{
	if (!hold->has_place && waiting_is_full(hold->type))
		return false;
	if (!hold->has_place)
		hold->type->n_begun++;
	hold->has_place = true;
	return true;
}

/* To the oldest that are parked for it. */
static void waiting_give_places(struct waiting *waiting, const struct registry_entry *type)
{
	struct hold *hold = TAILQ_FIRST(&waiting->index->states[HOLD_PARKED]), *next;

	/* Without a limit none is. */
	for (; type->max_concurrency > 0 && hold && !waiting_is_full(type); hold = next) {
		next = TAILQ_NEXT(hold, link);
		if (hold->type == type && waiting_take_place(hold))
			delivery_move(waiting->index, hold, HOLD_READY);
	}
}

void waiting_free_place(struct waiting *waiting, struct hold *hold)
{
	if (!hold->has_place)
		return;
	hold->has_place = false;
	hold->type->n_begun--;
	waiting_give_places(waiting, hold->type);
}

void waiting_park(struct waiting *waiting, struct hold *hold)
{
	delivery_move(waiting->index, hold, HOLD_PARKED);
}

void waiting_look(struct waiting *waiting)
{
	struct hold *hold = TAILQ_FIRST(&waiting->index->states[HOLD_PARKED]), *next;

	for (; hold; hold = next) {
		next = TAILQ_NEXT(hold, link);
		if (waiting_take_place(hold))
			delivery_move(waiting->index, hold, HOLD_READY);
	}
}

/* ---- Too many of them ---- */

static bool waiting_are_more_than(const struct waiting *waiting, unsigned n)
{
	return waiting->index->n_in_state[HOLD_PARKED] > n;
}

static void waiting_say_crowded(struct waiting *waiting)
{
	char text[TROUBLE_TEXT_MAX];

	snprintf(text, sizeof text,
		"receiving stops: too many jobs of type %.64s wait for its max_concurrency; a "
		"queue of its own would isolate it",
		TAILQ_FIRST(&waiting->index->states[HOLD_PARKED])->job.type);
	trouble_report(&waiting->crowd, text);
}

static void waiting_arm(struct waiting *waiting)
{
	loop_set_timer(waiting->each_minute, clock_monotonic() + USEC_PER_MIN);
}

static int waiting_on_minute(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct waiting *waiting = userdata;

	(void)source;
	(void)usec;
	if (waiting_are_more_than(waiting, waiting->n_threads))
		waiting_say_crowded(waiting);
	waiting_arm(waiting);
	return 0;
}

bool waiting_is_crowded(struct waiting *waiting)
{
	bool crowded = waiting_are_more_than(waiting, 2 * waiting->n_threads);

	if (crowded && waiting->crowd.since == 0) {
		waiting_say_crowded(waiting);
		waiting_arm(waiting);
	}
	/* Not with the first that goes on: the end would be said with nearly each job. */
	if (!waiting_are_more_than(waiting, waiting->n_threads) && waiting->crowd.since > 0) {
		sd_event_source_set_enabled(waiting->each_minute, SD_EVENT_OFF);
		trouble_end(&waiting->crowd, "receiving");
	}
	return crowded;
}

/* ---- Put off ---- */

static int waiting_on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct hold *hold = userdata;
	struct waiting *waiting = hold->waiting;

	(void)source;
	(void)usec;
	delivery_move(waiting->index, hold, HOLD_READY);
	waiting->ready(waiting->userdata);
	return 0;
}

int waiting_put_off(struct waiting *waiting, struct hold *hold, usec_t until)
{
	sd_event_source *timer;

	int r = sd_event_add_time(
		waiting->event, &timer, CLOCK_BOOTTIME, until, 1, waiting_on_time, hold);
	if (r < 0)
		return r;
	delivery_move(waiting->index, hold, HOLD_LATER);
	hold->waiting = waiting;
	hold->timer = timer;
	return 0;
}

/* ---- From outside ---- */

int waiting_init(struct waiting *waiting)
{
	waiting->crowd = (struct trouble){.away = EVENT_CROWDED, .back = EVENT_UNCROWDED};
	return loop_add_timer(waiting->event, CLOCK_MONOTONIC, "waiting", waiting_on_minute,
		waiting, &waiting->each_minute);
}

void waiting_done(struct waiting *waiting)
{
	sd_event_source_disable_unref(waiting->each_minute);
}

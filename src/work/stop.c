#include "work/stop.h"

#include <stdio.h>

#include "base/log.h"
#include "work/event.h"

static void stop_cancel_all(struct stop *stop)
{
	unsigned n_told = 0;
	struct hold *hold;

	TAILQ_FOREACH(hold, &stop->index->states[HOLD_AWAY], link)
	if (!hold_has_run(hold)) {
		pool_cancel(stop->pool, &hold->job, JOB_STOP);
		n_told++;
	}
	log_notice("drain_timeout is over: %u jobs are told to stop", n_told);
}

/* ---- What is left ---- */

static void stop_name_job(const struct stop *stop, const struct hold *hold)
{
	bool begun = hold_is_begun(hold), ran = hold_has_run(hold);
	const char *what = "its row is not begun: ", *why = "";

	if (ran)
		what = "its row is not written: ";
	else if (begun && atomic_load(&hold->job.started_at) > 0)
		what = "its handler has not returned";
	else if (begun)
		what = "no thread was free for it";
	/* A database that answers does not say whose lock it is. */
	if (ran || !begun)
		why = stop->database_text[0] ? stop->database_text
					     : "it is locked, or there is no answer yet";
	log_as_job(EVENT_LEFT, LOG_WARNING, &hold->job,
		"job=%s type=%s is left to its leases: %s%s", hold->job.id, hold->job.type, what,
		why);
}

static const char *stop_reason(const char *trouble)
{
	return trouble[0] ? trouble : "there is no answer yet";
}

static void stop_name_messages(const struct stop *stop)
{
	unsigned n_deletes = acker_n_deletes(stop->acker);
	unsigned n_give_backs = acker_n_give_backs(stop->acker);
	unsigned n_ready = stop->index->n_in_state[HOLD_READY];
	unsigned n_dead = burial_n_messages(stop->burial);
	const char *why = stop_reason(acker_trouble(stop->acker));

	if (n_ready > 0)
		log_as(EVENT_LEFT, LOG_WARNING,
			"%u jobs are left to the queue: they were not begun", n_ready);
	if (n_deletes > 0)
		log_as(EVENT_LEFT, LOG_WARNING,
			"%u completed messages are not deleted: %s; they come again and are "
			"deleted then",
			n_deletes, why);
	if (n_dead > 0)
		log_as(EVENT_LEFT, LOG_WARNING,
			"%u messages are not in the dead letter queue: %s; they come again", n_dead,
			stop_reason(burial_trouble(stop->burial)));
	if (n_give_backs > 0)
		log_as(EVENT_LEFT, LOG_WARNING,
			"%u messages are not given back: %s; they come when their visibility "
			"ends",
			n_give_backs, why);
}

/* Each message that is left comes once more, as those do that were given back. */
void stop_say_left(const struct stop *stop)
{
	unsigned n_given_back = stop->departure->n_given_back;
	unsigned n_burnt = n_given_back + delivery_n_messages(stop->index) +
			   acker_n_deletes(stop->acker) + burial_n_messages(stop->burial);
	const struct hold *hold;
	char cost[64] = "";

	TAILQ_FOREACH(hold, &stop->index->states[HOLD_AWAY], link)
	stop_name_job(stop, hold);
	stop_name_messages(stop);
	if (n_burnt > 0)
		snprintf(cost, sizeof cost, "; receives burnt: %u", n_burnt);
	log_as(EVENT_DRAINED, LOG_NOTICE,
		"drained: %u jobs left to their leases, %u messages given back%s",
		delivery_n_holds(stop->index), n_given_back, cost);
}

static void stop_end(struct stop *stop, bool clean)
{
	sd_event_source_set_enabled(stop->timer, SD_EVENT_OFF);
	stop_say_left(stop);
	stop->ended(stop->userdata, clean);
}

/* ---- The way there ---- */

void stop_step(struct stop *stop, uint64_t n_running, uint64_t n_begun)
{
	struct drain_work work = {
		.n_running = n_running,
		.n_begun = n_begun,
		.n_in_hand = delivery_n_holds(stop->index) + acker_n_deletes(stop->acker) +
			     acker_n_give_backs(stop->acker) + burial_n_messages(stop->burial),
		.n_polls = intake_n_polls(stop->intake),
	};

	if (!stop->begun)
		return;
	switch (drain_step(&stop->drain, clock_monotonic(), &work)) {
	case DRAIN_GOES_ON:
	case DRAIN_ENDED:
		return;
	case DRAIN_CANCEL:
		stop_cancel_all(stop);
		return;
	case DRAIN_CLEAN:
		stop_end(stop, true);
		return;
	case DRAIN_LEAVE:
		stop_end(stop, false);
		return;
	}
}

void stop_give_back_late(struct stop *stop)
{
	struct hold *hold = TAILQ_FIRST(&stop->index->states[HOLD_READY]), *next;
	usec_t now = clock_monotonic();

	for (; stop->begun && hold; hold = next) {
		next = TAILQ_NEXT(hold, link);
		if (!drain_may_begin(&stop->drain, now, hold->type->timeout))
			departure_give_back(stop->departure, hold);
	}
}

static int stop_on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct stop *stop = userdata;

	sd_event_source_set_time(source, usec + USEC_PER_SEC);
	stop->step(stop->userdata);
	return 0;
}

void stop_begin(struct stop *stop, usec_t timeout, usec_t kill_grace)
{
	stop->begun = true;
	drain_begin(&stop->drain, clock_monotonic(), timeout, kill_grace);
	intake_stop(stop->intake);
	departure_give_back_all(stop->departure, HOLD_LATER);
	departure_give_back_all(stop->departure, HOLD_PARKED);
	sd_event_source_set_time(stop->timer, clock_monotonic());
	sd_event_source_set_enabled(stop->timer, SD_EVENT_ON);
}

int stop_init(struct stop *stop)
{
	int r = sd_event_add_time(stop->event, &stop->timer, CLOCK_MONOTONIC, 0, 10 * USEC_PER_MSEC,
		stop_on_timer, stop);
	if (r < 0)
		return r;
	sd_event_source_set_description(stop->timer, "stop");
	return sd_event_source_set_enabled(stop->timer, SD_EVENT_OFF);
}

void stop_done(struct stop *stop)
{
	sd_event_source_disable_unref(stop->timer);
}

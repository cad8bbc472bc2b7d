#include "work/stop.h"

#include "base/log.h"

static void stop_cancel_all(struct stop *stop)
{
	struct hold *hold;

	log_notice("drain_timeout is over: %u jobs are told to stop",
		stop->index->n_in_state[HOLD_AWAY] + stop->index->n_in_state[HOLD_READY]);
	departure_give_back_all(stop->departure, HOLD_READY);
	TAILQ_FOREACH(hold, &stop->index->states[HOLD_AWAY], link)
	if (!hold_has_run(hold))
		pool_cancel(stop->pool, &hold->job, JOB_STOP);
}

/* What is left in hand is named: its leases end by themselves, and others go on with it. */
static void stop_name_left(const struct stop *stop)
{
	const struct hold *hold;

	TAILQ_FOREACH(hold, &stop->index->states[HOLD_AWAY], link)
	log_warning("job=%s type=%s is left to its leases: %s", hold->job.id, hold->job.type,
		hold_has_run(hold) ? "its row could not be written"
				   : "its handler has not returned");
	if (acker_n_deletes(stop->acker) > 0)
		log_warning("%u completed messages could not be deleted: they come again and are "
			    "deleted then",
			acker_n_deletes(stop->acker));
}

static void stop_end(struct stop *stop, bool clean)
{
	unsigned n_given_back = stop->departure->n_given_back;

	sd_event_source_set_enabled(stop->timer, SD_EVENT_OFF);
	if (!clean)
		stop_name_left(stop);
	log_notice("drained: %u jobs left to their leases, %u messages given back%s",
		stop->index->n_in_state[HOLD_AWAY], n_given_back,
		n_given_back > 0 ? ", each of which cost a receive" : "");
	stop->ended(stop->userdata, clean);
}

void stop_step(struct stop *stop, uint64_t n_running)
{
	struct drain_work work = {
		.n_running = n_running,
		.n_in_hand = delivery_n_holds(stop->index) + acker_n_deletes(stop->acker) +
			     acker_n_give_backs(stop->acker),
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

bool stop_may_begin(const struct stop *stop, usec_t job_timeout)
{
	return !stop->begun || drain_may_begin(&stop->drain, clock_monotonic(), job_timeout);
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

#include "work/dispatcher.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "work/dispatcher_parts.h"
#include "work/retry.h"
#include "work/trouble.h"

/* After these pauses a row that was not there is looked for again. */
static const usec_t look_pauses[] = {200 * USEC_PER_MSEC, USEC_PER_SEC, 3 * USEC_PER_SEC};

/* How long a job waits whose handler has not returned from its last run, before it asks again. */
#define OVERDUE_PAUSE USEC_PER_SEC

/* ---- Begin: only what will start within the ledger's next two turns ---- */

/*
 * Where visibility cannot be extended, a job that we held up would lose its message half way: it
 * is left to the queue while that costs only the receive.
 */
static usec_t dispatcher_begin_by(const struct dispatcher *d, const struct hold *hold)
{
	usec_t needed = usec_min(hold->type->timeout, d->terms.visibility / 4 * 3);

	return d->terms.extendable ? USEC_INFINITY : usec_sub(hold_visible_at(hold), needed);
}

static void dispatcher_begin(struct dispatcher *d, struct hold *hold, struct queue_list *begins)
{
	struct job *job = &hold->job;
	usec_t margin = usec_min(5 * USEC_PER_SEC, d->terms.visibility / 10);

	lease_begin(d->lease, hold);
	job->handler = handler_ref(hold->type->handler);
	job->timeout = hold->type->timeout;
	job->kill_grace = lease_kill_grace(d->terms.visibility);
	job->keeps_row = hold->type->keeps_row;
	job->begin_by = dispatcher_begin_by(d, hold);
	job->must_end_at =
		d->terms.extendable ? USEC_INFINITY : usec_sub(hold_visible_at(hold), margin);
	d->n_sent++;
	delivery_move(&d->index, hold, HOLD_AWAY);
	queue_list_append(begins, &job->node);
}

/* Others of its type run; a stop does not wait for them. */
static void dispatcher_park(struct dispatcher *d, struct hold *hold)
{
	if (d->stop.begun)
		departure_give_back(&d->departure, hold);
	else
		waiting_park(&d->waiting, hold);
}

/* Waits in hand and is begun again after the pause; left to the queue where it cannot be kept. */
static void dispatcher_later(struct dispatcher *d, struct hold *hold, usec_t pause)
{
	usec_t at = clock_boottime() + pause;
	bool kept = d->terms.extendable || at < hold_visible_at(hold);

	if (d->stop.begun) {
		departure_give_back(&d->departure, hold);
	} else if (!kept || waiting_put_off(&d->waiting, hold, at) < 0) {
		report_job(d->report, hold);
		departure_leave(&d->departure, hold);
	}
}

/* Whatever its row says: its last run still goes on here. */
static void dispatcher_wait_for_handler(struct dispatcher *d, struct hold *hold)
{
	waiting_free_place(&d->waiting, hold);
	hold->job.outcome = JOB_ELSEWHERE;
	dispatcher_later(d, hold, OVERDUE_PAUSE);
}

/* That costs a receive, of which the queue has few to give. */
static void dispatcher_leave_unbegun(struct dispatcher *d, struct hold *hold, const char *why)
{
	log_as_job(EVENT_NONE, LOG_WARNING, &hold->job,
		"job=%s type=%s receive=%u: not begun, and left to its queue: %s", hold->job.id,
		hold->job.type, hold_receive_count(hold), why);
	departure_leave(&d->departure, hold);
}

static void dispatcher_begin_ready(struct dispatcher *d)
{
	uint64_t n_started = pool_n_started(d->pool);
	uint64_t unstarted = d->n_sent - d->n_back_unrun - n_started;
	unsigned allowance = credits_begin(&d->credits, ledger_n_turns(d->ledger), n_started);
	struct hold_list *ready = &d->index.states[HOLD_READY];
	usec_t now = clock_boottime();
	struct queue_list begins;
	struct hold *hold;

	queue_list_init(&begins);
	while ((hold = TAILQ_FIRST(ready)) && unstarted + begins.n_nodes < allowance) {
		if (!waiting_take_place(hold))
			dispatcher_park(d, hold);
		else if (overdue_has(&d->overdue, hold->job.id))
			dispatcher_wait_for_handler(d, hold);
		else if (now > dispatcher_begin_by(d, hold))
			dispatcher_leave_unbegun(d, hold,
				"it had to wait here, and too little is left of its message's "
				"visibility, which cannot be extended");
		else if (admission_wrap(&d->admission, hold) < 0)
			dispatcher_leave_unbegun(d, hold, "out of memory");
		else
			dispatcher_begin(d, hold, &begins);
	}
	ledger_begin(d->ledger, &begins);
}

/* ---- Receive: only what will start soon ---- */

static unsigned dispatcher_credits(struct dispatcher *d)
{
	const unsigned *n = d->index.n_in_state;
	/* A job that ran and waits for its row needs no thread any more. */
	uint64_t n_ran = pool_n_finished(d->pool) - d->n_back_run;
	struct credits_use use = {
		.n_holds = delivery_n_holds(&d->index),
		.n_need_thread = n[HOLD_READY] + usec_sub(n[HOLD_AWAY], n_ran),
		.n_asked = intake_n_asked(d->intake),
		.n_undeleted = acker_n_deletes(d->acker),
		.n_bodies = delivery_n_holds(&d->index) + burial_n_messages(d->burial) +
			    d->overdue.n_holds,
		.body_bytes = d->index.body_bytes + burial_bytes(d->burial) + d->overdue.body_bytes,
		.n_started = pool_n_started(d->pool),
		.ahead = d->terms.extendable,
	};

	if (d->terms.visibility == 0 || !d->database_up || d->stop.begun ||
		waiting_is_crowded(&d->waiting) ||
		burial_is_full(d->burial, d->limits.in_hand.memory / 2))
		return 0;
	return credits_receive(&d->credits, &use, clock_monotonic());
}

/* Handlers that a stop has to wait for: they have not returned, or not begun. */
static uint64_t dispatcher_n_running(const struct dispatcher *d)
{
	uint64_t n_sent = d->n_sent - d->n_back_unrun;

	return usec_sub(n_sent, pool_n_finished(d->pool) + d->overdue.n_holds);
}

/* Of those that have begun. One that was given up has nothing in hand any more. */
static uint64_t dispatcher_n_busy(const struct dispatcher *d)
{
	return usec_sub(pool_n_running(d->pool), d->overdue.n_holds);
}

void dispatcher_pump(struct dispatcher *d)
{
	stop_give_back_late(&d->stop);
	dispatcher_begin_ready(d);
	intake_set_details(
		d->intake, registry_wants_envelopes(d->registry) || burial_is_open(d->burial));
	intake_pump(d->intake, dispatcher_credits(d));
	acker_hold_give_backs(d->acker, d->stop.begun && intake_n_polls(d->intake) > 0);
	acker_flush(d->acker);
	overdue_watch(&d->overdue);
	stop_step(&d->stop, dispatcher_n_running(d), dispatcher_n_busy(d));
}

void dispatcher_on_received(void *userdata, const struct sqs_answer *answer,
	const struct sqs_message *messages, size_t n_messages)
{
	struct dispatcher *d = userdata;

	for (size_t i = 0; i < n_messages; i++)
		admission_take(&d->admission, &messages[i], answer->first_byte_at);
	if (answer->result == SQS_OK && n_messages == 0 && intake_n_polls(d->intake) == 0 &&
		delivery_n_holds(&d->index) == 0 && acker_n_deletes(d->acker) == 0 &&
		burial_n_messages(d->burial) == 0)
		d->events.empty(d->events.userdata);
	dispatcher_pump(d);
}

/* ---- Settle: what a job's outcome means for its messages ---- */

static void dispatcher_missing(struct dispatcher *d, struct hold *hold)
{
	size_t n_pauses = sizeof look_pauses / sizeof look_pauses[0];

	/* The publisher's commit may be on its way. */
	if (hold->n_looks < n_pauses) {
		usec_t pause = look_pauses[hold->n_looks++];
		log_as_job(EVENT_NONE, LOG_DEBUG, &hold->job,
			"job=%s: its row is not there; looks again in %" PRIu64 "ms", hold->job.id,
			pause / USEC_PER_MSEC);
		dispatcher_later(d, hold, pause);
		return;
	}
	report_job(d->report, hold);
	departure_leave(&d->departure, hold);
}

/* Whether what has failed for good goes to the dead letter queue, and is gone. */
static bool dispatcher_bury(struct dispatcher *d, struct hold *hold)
{
	if (!burial_is_open(d->burial) || !hold->has_details)
		return false;
	hold->buried = true;
	report_job(d->report, hold);
	departure_bury(&d->departure, hold, report_reason(&hold->job));
	return true;
}

static void dispatcher_rejected(struct dispatcher *d, struct hold *hold)
{
	if (dispatcher_bury(d, hold))
		return;
	report_job(d->report, hold);
	departure_leave(&d->departure, hold);
}

/* Where visibility cannot be changed only its end brings the job again. */
static void dispatcher_failed(struct dispatcher *d, struct hold *hold)
{
	usec_t hidden = usec_sub(clock_boottime(), hold_first_received_at(hold));
	usec_t pause = d->terms.extendable ? retry_pause(hold->type, &hold->job, hidden) : 0;

	if (hold->job.outcome == JOB_FAILED && hold->job.for_good && dispatcher_bury(d, hold))
		return;
	hold->job.retry_in = pause;
	report_job(d->report, hold);
	if (pause > 0)
		departure_pause(&d->departure, hold, pause);
	else
		departure_leave(&d->departure, hold);
}

/* Of the jobs that were sent; a stand-in was not. */
static void dispatcher_count_back(struct dispatcher *d, const struct hold *hold)
{
	if (hold->job.ran)
		d->n_back_run += !hold->stands_in;
	else
		d->n_back_unrun++;
}

static void dispatcher_settle(struct dispatcher *d, struct hold *hold)
{
	dispatcher_count_back(d, hold);
	if (hold->given_up_at > 0) {
		overdue_returned(&d->overdue, hold);
		return;
	}
	hold->job.handler = handler_unref(hold->job.handler);
	waiting_free_place(&d->waiting, hold);

	switch (hold->job.outcome) {
	case JOB_COMPLETED:
	case JOB_DUPLICATE:
		report_job(d->report, hold);
		departure_delete(&d->departure, hold);
		return;
	case JOB_FAILED:
	case JOB_TIMEOUT:
		dispatcher_failed(d, hold);
		return;
	case JOB_REJECTED:
		dispatcher_rejected(d, hold);
		return;
	case JOB_LOST:
		report_job(d->report, hold);
		departure_leave(&d->departure, hold);
		return;
	case JOB_ABANDONED:
		report_job(d->report, hold);
		departure_give_back(&d->departure, hold);
		return;
	case JOB_MISSING:
		dispatcher_missing(d, hold);
		return;
	case JOB_ELSEWHERE:
		log_as_job(EVENT_NONE, LOG_DEBUG, &hold->job,
			"job=%s: its row is not free; asks again in %" PRIu64 "ms", hold->job.id,
			hold->job.retry_in / USEC_PER_MSEC);
		dispatcher_later(d, hold, hold->job.retry_in + USEC_PER_MSEC);
		return;
	}
}

static void dispatcher_hear_of_database(struct dispatcher *d)
{
	struct ledger_news *news;
	bool changed = false;

	while ((news = ledger_news(d->ledger))) {
		snprintf(d->database_text, sizeof d->database_text, "%s", news->text);
		free(news);
		changed = true;
	}
	bool up = ledger_is_up(d->ledger);
	if (!changed && up == d->database_up)
		return;
	if (up)
		d->database_text[0] = '\0';
	d->database_up = up;
	lease_set_database(d->lease, up);
	d->events.changed(d->events.userdata);
}

static void dispatcher_hear(struct dispatcher *d)
{
	dispatcher_hear_of_database(d);
	if (ledger_n_touches(d->ledger) != d->n_touches_seen) {
		d->n_touches_seen = ledger_n_touches(d->ledger);
		lease_touched(d->lease);
	}
}

int dispatcher_on_back(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct dispatcher *d = userdata;
	struct queue_list came;
	struct queue_node *node;

	(void)source;
	(void)fd;
	(void)revents;
	queue_take_all(&d->back, &came);
	dispatcher_hear(d);
	if (came.n_nodes > 0)
		d->events.changed(d->events.userdata);
	while ((node = queue_list_pop(&came)))
		dispatcher_settle(d, hold_of_job(job_of_node(node)));
	dispatcher_pump(d);
	return 0;
}

/* ---- From outside ---- */

void dispatcher_drain(struct dispatcher *d)
{
	if (!d->stop.begun)
		stop_begin(
			&d->stop, d->limits.drain_timeout, lease_kill_grace(d->terms.visibility));
}

void dispatcher_say_left(const struct dispatcher *d)
{
	report_flush(d->report);
	stop_say_left(&d->stop);
}

void dispatcher_on_denied(void *userdata, const char *text)
{
	struct dispatcher *d = userdata;
	struct lease_terms terms = {d->terms.visibility, false};

	if (!d->terms.extendable)
		return;
	log_as(EVENT_QUEUE_FINDING, LOG_WARNING, "visibility cannot be extended: %s", text);
	dispatcher_set_terms(d, &terms, d->terms_asked);
}

void dispatcher_types_changed(struct dispatcher *d)
{
	waiting_look(&d->waiting);
	dispatcher_pump(d);
}

void dispatcher_set_terms(struct dispatcher *d, const struct lease_terms *terms, bool asked)
{
	d->terms = *terms;
	d->terms_asked = asked;
	d->admission.visibility = terms->visibility;
	ledger_set_terms(d->ledger, terms->visibility, terms->extendable);
	lease_set_terms(d->lease, terms);
	acker_set_terms(d->acker, terms);
	intake_set_visibility(d->intake, asked ? terms->visibility : 0);
	dispatcher_pump(d);
}

void dispatcher_set_limits(struct dispatcher *d, const struct dispatcher_limits *limits)
{
	d->limits = *limits;
	credits_init(&d->credits, d->concurrency, &limits->in_hand);
	report_set_rate(d->report, limits->completed_per_second);
	burial_set_wanted(d->burial, limits->dead_letters);
}

int dispatcher_set_dead_letters(struct dispatcher *d, const char *queue_url, unsigned max_receives)
{
	report_set_max_receives(d->report, max_receives);
	return burial_set_queue(d->burial, queue_url);
}

int dispatcher_set_database_url(
	struct dispatcher *d, const char *database_url, char ret_error[STORE_ERROR_MAX])
{
	return ledger_set_url(d->ledger, database_url, ret_error);
}

void dispatcher_prove(struct dispatcher *d)
{
	ledger_wake(d->ledger);
	lease_prove(d->lease);
}

void dispatcher_log_slots(const struct dispatcher *d)
{
	pool_log(d->pool);
}

static const char *dispatcher_queue_trouble(const struct dispatcher *d)
{
	const char *text = intake_trouble(d->intake);

	text = text[0] ? text : acker_trouble(d->acker);
	text = text[0] ? text : lease_trouble(d->lease);
	return text[0] ? text : burial_full_trouble(d->burial);
}

void dispatcher_status(const struct dispatcher *d, struct dispatcher_status *ret)
{
	*ret = (struct dispatcher_status){
		.n_threads = d->concurrency,
		.n_busy = (unsigned)dispatcher_n_busy(d),
		.n_overdue = d->overdue.n_holds,
		.n_in_hand = delivery_n_holds(&d->index),
		.n_completed = report_n(d->report, JOB_COMPLETED),
		.n_failed = report_n(d->report, JOB_FAILED) + report_n(d->report, JOB_TIMEOUT),
		.oldest_poll = intake_oldest_poll(d->intake),
		.answered_at = intake_answered_at(d->intake),
		.ledger_seen_at = ledger_seen_at(d->ledger),
		.progress = d->n_back_run + d->n_back_unrun,
		.database_up = d->database_up,
		.database_trouble = d->database_text,
		.queue_trouble = dispatcher_queue_trouble(d),
		.dead_letter_trouble = burial_trouble(d->burial),
	};
}

const struct histogram *dispatcher_batches(const struct dispatcher *d)
{
	return ledger_batches(d->ledger);
}

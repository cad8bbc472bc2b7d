#include "work/dispatcher.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "work/acker.h"
#include "work/admission.h"
#include "work/credits.h"
#include "work/delivery.h"
#include "work/drain.h"
#include "work/intake.h"
#include "work/ledger.h"
#include "work/pool.h"
#include "work/report.h"
#include "work/trouble.h"

/* After these pauses a row that was not there is looked for again. */
static const usec_t look_pauses[] = {200 * USEC_PER_MSEC, USEC_PER_SEC, 3 * USEC_PER_SEC};

struct dispatcher {
	sd_event *event;
	struct sqs *sqs;
	struct registry *registry;
	struct dispatcher_events events;
	struct dispatcher_limits limits;
	unsigned concurrency;
	struct lease_terms terms; /* visibility 0: not known yet */
	bool terms_asked;         /* V is asked for in each receive */

	struct intake *intake;
	struct ledger *ledger;
	struct pool *pool;
	struct lease *lease;
	struct acker *acker;
	struct report *report;
	struct drain drain;
	bool draining;
	unsigned n_given_back; /* messages, by a drain */
	struct delivery_index index;
	struct queue back; /* jobs that come back from the ledger */
	sd_event_source *back_source;
	sd_event_source *drain_timer; /* once a second while draining */

	bool database_up;
	char database_text[STORE_ERROR_MAX];
	struct trouble parked;
	struct credits credits;
	uint64_t n_touches_seen;
	/* All that ever were: given to the ledger, and come back from it with or without a run. */
	uint64_t n_sent, n_back_run, n_back_unrun;
};

/* ---- How a job leaves ---- */

enum fate {
	FATE_DELETE,    /* done: the messages go */
	FATE_LEAVE,     /* the visibility ends, and the queue brings it again */
	FATE_GIVE_BACK, /* visible at once */
};

/* Ends a hold whose job is here; its messages meet their fate. */
static void dispatcher_release(struct dispatcher *d, struct hold *hold, enum fate fate)
{
	struct delivery *delivery;

	while ((delivery = TAILQ_FIRST(&hold->deliveries))) {
		lease_forget(d->lease, delivery);
		delivery_detach(&d->index, delivery);
		switch (fate) {
		case FATE_DELETE:
			acker_delete(d->acker, delivery);
			break;
		case FATE_GIVE_BACK:
			acker_give_back(d->acker, delivery, 0);
			break;
		case FATE_LEAVE:
			delivery_unref(delivery);
			break;
		}
	}
	delivery_drop_hold(&d->index, hold);
}

/* Costs each of its messages a receive, which a drain adds up for its last line. */
static void dispatcher_give_back(struct dispatcher *d, struct hold *hold)
{
	struct delivery *delivery;

	TAILQ_FOREACH(delivery, &hold->deliveries, of_hold)
	d->n_given_back++;
	dispatcher_release(d, hold, FATE_GIVE_BACK);
}

static int dispatcher_on_later(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct hold *hold = userdata;
	struct dispatcher *d = hold->dispatcher;

	(void)source;
	(void)usec;
	delivery_move(&d->index, hold, HOLD_READY);
	dispatcher_pump(d);
	return 0;
}

/* Waits in hand and is begun again after the pause; left to the queue where it cannot be kept. */
static void dispatcher_later(struct dispatcher *d, struct hold *hold, usec_t pause)
{
	usec_t at = clock_boottime() + pause;
	bool kept = d->terms.extendable || at < hold_visible_at(hold);

	if (d->draining) {
		dispatcher_give_back(d, hold);
		return;
	}
	delivery_move(&d->index, hold, HOLD_LATER);
	if (kept && sd_event_add_time(d->event, &hold->timer, CLOCK_BOOTTIME, at, 1,
			    dispatcher_on_later, hold) >= 0)
		return;
	report_job(d->report, hold);
	dispatcher_release(d, hold, FATE_LEAVE);
}

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
	job->begin_by = dispatcher_begin_by(d, hold);
	job->must_end_at =
		d->terms.extendable ? USEC_INFINITY : usec_sub(hold_visible_at(hold), margin);
	hold->type->n_begun++;
	d->n_sent++;
	delivery_move(&d->index, hold, HOLD_AWAY);
	queue_list_append(begins, &job->node);
}

/*
 * A handler that came with a reload may want an envelope of a message that came before it. False:
 * out of memory.
 */
static bool dispatcher_wrap(struct dispatcher *d, struct hold *hold)
{
	struct sqs_queue queue;

	if (hold->job.envelope || !registry_entry_wants_envelopes(hold->type))
		return true;
	sqs_get_queue(d->sqs, &queue);
	return delivery_wrap(&d->index, hold, NULL, &queue) == 0;
}

static bool type_is_full(const struct registry_entry *type)
{
	return type->max_concurrency > 0 && type->n_begun >= type->max_concurrency;
}

/* Others of its type run; a stop does not wait for them. */
static void dispatcher_park(struct dispatcher *d, struct hold *hold)
{
	if (d->draining)
		dispatcher_give_back(d, hold);
	else
		delivery_move(&d->index, hold, HOLD_PARKED);
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
		if (type_is_full(hold->type))
			dispatcher_park(d, hold);
		else if (now > dispatcher_begin_by(d, hold))
			dispatcher_release(d, hold, FATE_LEAVE);
		else if (d->draining &&
			 !drain_may_begin(&d->drain, clock_monotonic(), hold->type->timeout))
			dispatcher_give_back(d, hold);
		else if (!dispatcher_wrap(d, hold))
			dispatcher_release(d, hold, FATE_LEAVE);
		else
			dispatcher_begin(d, hold, &begins);
	}
	ledger_begin(d->ledger, &begins);
}

/* ---- Receive: only what will start soon ---- */

/* A limited type may fill up with messages; that stops everything only beyond this. */
static bool dispatcher_too_many_parked(struct dispatcher *d)
{
	char text[160];

	if (d->index.n_in_state[HOLD_PARKED] < 2 * d->concurrency) {
		trouble_end(&d->parked, "receiving");
		return false;
	}
	snprintf(text, sizeof text,
		"receiving stops: %u jobs of type %.64s wait for its max_concurrency",
		d->index.n_in_state[HOLD_PARKED],
		TAILQ_FIRST(&d->index.states[HOLD_PARKED])->job.type);
	trouble_report(&d->parked, text);
	return true;
}

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
		.body_bytes = d->index.body_bytes,
		.n_started = pool_n_started(d->pool),
		.ahead = d->terms.extendable,
	};

	if (d->terms.visibility == 0 || !d->database_up || d->draining ||
		dispatcher_too_many_parked(d))
		return 0;
	return credits_receive(&d->credits, &use, clock_monotonic());
}

static void dispatcher_on_received(void *userdata, const struct sqs_answer *answer,
	const struct sqs_message *messages, size_t n_messages)
{
	struct dispatcher *d = userdata;
	struct admission admission = {
		.index = &d->index,
		.lease = d->lease,
		.report = d->report,
		.registry = d->registry,
		.sqs = d->sqs,
		.visibility = d->terms.visibility,
	};

	for (size_t i = 0; i < n_messages; i++) {
		struct hold *hold = admission_take(&admission, &messages[i], answer->first_byte_at);
		if (hold)
			hold->dispatcher = d;
	}
	if (answer->result == SQS_OK && n_messages == 0 && intake_n_polls(d->intake) == 0 &&
		delivery_n_holds(&d->index) == 0 && acker_n_deletes(d->acker) == 0)
		d->events.empty(d->events.userdata);
	dispatcher_pump(d);
}

/* ---- Settle: what a job's outcome means for its messages ---- */

/* A job of this type has come back: others that waited for it may go on. */
static void dispatcher_unpark(struct dispatcher *d, struct registry_entry *type)
{
	struct hold *hold, *next;

	for (hold = TAILQ_FIRST(&d->index.states[HOLD_PARKED]); hold; hold = next) {
		next = TAILQ_NEXT(hold, link);
		if (hold->type == type)
			delivery_move(&d->index, hold, HOLD_READY);
	}
}

static void dispatcher_missing(struct dispatcher *d, struct hold *hold)
{
	size_t n_pauses = sizeof look_pauses / sizeof look_pauses[0];

	/* The publisher's commit may be on its way. */
	if (hold->n_looks < n_pauses) {
		dispatcher_later(d, hold, look_pauses[hold->n_looks++]);
		return;
	}
	report_job(d->report, hold);
	dispatcher_release(d, hold, FATE_LEAVE);
}

static void dispatcher_settle(struct dispatcher *d, struct hold *hold)
{
	struct registry_entry *type = hold->type;

	if (hold->job.ran)
		d->n_back_run++;
	else
		d->n_back_unrun++;
	hold->job.handler = handler_unref(hold->job.handler);
	type->n_begun--;
	dispatcher_unpark(d, type);

	switch (hold->job.outcome) {
	case JOB_COMPLETED:
	case JOB_DUPLICATE:
		report_job(d->report, hold);
		dispatcher_release(d, hold, FATE_DELETE);
		return;
	case JOB_FAILED:
	case JOB_TIMEOUT:
	case JOB_REJECTED:
	case JOB_LOST:
		report_job(d->report, hold);
		dispatcher_release(d, hold, FATE_LEAVE);
		return;
	case JOB_ABANDONED:
		report_job(d->report, hold);
		dispatcher_give_back(d, hold);
		return;
	case JOB_MISSING:
		dispatcher_missing(d, hold);
		return;
	case JOB_ELSEWHERE:
		log_debug("job=%s: its row is not free; asks again in %" PRIu64 "ms", hold->job.id,
			hold->job.retry_in / USEC_PER_MSEC);
		dispatcher_later(d, hold, hold->job.retry_in + USEC_PER_MSEC);
		return;
	}
}

static void dispatcher_hear(struct dispatcher *d)
{
	struct ledger_news *news;

	while ((news = ledger_news(d->ledger))) {
		d->database_up = news->up;
		snprintf(d->database_text, sizeof d->database_text, "%s", news->text);
		free(news);
		lease_set_database(d->lease, d->database_up);
		d->events.changed(d->events.userdata);
	}
	if (ledger_n_touches(d->ledger) != d->n_touches_seen) {
		d->n_touches_seen = ledger_n_touches(d->ledger);
		lease_touched(d->lease);
	}
}

static int dispatcher_on_back(sd_event_source *source, int fd, uint32_t revents, void *userdata)
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

/* ---- Drain: no new message, and what is in hand to its end ---- */

static void dispatcher_give_back_all(struct dispatcher *d, enum hold_state state)
{
	struct hold *hold;

	while ((hold = TAILQ_FIRST(&d->index.states[state])))
		dispatcher_give_back(d, hold);
}

static void dispatcher_cancel_all(struct dispatcher *d)
{
	struct hold *hold;

	log_notice("drain_timeout is over: %u jobs are told to stop",
		d->index.n_in_state[HOLD_AWAY] + d->index.n_in_state[HOLD_READY]);
	dispatcher_give_back_all(d, HOLD_READY);
	TAILQ_FOREACH(hold, &d->index.states[HOLD_AWAY], link)
	if (!hold_has_run(hold))
		pool_cancel(d->pool, &hold->job, JOB_STOP);
}

/* What is left in hand is named: its leases end by themselves, and others go on with it. */
static void dispatcher_name_left(const struct dispatcher *d)
{
	const struct hold *hold;

	TAILQ_FOREACH(hold, &d->index.states[HOLD_AWAY], link)
	log_warning("job=%s type=%s is left to its leases: %s", hold->job.id, hold->job.type,
		hold_has_run(hold) ? "its row could not be written"
				   : "its handler has not returned");
	if (acker_n_deletes(d->acker) > 0)
		log_warning("%u completed messages could not be deleted: they come again and are "
			    "deleted then",
			acker_n_deletes(d->acker));
}

static void dispatcher_drained(struct dispatcher *d, bool clean)
{
	sd_event_source_set_enabled(d->drain_timer, SD_EVENT_OFF);
	if (!clean)
		dispatcher_name_left(d);
	log_notice("drained: %u jobs left to their leases, %u messages given back%s",
		d->index.n_in_state[HOLD_AWAY], d->n_given_back,
		d->n_given_back > 0 ? ", each of which cost a receive" : "");
	d->events.drained(d->events.userdata, clean);
}

static void dispatcher_drain_step(struct dispatcher *d)
{
	struct drain_work work = {
		.n_running = d->n_sent - d->n_back_unrun - pool_n_finished(d->pool),
		.n_in_hand = delivery_n_holds(&d->index) + acker_n_deletes(d->acker) +
			     acker_n_give_backs(d->acker),
		.n_polls = intake_n_polls(d->intake),
	};

	switch (drain_step(&d->drain, clock_monotonic(), &work)) {
	case DRAIN_GOES_ON:
	case DRAIN_ENDED:
		return;
	case DRAIN_CANCEL:
		dispatcher_cancel_all(d);
		return;
	case DRAIN_CLEAN:
		dispatcher_drained(d, true);
		return;
	case DRAIN_LEAVE:
		dispatcher_drained(d, false);
		return;
	}
}

static int dispatcher_on_drain_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct dispatcher *d = userdata;

	sd_event_source_set_time(source, usec + USEC_PER_SEC);
	dispatcher_pump(d);
	return 0;
}

void dispatcher_drain(struct dispatcher *d)
{
	if (d->draining)
		return;
	d->draining = true;
	drain_begin(&d->drain, clock_monotonic(), d->limits.drain_timeout,
		lease_kill_grace(d->terms.visibility));
	intake_stop(d->intake);
	dispatcher_give_back_all(d, HOLD_LATER);
	dispatcher_give_back_all(d, HOLD_PARKED);
	sd_event_source_set_time(d->drain_timer, clock_monotonic());
	sd_event_source_set_enabled(d->drain_timer, SD_EVENT_ON);
}

/* ---- From outside ---- */

void dispatcher_pump(struct dispatcher *d)
{
	dispatcher_begin_ready(d);
	intake_set_details(d->intake, registry_wants_envelopes(d->registry));
	intake_pump(d->intake, dispatcher_credits(d));
	acker_hold_give_backs(d->acker, d->draining && intake_n_polls(d->intake) > 0);
	acker_flush(d->acker);
	if (d->draining)
		dispatcher_drain_step(d);
}

static void dispatcher_on_denied(void *userdata, const char *text)
{
	struct dispatcher *d = userdata;
	struct lease_terms terms = {d->terms.visibility, false};

	if (!d->terms.extendable)
		return;
	log_warning("visibility cannot be extended: %s", text);
	dispatcher_set_terms(d, &terms, d->terms_asked);
}

void dispatcher_set_terms(struct dispatcher *d, const struct lease_terms *terms, bool asked)
{
	d->terms = *terms;
	d->terms_asked = asked;
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
}

int dispatcher_set_database_url(
	struct dispatcher *d, const char *database_url, char ret_error[STORE_ERROR_MAX])
{
	return ledger_set_url(d->ledger, database_url, ret_error);
}

void dispatcher_log_slots(const struct dispatcher *d)
{
	pool_log(d->pool);
}

static const char *dispatcher_queue_trouble(const struct dispatcher *d)
{
	const char *text = intake_trouble(d->intake);

	text = text[0] ? text : acker_trouble(d->acker);
	return text[0] ? text : lease_trouble(d->lease);
}

void dispatcher_status(const struct dispatcher *d, struct dispatcher_status *ret)
{
	*ret = (struct dispatcher_status){
		.n_threads = d->concurrency,
		.n_busy = (unsigned)(pool_n_started(d->pool) - pool_n_finished(d->pool)),
		.n_in_hand = delivery_n_holds(&d->index),
		.n_completed = report_n(d->report, JOB_COMPLETED),
		.n_failed = report_n(d->report, JOB_FAILED) + report_n(d->report, JOB_TIMEOUT),
		.oldest_poll = intake_oldest_poll(d->intake),
		.ledger_seen_at = ledger_seen_at(d->ledger),
		.progress = d->n_back_run + d->n_back_unrun,
		.database_up = d->database_up,
		.database_trouble = d->database_text,
		.queue_trouble = dispatcher_queue_trouble(d),
	};
}

static int dispatcher_build_lease(
	struct dispatcher *d, struct sqs *sqs, struct trouble_causes *causes)
{
	struct lease_options options = {
		.pool = d->pool,
		.causes = causes,
		.denied = dispatcher_on_denied,
		.userdata = d,
	};

	return lease_new(d->event, sqs, &options, &d->lease);
}

static int dispatcher_build(struct dispatcher *d, struct sqs *sqs,
	const struct dispatcher_options *options, char ret_error[STORE_ERROR_MAX])
{
	struct intake_options intake = {
		.wait = options->wait_time,
		.max_polls = options->max_polls,
		.causes = options->causes,
	};

	int r = queue_init(&d->back, true);
	if (r == 0)
		r = delivery_index_init(&d->index);
	if (r == 0)
		r = report_new(d->event, options->limits.completed_per_second, &d->report);
	if (r == 0)
		r = acker_new(d->event, sqs, options->causes, &d->acker);
	if (r == 0)
		r = intake_new(d->event, sqs, &intake, dispatcher_on_received, d, &d->intake);
	if (r == 0)
		r = ledger_new(options->database_url, &d->back, &d->ledger, ret_error);
	if (r == 0)
		r = pool_new(options->concurrency, ledger_finished(d->ledger), &d->pool);
	if (r == 0)
		r = dispatcher_build_lease(d, sqs, options->causes);
	if (r == 0)
		r = sd_event_add_io(d->event, &d->back_source, queue_fd(&d->back), EPOLLIN,
			dispatcher_on_back, d);
	if (r >= 0)
		r = sd_event_add_time(d->event, &d->drain_timer, CLOCK_MONOTONIC, 0,
			10 * USEC_PER_MSEC, dispatcher_on_drain_timer, d);
	if (r >= 0)
		r = sd_event_source_set_enabled(d->drain_timer, SD_EVENT_OFF);
	return r < 0 ? r : ledger_start(d->ledger, d->pool);
}

int dispatcher_new(sd_event *event, struct sqs *sqs, struct registry *registry,
	const struct dispatcher_options *options, const struct dispatcher_events *events,
	struct dispatcher **ret, char ret_error[STORE_ERROR_MAX])
{
	_cleanup_(dispatcher_freep) struct dispatcher *d = calloc(1, sizeof *d);

	if (!d)
		return -ENOMEM;
	d->event = event;
	d->sqs = sqs;
	d->registry = registry;
	d->events = *events;
	d->limits = options->limits;
	d->concurrency = options->concurrency;
	credits_init(&d->credits, options->concurrency, &options->limits.in_hand);
	int r = dispatcher_build(d, sqs, options, ret_error);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(d);
	return 0;
}

/* The threads first: the ledger gives up, the handlers return, and nobody holds a job any more. */
struct dispatcher *dispatcher_free(struct dispatcher *d)
{
	if (!d)
		return NULL;
	ledger_stop(d->ledger);
	pool_free(d->pool);
	ledger_free(d->ledger);
	sd_event_source_disable_unref(d->back_source);
	sd_event_source_disable_unref(d->drain_timer);
	intake_free(d->intake);
	lease_free(d->lease);
	acker_free(d->acker);
	delivery_index_done(&d->index);
	report_free(d->report);
	queue_done(&d->back);
	free(d);
	return NULL;
}

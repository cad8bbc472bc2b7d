#include "work/dispatcher_parts.h"

#include <errno.h>
#include <stdlib.h>

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

static void dispatcher_on_turn(void *userdata)
{
	dispatcher_pump(userdata);
}

static void dispatcher_on_exhausted(void *userdata)
{
	struct dispatcher *d = userdata;

	d->events.exhausted(d->events.userdata);
}

static int dispatcher_build_burial(
	struct dispatcher *d, struct sqs *sqs, const struct dispatcher_options *options)
{
	struct burial_options burial = {
		.lease = d->lease,
		.acker = d->acker,
		.causes = options->causes,
		.wanted = options->limits.dead_letters,
		.changed = dispatcher_on_turn,
		.userdata = d,
	};

	return burial_new(d->event, sqs, &burial, &d->burial);
}

static void dispatcher_on_stopped(void *userdata, bool clean)
{
	struct dispatcher *d = userdata;

	overdue_name(&d->overdue);
	report_flush(d->report);
	d->events.drained(d->events.userdata, clean);
}

/* How messages come in, and jobs wait, leave, and are left. */
static int dispatcher_build_doors(struct dispatcher *d, const struct sqs *sqs)
{
	d->admission = (struct admission){
		.index = &d->index,
		.lease = d->lease,
		.report = d->report,
		.burial = d->burial,
		.registry = d->registry,
		.sqs = sqs,
	};
	d->waiting = (struct waiting){
		.event = d->event,
		.index = &d->index,
		.n_threads = d->concurrency,
		.ready = dispatcher_on_turn,
		.userdata = d,
	};
	d->departure = (struct departure){
		.index = &d->index,
		.lease = d->lease,
		.acker = d->acker,
		.burial = d->burial,
		.waiting = &d->waiting,
	};
	d->overdue = (struct overdue){
		.event = d->event,
		.index = &d->index,
		.ledger = d->ledger,
		.pool = d->pool,
		.waiting = &d->waiting,
		.exhausted = dispatcher_on_exhausted,
		.userdata = d,
	};
	d->stop = (struct stop){
		.event = d->event,
		.index = &d->index,
		.departure = &d->departure,
		.intake = d->intake,
		.acker = d->acker,
		.burial = d->burial,
		.pool = d->pool,
		.database_text = d->database_text,
		.step = dispatcher_on_turn,
		.ended = dispatcher_on_stopped,
		.userdata = d,
	};
	int r = waiting_init(&d->waiting);
	if (r >= 0)
		r = overdue_init(&d->overdue);
	return r < 0 ? r : stop_init(&d->stop);
}

static int dispatcher_build(struct dispatcher *d, struct sqs *sqs,
	const struct dispatcher_options *options, char ret_error[STORE_ERROR_MAX])
{
	struct acker_options acker = {
		.causes = options->causes,
		.changed = dispatcher_on_turn,
		.userdata = d,
	};
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
		r = acker_new(d->event, sqs, &acker, &d->acker);
	if (r == 0)
		r = intake_new(d->event, sqs, &intake, dispatcher_on_received, d, &d->intake);
	if (r == 0)
		r = ledger_new(options->database_url, &d->back, &d->ledger, ret_error);
	if (r == 0)
		r = pool_new(options->concurrency, ledger_finished(d->ledger), &d->pool);
	if (r == 0)
		r = dispatcher_build_lease(d, sqs, options->causes);
	if (r == 0)
		r = dispatcher_build_burial(d, sqs, options);
	if (r == 0)
		r = sd_event_add_io(d->event, &d->back_source, queue_fd(&d->back), EPOLLIN,
			dispatcher_on_back, d);
	if (r >= 0)
		r = dispatcher_build_doors(d, sqs);
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
	stop_done(&d->stop);
	overdue_done(&d->overdue);
	waiting_done(&d->waiting);
	intake_free(d->intake);
	burial_free(d->burial);
	lease_free(d->lease);
	acker_free(d->acker);
	delivery_index_done(&d->index);
	report_free(d->report);
	queue_done(&d->back);
	free(d);
	return NULL;
}

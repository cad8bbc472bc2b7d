#include "work/outbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/backoff.h"
#include "base/loop.h"

#define OUTBOX_REQUESTS_MAX 32
#define PAUSE_MAX           (5 * USEC_PER_SEC)

struct outbox_request {
	struct outbox *outbox;
	struct sqs_call *call;
	TAILQ_ENTRY(outbox_request) link;
	size_t n_deliveries;
	struct delivery *deliveries[SQS_BATCH_MAX];
};
TAILQ_HEAD(outbox_requests, outbox_request);

struct outbox {
	struct sqs *sqs;
	struct outbox_options options;
	usec_t visibility;
	struct delivery_list waiting;
	unsigned n_waiting;
	struct outbox_requests out;
	unsigned n_out;
	unsigned n_deliveries_out;
	struct backoff pause;
	struct trouble trouble;
	char text[TROUBLE_TEXT_MAX]; /* of the trouble; "": none */
	sd_event_source *timer;      /* enabled while the outbox pauses */
	bool paused;
};

static int outbox_on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct outbox *outbox = userdata;

	(void)source;
	(void)usec;
	outbox->paused = false;
	outbox_flush(outbox);
	return 0;
}

int outbox_new(
	sd_event *event, struct sqs *sqs, const struct outbox_options *options, struct outbox **ret)
{
	_cleanup_(outbox_freep) struct outbox *outbox = calloc(1, sizeof *outbox);

	if (!outbox)
		return -ENOMEM;
	outbox->sqs = sqs;
	outbox->options = *options;
	outbox->trouble = (struct trouble){
		.causes = options->causes,
		.away = EVENT_QUEUE_AWAY,
		.back = EVENT_QUEUE_BACK,
	};
	outbox->pause = (struct backoff){.base = 100 * USEC_PER_MSEC, .cap = PAUSE_MAX};
	TAILQ_INIT(&outbox->waiting);
	TAILQ_INIT(&outbox->out);
	int r = loop_add_timer(
		event, CLOCK_MONOTONIC, options->what, outbox_on_timer, outbox, &outbox->timer);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(outbox);
	return 0;
}

static void outbox_request_free(struct outbox_request *request)
{
	TAILQ_REMOVE(&request->outbox->out, request, link);
	request->outbox->n_out--;
	request->outbox->n_deliveries_out -= (unsigned)request->n_deliveries;
	for (size_t i = 0; i < request->n_deliveries; i++)
		delivery_unref(request->deliveries[i]);
	free(request);
}

struct outbox *outbox_free(struct outbox *outbox)
{
	struct outbox_request *request;
	struct delivery *delivery;

	if (!outbox)
		return NULL;
	while ((request = TAILQ_FIRST(&outbox->out))) {
		sqs_cancel(request->call);
		outbox_request_free(request);
	}
	while ((delivery = TAILQ_FIRST(&outbox->waiting)))
		outbox_remove(outbox, delivery);
	sd_event_source_disable_unref(outbox->timer);
	free(outbox);
	return NULL;
}

void outbox_set_visibility(struct outbox *outbox, usec_t visibility)
{
	outbox->visibility = visibility;
}

void outbox_limit_pauses(struct outbox *outbox, usec_t longest)
{
	outbox->pause.cap = usec_min(longest, PAUSE_MAX);
}

void outbox_add(struct outbox *outbox, struct delivery *delivery)
{
	delivery_ref(delivery);
	delivery->waiting = true;
	TAILQ_INSERT_TAIL(&outbox->waiting, delivery, in_outbox);
	outbox->n_waiting++;
}

static void outbox_unlink(struct outbox *outbox, struct delivery *delivery)
{
	delivery->waiting = false;
	TAILQ_REMOVE(&outbox->waiting, delivery, in_outbox);
	outbox->n_waiting--;
}

void outbox_remove(struct outbox *outbox, struct delivery *delivery)
{
	if (!delivery->waiting)
		return;
	outbox_unlink(outbox, delivery);
	delivery_unref(delivery);
}

/* Several that fail at the same time are one failure. */
static void outbox_pause(struct outbox *outbox)
{
	if (outbox->paused)
		return;
	usec_t pause = backoff_next(&outbox->pause);
	outbox->paused = true;
	loop_set_timer(outbox->timer, clock_monotonic() + pause);
}

/* Some are to be asked again; why: the whole answer's text, or one entry's. */
static void outbox_failed(struct outbox *outbox, const char *why, bool whole)
{
	snprintf(outbox->text, sizeof outbox->text, "%s%s%s", whole ? "" : outbox->options.what,
		whole ? "" : ": ", why);
	trouble_report(&outbox->trouble, outbox->text);
	outbox_pause(outbox);
}

static void outbox_on_answer(void *userdata, const struct sqs_answer *answer,
	const struct sqs_entry_answer *entries, size_t n_entries)
{
	struct outbox_request *request = userdata;
	struct outbox *outbox = request->outbox;
	const char *failed = NULL;
	bool good = answer->result == SQS_OK;

	for (size_t i = 0; i < request->n_deliveries; i++) {
		bool whole = answer->result != SQS_OK || i >= n_entries;
		enum sqs_result result = whole ? answer->result : entries[i].result;
		const char *text = whole ? answer->text : entries[i].text;
		struct delivery *delivery = request->deliveries[i];
		good = good && result == SQS_OK;
		if (outbox->options.done(
			    outbox->options.userdata, delivery, result, text, answer->sent_at))
			continue;
		outbox_add(outbox, delivery);
		failed = text;
	}
	if (failed) {
		outbox_failed(outbox, failed, answer->result != SQS_OK);
	} else if (good) {
		outbox->text[0] = '\0';
		trouble_end(&outbox->trouble, outbox->options.what);
		backoff_reset(&outbox->pause);
	}
	outbox_request_free(request);
	outbox_flush(outbox);
	if (outbox->options.answered)
		outbox->options.answered(outbox->options.userdata);
}

/*
 * A late extension is none, and what is not deleted in time has to be kept: either had better fail
 * in time to be asked again.
 */
static usec_t outbox_patience(const struct outbox *outbox)
{
	return outbox->options.action == OUTBOX_GIVE_BACK ? 0 : outbox->visibility / 6;
}

static int outbox_start_deletes(struct outbox *outbox, struct outbox_request *request)
{
	const char *handles[SQS_BATCH_MAX];
	struct sqs_delete what = {
		.handles = handles,
		.n_handles = request->n_deliveries,
		.patience = outbox_patience(outbox),
	};

	for (size_t i = 0; i < request->n_deliveries; i++)
		handles[i] = request->deliveries[i]->receipt_handle;
	return sqs_delete(outbox->sqs, &what, outbox_on_answer, request, &request->call);
}

static int outbox_start_changes(struct outbox *outbox, struct outbox_request *request)
{
	bool extend = outbox->options.action == OUTBOX_EXTEND;
	struct sqs_visibility entries[SQS_BATCH_MAX];
	struct sqs_change change = {
		.entries = entries,
		.n_entries = request->n_deliveries,
		.patience = outbox_patience(outbox),
	};
	usec_t now = clock_boottime();

	for (size_t i = 0; i < request->n_deliveries; i++) {
		const struct delivery *delivery = request->deliveries[i];
		usec_t left = usec_whole_seconds(usec_sub(delivery->again_at, now));
		entries[i].handle = delivery->receipt_handle;
		entries[i].timeout = extend ? outbox->visibility : left;
	}
	return sqs_change_visibility(
		outbox->sqs, &change, outbox_on_answer, request, &request->call);
}

static int outbox_start(struct outbox *outbox, struct outbox_request *request)
{
	switch (outbox->options.action) {
	case OUTBOX_DELETE:
		return outbox_start_deletes(outbox, request);
	case OUTBOX_EXTEND:
	case OUTBOX_GIVE_BACK:
		return outbox_start_changes(outbox, request);
	}
	return -EINVAL;
}

/* Sends up to ten; what could not be sent for want of memory waits for the pause's end. */
static void outbox_send(struct outbox *outbox)
{
	struct outbox_request *request = calloc(1, sizeof *request);
	struct delivery *delivery;

	if (!request) {
		outbox_pause(outbox);
		return;
	}
	request->outbox = outbox;
	TAILQ_INSERT_TAIL(&outbox->out, request, link);
	outbox->n_out++;
	while (request->n_deliveries < SQS_BATCH_MAX &&
		(delivery = TAILQ_FIRST(&outbox->waiting))) {
		outbox_unlink(outbox, delivery);
		request->deliveries[request->n_deliveries++] = delivery;
		outbox->n_deliveries_out++;
	}
	if (outbox_start(outbox, request) == 0)
		return;
	for (size_t i = 0; i < request->n_deliveries; i++)
		outbox_add(outbox, request->deliveries[i]);
	outbox_request_free(request);
	outbox_pause(outbox);
}

void outbox_flush(struct outbox *outbox)
{
	while (!outbox->paused && outbox->n_waiting > 0 && outbox->n_out < OUTBOX_REQUESTS_MAX &&
		(outbox->n_waiting >= SQS_BATCH_MAX || outbox->n_out == 0))
		outbox_send(outbox);
}

const char *outbox_trouble(const struct outbox *outbox)
{
	return outbox->text;
}

unsigned outbox_n_deliveries(const struct outbox *outbox)
{
	return outbox->n_waiting + outbox->n_deliveries_out;
}

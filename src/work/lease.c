#include "work/lease.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/loop.h"
#include "work/event.h"
#include "work/outbox.h"

struct lease {
	struct lease_options options;
	struct lease_terms terms;
	bool database_up;
	struct delivery_list by_age; /* the longest not extended first */
	struct outbox *extensions;
	sd_event_source *timer; /* the next sweep */
};

usec_t lease_kill_grace(usec_t visibility)
{
	return usec_min(5 * USEC_PER_SEC, visibility / 10);
}

usec_t lease_row(usec_t visibility)
{
	return visibility / 4 * 3;
}

/* ---- What one delivery needs ---- */

/* A running handler's leases are: its own limit has told it to stop, the rest is work/overdue's. */
static bool lease_is_over_by(const struct hold *hold, usec_t at)
{
	usec_t end = atomic_load(&hold->job.leases_end_at);

	return end > 0 && at >= end && !hold_has_run(hold);
}

/* When to extend it; USEC_INFINITY: not any more. */
static usec_t lease_extend_at(const struct lease *lease, const struct delivery *delivery)
{
	const struct hold *hold = delivery->hold;
	usec_t third = lease->terms.visibility / 3;

	if (!lease->terms.extendable || delivery->extending || delivery->refused)
		return USEC_INFINITY;
	/* The queue may have handed it to somebody else. */
	if (clock_boottime() >= delivery->visible_at)
		return USEC_INFINITY;
	if (delivery->extended_at + third + lease->terms.visibility >
		delivery->received_at + DELIVERY_HIDDEN_MAX)
		return USEC_INFINITY;
	if (hold && lease_is_over_by(hold, delivery->extended_at + third))
		return USEC_INFINITY;
	if (!hold || !hold_row_is_held(hold) || !lease->database_up)
		return delivery->extended_at + third;
	/* The begin, soon after the receive or the extension that it asked for, is no such touch.
	 */
	if (atomic_load(&hold->job.touched_at) > delivery->extended_at + third / 2)
		return 0;
	/* The ledger's touch is due; should it not come, visibility does not wait for it. */
	return delivery->extended_at + third + third / 2;
}

/* When both leases of a begun job are about to be lost; USEC_INFINITY: they end by themselves. */
static usec_t lease_lost_at(const struct lease *lease, const struct hold *hold)
{
	usec_t visibility = lease->terms.visibility;
	usec_t end = hold_visible_at(hold);

	if (hold_row_is_held(hold))
		end = usec_max(end, atomic_load(&hold->job.touched_at) + lease_row(visibility));
	usec_t lost_at = usec_sub(end, lease_kill_grace(visibility) + USEC_PER_SEC);
	return lease_is_over_by(hold, lost_at) ? USEC_INFINITY : lost_at;
}

/* When to tell its handler to stop, and why; USEC_INFINITY: not at all. */
static usec_t lease_cancel_at(
	const struct lease *lease, const struct hold *hold, enum job_cancel *ret_reason)
{
	if (!hold || !hold_is_begun(hold) || atomic_load(&hold->job.cancel) != JOB_GO)
		return USEC_INFINITY;
	/* Where nothing can be extended the handler's own limit ends it in time. */
	if (hold->job.must_end_at != USEC_INFINITY)
		return USEC_INFINITY;
	*ret_reason = lease->terms.extendable ? JOB_LOSE : JOB_CUT;
	if (lease->terms.extendable)
		return lease_lost_at(lease, hold);
	/* The right was taken away while it runs: its row is still ours, and has to say so. */
	return hold_has_run(hold)
		       ? USEC_INFINITY
		       : usec_sub(hold_visible_at(hold), lease_kill_grace(lease->terms.visibility));
}

static void lease_cancel(struct lease *lease, struct hold *hold, enum job_cancel reason)
{
	log_as_job(EVENT_NONE, LOG_WARNING, &hold->job, "job=%s: %s%s", hold->job.id,
		reason == JOB_CUT ? "its message's visibility ends and may not be extended"
				  : "neither its visibility nor its row can be held",
		hold_has_run(hold) ? "" : "; its handler is told to stop");
	pool_cancel(lease->options.pool, &hold->job, reason);
}

static void lease_extend(struct lease *lease, struct delivery *delivery)
{
	if (delivery->extending)
		return;
	delivery->extending = true;
	outbox_add(lease->extensions, delivery);
}

/* ---- All of them, from the oldest ---- */

/*
 * Extends what is due and cancels what is lost; arms the timer for what comes next. A delivery
 * younger than min_age needs nothing, nor do those behind it.
 */
static void lease_sweep(struct lease *lease, usec_t min_age)
{
	usec_t now = clock_boottime(), next = USEC_INFINITY;
	struct delivery *delivery;

	TAILQ_FOREACH(delivery, &lease->by_age, by_age)
	{
		if (now - delivery->extended_at < min_age) {
			next = usec_min(next, delivery->extended_at + lease->terms.visibility / 3);
			break;
		}
		usec_t extend_at = lease_extend_at(lease, delivery);
		if (extend_at <= now) {
			lease_extend(lease, delivery);
			extend_at = USEC_INFINITY;
		}
		enum job_cancel reason = JOB_GO;
		usec_t cancel_at = lease_cancel_at(lease, delivery->hold, &reason);
		if (cancel_at <= now) {
			lease_cancel(lease, delivery->hold, reason);
			cancel_at = USEC_INFINITY;
		}
		next = usec_min(next, usec_min(extend_at, cancel_at));
	}
	outbox_flush(lease->extensions);
	loop_set_timer(lease->timer, next);
}

static int lease_on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct lease *lease = userdata;

	(void)source;
	(void)usec;
	lease_sweep(lease, lease->terms.visibility / 3);
	return 0;
}

static void lease_enlist(struct lease *lease, struct delivery *delivery)
{
	if (delivery->aged)
		TAILQ_REMOVE(&lease->by_age, delivery, by_age);
	TAILQ_INSERT_TAIL(&lease->by_age, delivery, by_age);
	delivery->aged = true;
}

static bool lease_on_extended(void *userdata, struct delivery *delivery, enum sqs_result result,
	const char *text, usec_t sent_at)
{
	struct lease *lease = userdata;

	if (result == SQS_OK) {
		delivery->extending = false;
		delivery_extended(delivery, sent_at, lease->terms.visibility);
		if (delivery->aged) {
			lease_enlist(lease, delivery);
			loop_set_timer_by(lease->timer, sent_at + lease->terms.visibility / 3);
		}
		return true;
	}
	if (result == SQS_STALE || result == SQS_DENIED || !delivery->aged ||
		clock_boottime() >= delivery->visible_at) {
		delivery->extending = false;
		delivery->refused = result != SQS_DENIED;
		loop_set_timer_by(lease->timer, clock_boottime());
		if (result == SQS_DENIED)
			lease->options.denied(lease->options.userdata, text);
		else if (delivery->aged)
			log_warning("message=%s: its visibility could not be extended: %s",
				delivery->message_id, text);
		return true;
	}
	return false;
}

/* ---- From outside ---- */

int lease_new(
	sd_event *event, struct sqs *sqs, const struct lease_options *options, struct lease **ret)
{
	_cleanup_(lease_freep) struct lease *lease = calloc(1, sizeof *lease);
	struct outbox_options extensions = {
		.action = OUTBOX_EXTEND,
		.what = "extending visibility",
		.causes = options->causes,
		.done = lease_on_extended,
		.userdata = lease,
	};

	if (!lease)
		return -ENOMEM;
	lease->options = *options;
	TAILQ_INIT(&lease->by_age);
	int r = outbox_new(event, sqs, &extensions, &lease->extensions);
	if (r == 0)
		r = loop_add_timer(
			event, CLOCK_BOOTTIME, "lease", lease_on_timer, lease, &lease->timer);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(lease);
	return 0;
}

struct lease *lease_free(struct lease *lease)
{
	if (!lease)
		return NULL;
	outbox_free(lease->extensions);
	sd_event_source_disable_unref(lease->timer);
	free(lease);
	return NULL;
}

void lease_set_terms(struct lease *lease, const struct lease_terms *terms)
{
	lease->terms = *terms;
	outbox_set_visibility(lease->extensions, terms->visibility);
	/* So that many are tried while there is time. */
	outbox_limit_pauses(lease->extensions, terms->visibility / 12);
	lease_sweep(lease, terms->visibility / 3);
}

void lease_set_database(struct lease *lease, bool up)
{
	lease->database_up = up;
	lease_sweep(lease, lease->terms.visibility / 3);
}

void lease_watch(struct lease *lease, struct delivery *delivery)
{
	delivery->refused = false;
	lease_enlist(lease, delivery);
	loop_set_timer_by(lease->timer, delivery->extended_at + lease->terms.visibility / 3);
}

void lease_forget(struct lease *lease, struct delivery *delivery)
{
	if (!delivery->aged)
		return;
	TAILQ_REMOVE(&lease->by_age, delivery, by_age);
	delivery->aged = false;
	if (delivery->extending)
		outbox_remove(lease->extensions, delivery);
}

void lease_prove(struct lease *lease)
{
	struct delivery *delivery;

	TAILQ_FOREACH(delivery, &lease->by_age, by_age)
	if (lease_extend_at(lease, delivery) != USEC_INFINITY)
		lease_extend(lease, delivery);
	lease_sweep(lease, 0);
}

void lease_touched(struct lease *lease)
{
	lease_sweep(lease, lease->terms.visibility / 6);
}

const char *lease_trouble(const struct lease *lease)
{
	return outbox_trouble(lease->extensions);
}

void lease_begin(struct lease *lease, struct hold *hold)
{
	usec_t now = clock_boottime();
	struct delivery *delivery;

	if (!lease->terms.extendable)
		return;
	TAILQ_FOREACH(delivery, &hold->deliveries, of_hold)
	if (now - delivery->extended_at > lease->terms.visibility / 8)
		lease_extend(lease, delivery);
	outbox_flush(lease->extensions);
}

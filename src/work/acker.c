#include "work/acker.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "work/outbox.h"

/* A delete that does not get through for that long is left to the next delivery. */
#define DELETE_PATIENCE (2 * USEC_PER_MIN)

struct acker {
	struct acker_options options;
	usec_t visibility; /* 0: it cannot be extended */
	struct outbox *deletes;
	struct outbox *keeps;
	struct outbox *give_backs;
	bool hold_give_backs;
};

/* To come again would cost a receive: it is kept until its delete gets through. */
static bool acker_has_to_keep(const struct acker *acker, const struct delivery *delivery)
{
	usec_t left = usec_sub(delivery->visible_at, clock_boottime());

	return !delivery->refused && left > 0 && left < acker->visibility / 2;
}

/* On a standard queue a delete works after the visibility has ended, too. */
static bool acker_on_deleted(void *userdata, struct delivery *delivery, enum sqs_result result,
	const char *text, usec_t sent_at)
{
	struct acker *acker = userdata;

	(void)sent_at;
	if (result == SQS_OK)
		return true;
	if (result == SQS_STALE) {
		log_debug("message=%s: nothing to delete: %s", delivery->message_id, text);
		return true;
	}
	if (acker_has_to_keep(acker, delivery)) {
		outbox_add(acker->keeps, delivery);
		outbox_flush(acker->keeps);
		return true;
	}
	if (clock_boottime() < delivery->visible_at + DELETE_PATIENCE)
		return false;
	log_warning("message=%s could not be deleted: %s; it comes again and is deleted then",
		delivery->message_id, text);
	return true;
}

/* It goes back to the deletes, whatever came of it. */
static bool acker_on_kept(void *userdata, struct delivery *delivery, enum sqs_result result,
	const char *text, usec_t sent_at)
{
	struct acker *acker = userdata;

	(void)text;
	if (result == SQS_OK)
		delivery->visible_at = sent_at + acker->visibility;
	else if (result == SQS_STALE || result == SQS_DENIED ||
		 clock_boottime() >= delivery->visible_at)
		delivery->refused = true;
	else
		return false;
	outbox_add(acker->deletes, delivery);
	outbox_flush(acker->deletes);
	return true;
}

static bool acker_on_given_back(void *userdata, struct delivery *delivery, enum sqs_result result,
	const char *text, usec_t sent_at)
{
	(void)userdata;
	(void)sent_at;
	if (result == SQS_OK || clock_boottime() >= delivery->visible_at)
		return true;
	if (result != SQS_STALE && result != SQS_DENIED)
		return false;
	log_debug("message=%s could not be given back: %s; it comes when its visibility ends",
		delivery->message_id, text);
	return true;
}

static void acker_on_answered(void *userdata)
{
	const struct acker *acker = userdata;

	acker->options.changed(acker->options.userdata);
}

int acker_new(
	sd_event *event, struct sqs *sqs, const struct acker_options *options, struct acker **ret)
{
	_cleanup_(acker_freep) struct acker *acker = calloc(1, sizeof *acker);
	struct outbox_options deletes = {
		.action = OUTBOX_DELETE,
		.what = "deleting messages",
		.causes = options->causes,
		.done = acker_on_deleted,
		.answered = acker_on_answered,
		.userdata = acker,
	};
	struct outbox_options keeps = {
		.action = OUTBOX_EXTEND,
		.what = "keeping completed messages",
		.causes = options->causes,
		.done = acker_on_kept,
		.userdata = acker,
	};
	struct outbox_options give_backs = {
		.action = OUTBOX_GIVE_BACK,
		.what = "giving messages back",
		.causes = options->causes,
		.done = acker_on_given_back,
		.answered = acker_on_answered,
		.userdata = acker,
	};

	if (!acker)
		return -ENOMEM;
	acker->options = *options;
	int r = outbox_new(event, sqs, &deletes, &acker->deletes);
	if (r == 0)
		r = outbox_new(event, sqs, &keeps, &acker->keeps);
	if (r == 0)
		r = outbox_new(event, sqs, &give_backs, &acker->give_backs);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(acker);
	return 0;
}

struct acker *acker_free(struct acker *acker)
{
	if (!acker)
		return NULL;
	outbox_free(acker->deletes);
	outbox_free(acker->keeps);
	outbox_free(acker->give_backs);
	free(acker);
	return NULL;
}

void acker_set_terms(struct acker *acker, const struct lease_terms *terms)
{
	acker->visibility = terms->extendable ? terms->visibility : 0;
	outbox_set_visibility(acker->keeps, terms->visibility);
	outbox_set_visibility(acker->deletes, terms->visibility);
	/* So that a message is looked at again while there is time to keep it. */
	outbox_limit_pauses(acker->deletes, terms->visibility / 4);
}

void acker_delete(struct acker *acker, struct delivery *delivery)
{
	outbox_add(acker->deletes, delivery);
	delivery_unref(delivery);
}

void acker_give_back(struct acker *acker, struct delivery *delivery, usec_t pause)
{
	delivery->again_at = pause ? clock_boottime() + pause : 0;
	outbox_add(acker->give_backs, delivery);
	delivery_unref(delivery);
}

void acker_hold_give_backs(struct acker *acker, bool hold)
{
	acker->hold_give_backs = hold;
}

void acker_flush(struct acker *acker)
{
	outbox_flush(acker->deletes);
	if (!acker->hold_give_backs)
		outbox_flush(acker->give_backs);
}

const char *acker_trouble(const struct acker *acker)
{
	const char *text = outbox_trouble(acker->deletes);

	return text[0] ? text : outbox_trouble(acker->give_backs);
}

unsigned acker_n_deletes(const struct acker *acker)
{
	return outbox_n_deliveries(acker->deletes) + outbox_n_deliveries(acker->keeps);
}

unsigned acker_n_give_backs(const struct acker *acker)
{
	return outbox_n_deliveries(acker->give_backs);
}

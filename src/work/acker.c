#include "work/acker.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "work/outbox.h"

/* A delete that does not get through for that long is left to the next delivery. */
#define DELETE_PATIENCE (2 * USEC_PER_MIN)

struct acker {
	struct outbox *deletes;
	struct outbox *give_backs;
	bool hold_give_backs;
};

/* On a standard queue a delete works after the visibility has ended, too. */
static bool acker_on_deleted(void *userdata, struct delivery *delivery, enum sqs_result result,
	const char *text, usec_t sent_at)
{
	(void)userdata;
	(void)sent_at;
	if (result == SQS_OK)
		return true;
	if (result != SQS_REFUSED && clock_boottime() < delivery->visible_at + DELETE_PATIENCE)
		return false;
	log_warning("message=%s could not be deleted: %s; it comes again and is deleted then",
		delivery->message_id, text);
	return true;
}

static bool acker_on_given_back(void *userdata, struct delivery *delivery, enum sqs_result result,
	const char *text, usec_t sent_at)
{
	(void)userdata;
	(void)sent_at;
	if (result == SQS_OK || clock_boottime() >= delivery->visible_at)
		return true;
	if (result != SQS_REFUSED && result != SQS_DENIED)
		return false;
	log_debug("message=%s could not be given back: %s; it comes when its visibility ends",
		delivery->message_id, text);
	return true;
}

int acker_new(sd_event *event, struct sqs *sqs, struct acker **ret)
{
	_cleanup_(acker_freep) struct acker *acker = calloc(1, sizeof *acker);
	struct outbox_options deletes = {
		.action = OUTBOX_DELETE,
		.what = "deleting messages",
		.done = acker_on_deleted,
	};
	struct outbox_options give_backs = {
		.action = OUTBOX_SET_VISIBILITY,
		.what = "giving messages back",
		.done = acker_on_given_back,
	};

	if (!acker)
		return -ENOMEM;
	int r = outbox_new(event, sqs, &deletes, &acker->deletes);
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
	outbox_free(acker->give_backs);
	free(acker);
	return NULL;
}

void acker_delete(struct acker *acker, struct delivery *delivery)
{
	outbox_add(acker->deletes, delivery);
	delivery_unref(delivery);
}

void acker_give_back(struct acker *acker, struct delivery *delivery)
{
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
	return outbox_trouble(acker->deletes);
}

unsigned acker_n_deletes(const struct acker *acker)
{
	return outbox_n_deliveries(acker->deletes);
}

unsigned acker_n_give_backs(const struct acker *acker)
{
	return outbox_n_deliveries(acker->give_backs);
}

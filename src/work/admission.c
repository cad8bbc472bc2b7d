#include "work/admission.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "job/message.h"

static void admission_no_memory(const struct sqs_message *message)
{
	log_warning("message=%s: out of memory; it comes again", message->message_id);
}

/* Copies of all that its own copy needs. 0 or -ENOMEM. */
static int admission_copy(const struct admission *a, const struct sqs_message *message,
	usec_t received_at, struct burial_message *ret)
{
	_cleanup_free_ char *body = malloc(message->body_len + 1);
	_cleanup_(envelope_freep) struct envelope *envelope = NULL;
	struct sqs_queue queue;

	sqs_get_queue(a->sqs, &queue);
	if (!body || delivery_envelop(message, &queue, &envelope) < 0)
		return -ENOMEM;
	memcpy(body, message->body, message->body_len);
	struct delivery *delivery = delivery_new(message, received_at, a->visibility);
	if (!delivery)
		return -ENOMEM;
	*ret = (struct burial_message){
		.delivery = delivery,
		.body = TAKE_PTR(body),
		.body_len = message->body_len,
		.envelope = TAKE_PTR(envelope),
	};
	return 0;
}

static void admission_reject(const struct admission *a, const struct sqs_message *message,
	usec_t received_at, const char *reason)
{
	const struct dead_letter_cause cause = {JOB_REJECTED, reason, message->receive_count};
	struct burial_message buried;
	bool goes = burial_is_open(a->burial) && message->details &&
		    admission_copy(a, message, received_at, &buried) == 0;

	report_rejected(a->report, message, registry_find(a->registry, "*"), goes, reason);
	if (!goes)
		return;
	lease_watch(a->lease, buried.delivery);
	burial_add(a->burial, &buried, &cause);
}

/* Only a job that is begun has its row's type. */
static void admission_reject_type(const struct admission *a, const struct sqs_message *message,
	usec_t received_at, const struct hold *hold)
{
	const char *reason = "another message gives its job another type";

	if (hold_is_begun(hold))
		admission_reject(a, message, received_at, reason);
	else
		report_rejected(a->report, message, registry_find(a->registry, "*"), false, reason);
}

/* The same message once more: its newer handle counts, for the older has lost its effect. */
static void admission_renew(const struct admission *a, struct delivery *delivery,
	const struct sqs_message *message, usec_t received_at)
{
	if (delivery_renew(delivery, message, received_at, a->visibility) < 0)
		admission_no_memory(message);
	else
		lease_watch(a->lease, delivery);
}

/* Another message for a job in hand: it is kept, and ends, with the first. */
static void admission_join(const struct admission *a, struct hold *hold,
	const struct sqs_message *message, usec_t received_at)
{
	struct delivery *delivery =
		delivery_join(a->index, hold, message, received_at, a->visibility);

	if (!delivery)
		admission_no_memory(message);
	else
		lease_watch(a->lease, delivery);
}

/* message: that it came with; NULL: that is gone. */
static int admission_envelop(
	const struct admission *a, struct hold *hold, const struct sqs_message *message)
{
	struct sqs_queue queue;

	bool may_be_buried = message && message->details && burial_is_open(a->burial);
	bool wanted = registry_entry_wants_envelopes(hold->type) || may_be_buried;

	if (hold->job.envelope || !wanted)
		return 0;
	sqs_get_queue(a->sqs, &queue);
	return delivery_wrap(a->index, hold, message, &queue);
}

int admission_wrap(const struct admission *a, struct hold *hold)
{
	return admission_envelop(a, hold, NULL);
}

/* A new job, in its envelope where its type is to have one. NULL without memory. */
static struct hold *admission_admit(const struct admission *a, const struct sqs_message *message,
	const struct message *parsed, usec_t received_at)
{
	struct hold *hold = delivery_admit(a->index, message, parsed, received_at, a->visibility);

	if (!hold)
		return NULL;
	hold->type = registry_find(a->registry, hold->job.type);
	if (admission_envelop(a, hold, message) == 0)
		return hold;

	struct delivery *delivery = TAILQ_FIRST(&hold->deliveries);
	delivery_detach(a->index, delivery);
	delivery_unref(delivery);
	delivery_drop_hold(a->index, hold);
	return NULL;
}

void admission_take(
	const struct admission *a, const struct sqs_message *message, usec_t received_at)
{
	struct delivery *delivery = delivery_find(a->index, message->message_id);
	struct message parsed;
	const char *reason;

	if (delivery) {
		admission_renew(a, delivery, message, received_at);
		return;
	}
	if (message_parse(message->body, message->body_len, &parsed, &reason) < 0) {
		admission_reject(a, message, received_at, reason);
		return;
	}
	struct hold *hold = delivery_find_hold(a->index, parsed.job_id);
	if (hold && strcmp(hold->job.type, parsed.type) != 0) {
		admission_reject_type(a, message, received_at, hold);
		return;
	}
	if (hold) {
		admission_join(a, hold, message, received_at);
		return;
	}
	hold = admission_admit(a, message, &parsed, received_at);
	if (!hold) {
		admission_no_memory(message);
		return;
	}
	lease_watch(a->lease, TAILQ_FIRST(&hold->deliveries));
}

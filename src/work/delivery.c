#include "work/delivery.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "job/envelope.h"

int delivery_index_init(struct delivery_index *index)
{
	*index = (struct delivery_index){0};
	for (enum hold_state state = HOLD_READY; state <= HOLD_LATER; state++)
		TAILQ_INIT(&index->states[state]);
	int r = table_init(&index->by_message);
	return r < 0 ? r : table_init(&index->by_job);
}

void delivery_index_done(struct delivery_index *index)
{
	struct delivery *delivery;
	struct hold *hold;

	for (enum hold_state state = HOLD_READY; state <= HOLD_LATER; state++) {
		while ((hold = TAILQ_FIRST(&index->states[state]))) {
			while ((delivery = TAILQ_FIRST(&hold->deliveries))) {
				delivery_detach(index, delivery);
				delivery_unref(delivery);
			}
			delivery_drop_hold(index, hold);
		}
	}
	table_done(&index->by_message);
	table_done(&index->by_job);
}

struct delivery *delivery_find(const struct delivery_index *index, const char *message_id)
{
	struct table_entry *entry = table_find(&index->by_message, message_id);

	return entry ? container_of(entry, struct delivery, by_message) : NULL;
}

struct hold *delivery_find_hold(const struct delivery_index *index, const char *job_id)
{
	struct table_entry *entry = table_find(&index->by_job, job_id);

	return entry ? container_of(entry, struct hold, by_job) : NULL;
}

struct delivery *delivery_ref(struct delivery *delivery)
{
	delivery->n_refs++;
	return delivery;
}

struct delivery *delivery_unref(struct delivery *delivery)
{
	if (!delivery || --delivery->n_refs > 0)
		return NULL;
	free(delivery->message_id);
	free(delivery->receipt_handle);
	free(delivery);
	return NULL;
}

void delivery_extended(struct delivery *delivery, usec_t sent_at, usec_t visibility)
{
	struct hold *hold = delivery->hold;

	delivery->extended_at = sent_at;
	delivery->visible_at = sent_at + visibility;
	if (hold)
		atomic_store(&hold->job.visible_at, hold_visible_at(hold));
}

int delivery_renew(struct delivery *delivery, const struct sqs_message *message, usec_t received_at,
	usec_t visibility)
{
	char *handle = strdup(message->receipt_handle);

	if (!handle)
		return -ENOMEM;
	free(delivery->receipt_handle);
	delivery->receipt_handle = handle;
	delivery->receive_count = message->receive_count;
	delivery->received_at = received_at;
	delivery_extended(delivery, received_at, visibility);
	return 0;
}

struct delivery *delivery_new(
	const struct sqs_message *message, usec_t received_at, usec_t visibility)
{
	struct delivery *delivery = calloc(1, sizeof *delivery);

	if (!delivery)
		return NULL;
	delivery->n_refs = 1;
	delivery->message_id = strdup(message->message_id);
	if (!delivery->message_id || delivery_renew(delivery, message, received_at, visibility) < 0)
		return delivery_unref(delivery);
	return delivery;
}

struct delivery *delivery_join(struct delivery_index *index, struct hold *hold,
	const struct sqs_message *message, usec_t received_at, usec_t visibility)
{
	struct delivery *delivery = delivery_new(message, received_at, visibility);

	if (!delivery)
		return NULL;
	delivery->hold = hold;
	TAILQ_INSERT_TAIL(&hold->deliveries, delivery, of_hold);
	atomic_store(&hold->job.visible_at, hold_visible_at(hold));
	table_add(&index->by_message, &delivery->by_message, delivery->message_id);
	return delivery;
}

static void delivery_unlink(struct delivery_index *index, struct hold *hold)
{
	TAILQ_REMOVE(&index->states[hold->state], hold, link);
	index->n_in_state[hold->state]--;
	index->body_bytes -= hold->body_bytes;
	table_remove(&index->by_job, &hold->by_job);
}

static void delivery_link(struct delivery_index *index, struct hold *hold, enum hold_state state)
{
	table_add(&index->by_job, &hold->by_job, hold->job.id);
	hold->state = state;
	TAILQ_INSERT_TAIL(&index->states[state], hold, link);
	index->n_in_state[state]++;
	index->body_bytes += hold->body_bytes;
}

struct hold *delivery_admit(struct delivery_index *index, const struct sqs_message *message,
	const struct message *parsed, usec_t received_at, usec_t visibility)
{
	_cleanup_free_ struct hold *hold = calloc(1, sizeof *hold);
	char *body = malloc(message->body_len + 1);

	if (!hold || !body) {
		free(body);
		return NULL;
	}
	memcpy(body, message->body, message->body_len);
	body[message->body_len] = '\0';
	if (job_init(&hold->job, body, parsed->job_id, parsed->type) < 0)
		return NULL;
	hold->job.body_len = message->body_len;
	hold->job.payload = body + parsed->payload_offset;
	hold->job.payload_len = parsed->payload_len;
	hold->body_bytes = message->body_len;
	TAILQ_INIT(&hold->deliveries);
	if (!delivery_join(index, hold, message, received_at, visibility)) {
		job_done(&hold->job);
		return NULL;
	}
	delivery_link(index, hold, HOLD_READY);
	return TAKE_PTR(hold);
}

struct hold *delivery_stand_in(const struct hold *hold)
{
	struct hold *stand_in = calloc(1, sizeof *stand_in);

	if (!stand_in || job_init(&stand_in->job, NULL, hold->job.id, hold->job.type) < 0) {
		free(stand_in);
		return NULL;
	}
	stand_in->stands_in = true;
	stand_in->type = hold->type;
	TAILQ_INIT(&stand_in->deliveries);
	return stand_in;
}

void delivery_replace(struct delivery_index *index, struct hold *hold, struct hold *stand_in)
{
	struct delivery *delivery;

	delivery_unlink(index, hold);
	delivery_link(index, stand_in, hold->state);
	TAILQ_FOREACH(delivery, &hold->deliveries, of_hold)
	delivery->hold = stand_in;
	TAILQ_CONCAT(&stand_in->deliveries, &hold->deliveries, of_hold);
}

static void envelope_add_details(struct envelope *e, const struct sqs_details *details)
{
	e->md5_of_attributes = details->md5_of_attributes;
	for (size_t i = 0; i < details->n_attributes; i++) {
		const struct sqs_attribute *a = &details->attributes[i];
		e->attributes[e->n_attributes++] = (struct envelope_attribute){a->name, a->value};
	}
	for (size_t i = 0; i < details->n_message_attributes; i++) {
		const struct sqs_message_attribute *a = &details->message_attributes[i];
		e->message_attributes[e->n_message_attributes++] =
			(struct envelope_message_attribute){
				a->name, a->data_type, a->string_value, a->binary_value};
	}
}

/* What is known without details. */
static void envelope_add(struct envelope *e, const char *name, const char *value)
{
	if (!envelope_get(e, name))
		e->attributes[e->n_attributes++] = (struct envelope_attribute){name, value};
}

int delivery_envelop(
	const struct sqs_message *message, const struct sqs_queue *queue, struct envelope **ret)
{
	struct envelope_attribute attributes[SQS_SYSTEM_ATTRIBUTES_MAX + 2];
	struct envelope_message_attribute message_attributes[SQS_MESSAGE_ATTRIBUTES_MAX];
	char count[24], sent[24];
	struct envelope e = {
		.message_id = message->message_id,
		.receipt_handle = message->receipt_handle,
		.md5_of_body = message->md5_of_body,
		.queue_name = queue->name,
		.queue_arn = queue->arn,
		.region = queue->region,
		.attributes = attributes,
		.message_attributes = message_attributes,
	};

	if (message->details)
		envelope_add_details(&e, message->details);
	snprintf(count, sizeof count, "%u", message->receive_count);
	envelope_add(&e, "ApproximateReceiveCount", count);
	snprintf(sent, sizeof sent, "%" PRIu64, message->sent_at / USEC_PER_MSEC);
	if (message->sent_at > 0)
		envelope_add(&e, "SentTimestamp", sent);
	return envelope_new(&e, ret);
}

int delivery_wrap(struct delivery_index *index, struct hold *hold,
	const struct sqs_message *message, const struct sqs_queue *queue)
{
	const struct delivery *delivery = TAILQ_FIRST(&hold->deliveries);
	const struct sqs_message left = {
		.message_id = delivery->message_id,
		.receipt_handle = delivery->receipt_handle,
		.receive_count = delivery->receive_count,
	};

	int r = delivery_envelop(message ? message : &left, queue, &hold->job.envelope);
	if (r < 0)
		return r;
	hold->has_details = message && message->details;
	hold->body_bytes += hold->job.envelope->bytes;
	index->body_bytes += hold->job.envelope->bytes;
	return 0;
}

void delivery_move(struct delivery_index *index, struct hold *hold, enum hold_state state)
{
	if (hold->state == HOLD_LATER)
		hold->timer = sd_event_source_disable_unref(hold->timer);
	TAILQ_REMOVE(&index->states[hold->state], hold, link);
	index->n_in_state[hold->state]--;
	hold->state = state;
	TAILQ_INSERT_TAIL(&index->states[state], hold, link);
	index->n_in_state[state]++;
}

void delivery_detach(struct delivery_index *index, struct delivery *delivery)
{
	TAILQ_REMOVE(&delivery->hold->deliveries, delivery, of_hold);
	table_remove(&index->by_message, &delivery->by_message);
	delivery->hold = NULL;
}

void delivery_drop_hold(struct delivery_index *index, struct hold *hold)
{
	sd_event_source_disable_unref(hold->timer);
	delivery_unlink(index, hold);
	delivery_free_hold(hold);
}

struct hold *delivery_free_hold(struct hold *hold)
{
	job_done(&hold->job);
	free(hold);
	return NULL;
}

unsigned delivery_n_holds(const struct delivery_index *index)
{
	return (unsigned)index->by_job.n_entries;
}

unsigned delivery_n_messages(const struct delivery_index *index)
{
	return (unsigned)index->by_message.n_entries;
}

usec_t hold_visible_at(const struct hold *hold)
{
	const struct delivery *delivery;
	usec_t last = 0;

	TAILQ_FOREACH(delivery, &hold->deliveries, of_hold)
	last = usec_max(last, delivery->visible_at);
	return last;
}

unsigned hold_receive_count(const struct hold *hold)
{
	const struct delivery *delivery;
	unsigned most = 0;

	TAILQ_FOREACH(delivery, &hold->deliveries, of_hold)
	if (delivery->receive_count > most)
		most = delivery->receive_count;
	return most;
}

usec_t hold_received_at(const struct hold *hold)
{
	const struct delivery *delivery;
	usec_t last = 0;

	TAILQ_FOREACH(delivery, &hold->deliveries, of_hold)
	last = usec_max(last, delivery->received_at);
	return last;
}

usec_t hold_first_received_at(const struct hold *hold)
{
	const struct delivery *delivery;
	usec_t first = USEC_INFINITY;

	TAILQ_FOREACH(delivery, &hold->deliveries, of_hold)
	first = usec_min(first, delivery->received_at);
	return first;
}

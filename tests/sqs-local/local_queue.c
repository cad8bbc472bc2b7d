#include "local_queue.h"

#include <stdio.h>

#include "digest.h"
#include "must.h"

struct local_queue *local_queue_new(
	const char *name, struct settings *settings, struct slots *slots, usec_t now)
{
	static uint32_t serial;
	struct local_queue *queue = must_zalloc(sizeof *queue);

	TAILQ_INIT(&queue->waiters);
	TAILQ_INIT(&queue->by_age);
	TAILQ_INIT(&queue->visible);
	settings_move(&queue->settings, settings);
	queue->tags = json_object();
	queue->slots = slots;
	queue->serial = ++serial;
	queue->created_at = queue->modified_at = now;
	snprintf(queue->name, sizeof queue->name, "%s", name);
	return queue;
}

struct local_queue *local_queue_free(struct local_queue *queue)
{
	if (!queue)
		return NULL;
	assert(TAILQ_EMPTY(&queue->waiters));
	local_queue_purge(queue);
	heap_done(&queue->hidden);
	settings_done(&queue->settings);
	json_decref(queue->tags);
	free(queue->arn);
	free(queue);
	return NULL;
}

/* Takes a message out of the place where its state keeps it. */
static void local_queue_unplace(struct local_message *message)
{
	struct local_queue *queue = message->queue;

	if (message->state == MESSAGE_VISIBLE)
		TAILQ_REMOVE(&queue->visible, message, visible);
	else
		heap_remove(&queue->hidden, &message->hidden_until);
	queue->n_in[message->state]--;
}

static void local_queue_place_visible(struct local_message *message)
{
	message->state = MESSAGE_VISIBLE;
	TAILQ_INSERT_TAIL(&message->queue->visible, message, visible);
	message->queue->n_in[MESSAGE_VISIBLE]++;
}

static void local_queue_place_hidden(
	struct local_message *message, enum message_state state, usec_t until)
{
	message->state = state;
	heap_set(&message->queue->hidden, &message->hidden_until, until);
	message->queue->n_in[state]++;
}

/* Keeps by_age ascending; what is new, and nearly all that is moved, belongs at its end. */
static void local_queue_insert(struct local_queue *queue, struct local_message *message)
{
	struct local_message *older = TAILQ_LAST(&queue->by_age, message_list);

	while (older && older->sent_at > message->sent_at)
		older = TAILQ_PREV(older, message_list, by_age);
	if (older)
		TAILQ_INSERT_AFTER(&queue->by_age, older, message, by_age);
	else
		TAILQ_INSERT_HEAD(&queue->by_age, message, by_age);
	message->queue = queue;
}

struct local_message *local_queue_send(
	struct local_queue *queue, const struct draft *draft, struct rng *rng, usec_t now)
{
	static uint64_t serial;
	struct local_message *message = must_zalloc(sizeof *message + draft->body_len + 1);

	message->sender = draft->sender;
	message->attributes = draft->attributes;
	message->system = draft->system;
	message->serial = ++serial;
	message->slot = slots_put(queue->slots, message);
	message->sent_at = now;
	message->body_len = draft->body_len;
	memcpy(message->body, draft->body, draft->body_len);
	digest_md5(draft->body, draft->body_len, message->md5);
	rng_uuid(rng, message->id);

	local_queue_insert(queue, message);
	if (draft->delay > 0)
		local_queue_place_hidden(message, MESSAGE_DELAYED, now + draft->delay);
	else
		local_queue_place_visible(message);
	queue->counts.sent++;
	journal_note(queue->journal, JOURNAL_SEND, message);
	return message;
}

void local_queue_copy(
	const struct local_message *message, struct local_queue *to, struct rng *rng, usec_t now)
{
	struct draft draft = {
		.body = message->body,
		.body_len = message->body_len,
		.attributes = json_incref(message->attributes),
		.system = json_copy(message->system),
		.sender = message->sender,
		.delay = to->settings.delay * USEC_PER_SEC,
	};

	json_object_del(draft.system, "DeadLetterQueueSourceArn");
	local_queue_send(to, &draft, rng, now);
}

void local_queue_settle(struct local_queue *queue, usec_t now)
{
	usec_t retention = queue->settings.retention * USEC_PER_SEC;
	struct local_message *oldest;
	struct deadline *due;

	while ((oldest = TAILQ_FIRST(&queue->by_age)) && oldest->sent_at + retention <= now) {
		local_queue_delete(oldest);
		queue->counts.expired++;
	}
	while ((due = heap_take_due(&queue->hidden, now))) {
		struct local_message *message =
			container_of(due, struct local_message, hidden_until);
		queue->n_in[message->state]--;
		local_queue_place_visible(message);
	}
}

void local_queue_take(
	struct local_queue *queue, struct local_message *message, usec_t visibility, usec_t now)
{
	assert(message->queue == queue && message->state == MESSAGE_VISIBLE);
	message->receive_count++;
	message->n_handles++;
	message->received_at = now;
	if (message->first_received_at == 0)
		message->first_received_at = now;
	queue->counts.received++;
	journal_note(queue->journal, JOURNAL_RECEIVE, message);
	local_queue_hide(message, now + visibility, now);
}

void local_queue_handle(const struct local_message *message, char ret[HANDLE_SIZE])
{
	struct handle handle = {
		.queue = message->queue->serial,
		.slot = message->slot,
		.message = message->serial,
		.receive = message->n_handles,
	};

	handle_write(&handle, ret);
}

struct local_message *local_queue_find(struct local_queue *queue, const struct handle *handle)
{
	struct local_message *message = slots_get(queue->slots, handle->slot);

	if (!message || message->serial != handle->message || message->queue != queue)
		return NULL;
	return message->n_handles == handle->receive ? message : NULL;
}

void local_queue_hide(struct local_message *message, usec_t until, usec_t now)
{
	local_queue_unplace(message);
	if (until > now)
		local_queue_place_hidden(message, MESSAGE_IN_FLIGHT, until);
	else
		local_queue_place_visible(message);
}

void local_queue_move(struct local_message *message, struct local_queue *to)
{
	struct local_queue *from = message->queue;

	journal_note(from->journal, JOURNAL_MOVE, message);
	local_queue_unplace(message);
	TAILQ_REMOVE(&from->by_age, message, by_age);
	local_queue_insert(to, message);
	local_queue_place_visible(message);
	from->counts.dead_lettered++;
}

void local_queue_delete(struct local_message *message)
{
	struct local_queue *queue = message->queue;

	local_queue_unplace(message);
	TAILQ_REMOVE(&queue->by_age, message, by_age);
	slots_free(queue->slots, message->slot);
	json_decref(message->attributes);
	json_decref(message->system);
	free(message);
}

void local_queue_purge(struct local_queue *queue)
{
	struct local_message *message;

	while ((message = TAILQ_FIRST(&queue->by_age)))
		local_queue_delete(message);
}

usec_t local_queue_next(const struct local_queue *queue)
{
	const struct deadline *first = heap_first(&queue->hidden);

	return first ? first->at : USEC_INFINITY;
}

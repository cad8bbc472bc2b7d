#include "account.h"

#include <stdio.h>

#include "must.h"

void account_init(struct account *account, const struct account_options *options)
{
	*account = (struct account){
		.options = *options,
		.rng = {options->seed},
		.clock_offset = clock_realtime() - clock_boottime(),
		.deleted = json_object(),
	};
	TAILQ_INIT(&account->queues);
	TAILQ_INIT(&account->orphans);
	TAILQ_INIT(&account->move_tasks);
	slots_init(&account->slots);
}

void account_done(struct account *account)
{
	struct local_queue *queue;

	while ((queue = TAILQ_FIRST(&account->queues))) {
		TAILQ_REMOVE(&account->queues, queue, others);
		local_queue_free(queue);
	}
	slots_done(&account->slots);
	journal_done(&account->journal);
	move_tasks_done(&account->move_tasks);
	json_decref(account->deleted);
}

usec_t account_now(const struct account *account)
{
	usec_t shown = account->stopped_at ? account->stopped_at : clock_boottime();

	return shown + account->clock_offset;
}

void account_advance(struct account *account, usec_t by)
{
	account->clock_offset += by;
}

void account_stop_clock(struct account *account, bool stop)
{
	usec_t now = account_now(account);

	account->stopped_at = stop ? clock_boottime() : 0;
	account->clock_offset += now - account_now(account);
}

struct local_queue *account_find(const struct account *account, const char *name)
{
	struct local_queue *queue;

	TAILQ_FOREACH(queue, &account->queues, others)
	{
		if (strcmp(queue->name, name) == 0)
			return queue;
	}
	return NULL;
}

struct local_queue *account_find_arn(const struct account *account, const char *arn)
{
	struct local_queue *queue;

	TAILQ_FOREACH(queue, &account->queues, others)
	{
		if (strcmp(queue->arn, arn) == 0)
			return queue;
	}
	return NULL;
}

bool account_takes_dead_letters(const struct account *account, const struct local_queue *queue)
{
	const struct local_queue *source;

	TAILQ_FOREACH(source, &account->queues, others)
	{
		const char *to = source->settings.dead_letter_arn;
		if (to && strcmp(to, queue->arn) == 0)
			return true;
	}
	return false;
}

char *account_arn(const struct account *account, const char *name)
{
	char *arn;
	int len = asprintf(
		&arn, "arn:aws:sqs:%s:%s:%s", account->options.region, account->options.id, name);

	assert(len > 0);
	return arn;
}

struct local_queue *account_create(
	struct account *account, const char *name, struct settings *settings, usec_t now)
{
	struct local_queue *queue = local_queue_new(name, settings, &account->slots, now);

	queue->arn = account_arn(account, name);
	queue->journal = &account->journal;
	TAILQ_INSERT_TAIL(&account->queues, queue, others);
	return queue;
}

void account_delete(struct account *account, struct local_queue *queue, usec_t now)
{
	struct waiter *waiter;

	json_object_set_new(account->deleted, queue->name, json_integer((json_int_t)now));
	while ((waiter = TAILQ_FIRST(&queue->waiters))) {
		account_unwait(waiter);
		waiter->list = &account->orphans;
		TAILQ_INSERT_TAIL(&account->orphans, waiter, next);
	}
	TAILQ_REMOVE(&account->queues, queue, others);
	local_queue_free(queue);
}

bool account_deleted_recently(const struct account *account, const char *name, usec_t now)
{
	const json_t *when = json_object_get(account->deleted, name);

	return when && (usec_t)json_integer_value(when) + account->options.recreate_after > now;
}

size_t account_room(const struct account *account, const struct local_queue *queue)
{
	size_t n_out = queue->n_in[MESSAGE_IN_FLIGHT], n_max = account->options.in_flight_max;

	return n_out < n_max ? n_max - n_out : 0;
}

bool account_can_take(const struct account *account, const struct local_queue *queue)
{
	return queue->n_in[MESSAGE_VISIBLE] > 0 && account_room(account, queue) > 0;
}

/* How many of what is asked a receive gives: often fewer although more are there. */
static unsigned account_uneven(struct account *account, const struct take *take)
{
	if (account->options.full_batches)
		return take->n_wanted;
	if (take->short_poll && rng_below(&account->rng, 8) == 0)
		return 0;
	if (rng_below(&account->rng, 2) == 0)
		return take->n_wanted;
	return 1 + rng_below(&account->rng, take->n_wanted);
}

/* Was it received so often that the redrive policy takes it? Then also where to. */
static bool account_worn_out(struct account *account, const struct local_message *message,
	struct local_queue **ret_dead_letters)
{
	const struct local_queue *queue = message->queue;

	if (!queue->settings.dead_letter_arn ||
		message->receive_count < queue->settings.max_receive_count)
		return false;

	/* Without that queue, or with itself as that queue, it just goes on. */
	struct local_queue *to = account_find_arn(account, queue->settings.dead_letter_arn);
	if (!to || to == queue)
		return false;
	*ret_dead_letters = to;
	return true;
}

/* Moves a message that was received too often. It keeps its id, age and count. */
static void account_bury(struct local_message *message, struct local_queue *dead_letters)
{
	if (!message->system)
		message->system = json_object();
	json_object_set_new(
		message->system, "DeadLetterQueueSourceArn", json_string(message->queue->arn));
	local_queue_move(message, dead_letters);
}

unsigned account_take(struct account *account, const struct take *take,
	struct local_message *ret_messages[ACCOUNT_TAKE_MAX], usec_t now)
{
	struct local_queue *queue = take->queue;
	struct local_message *message;
	unsigned n_taken = 0;

	local_queue_settle(queue, now);
	if (!account_can_take(account, queue))
		return 0;

	/* What is there now is looked at once: with a visibility of 0 it is there again at once. */
	size_t n_there = queue->n_in[MESSAGE_VISIBLE];
	unsigned n_given = account_uneven(account, take);
	while (n_taken < n_given && n_there-- > 0 && account_room(account, queue) > 0) {
		struct local_queue *dead_letters;
		message = TAILQ_FIRST(&queue->visible);
		if (account_worn_out(account, message, &dead_letters)) {
			account_bury(message, dead_letters);
			continue;
		}
		local_queue_take(queue, message, take->visibility, now);
		ret_messages[n_taken++] = message;
	}
	return n_taken;
}

void account_wait(struct local_queue *queue, struct waiter *waiter)
{
	waiter->list = &queue->waiters;
	TAILQ_INSERT_TAIL(waiter->list, waiter, next);
}

void account_unwait(struct waiter *waiter)
{
	if (waiter->list)
		TAILQ_REMOVE(waiter->list, waiter, next);
	waiter->list = NULL;
}

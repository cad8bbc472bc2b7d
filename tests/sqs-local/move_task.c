#include "move_task.h"

#include "account.h"
#include "must.h"

bool move_task_is_active(const struct account *account, const char *source)
{
	const struct move_task *task;

	TAILQ_FOREACH(task, &account->move_tasks, next)
	{
		if ((task->status == MOVE_RUNNING || task->status == MOVE_CANCELLING) &&
			strcmp(task->source, source) == 0)
			return true;
	}
	return false;
}

static void move_task_free(struct move_task_list *tasks, struct move_task *task)
{
	TAILQ_REMOVE(tasks, task, next);
	free(task->source);
	free(task->destination);
	free(task);
}

/* Makes room for one more of that source. */
static void move_task_forget(struct move_task_list *tasks, const char *source)
{
	struct move_task *task, *oldest = NULL;
	unsigned n = 0;

	TAILQ_FOREACH(task, tasks, next)
	{
		if (strcmp(task->source, source) == 0) {
			oldest = task;
			n++;
		}
	}
	if (n == MOVE_TASK_SHOWN_MAX)
		move_task_free(tasks, oldest);
}

struct move_task *move_task_start(struct account *account, struct local_queue *source,
	const struct local_queue *destination, unsigned per_second, usec_t now)
{
	struct move_task *task = must_zalloc(sizeof *task);

	local_queue_settle(source, now);
	move_task_forget(&account->move_tasks, source->arn);
	task->source = must_strdup(source->arn);
	task->destination = destination ? must_strdup(destination->arn) : NULL;
	task->per_second = per_second;
	task->n_to_move = source->n_in[MESSAGE_VISIBLE];
	task->started_at = now;
	rng_uuid(&account->rng, task->id);
	TAILQ_INSERT_HEAD(&account->move_tasks, task, next);
	return task;
}

struct move_task *move_task_find(const struct account *account, const char *source, const char *id)
{
	struct move_task *task;

	TAILQ_FOREACH(task, &account->move_tasks, next)
	{
		if (strcmp(task->id, id) == 0 && strcmp(task->source, source) == 0)
			return task;
	}
	return NULL;
}

/* When the next message is to be moved. */
static usec_t move_task_due(const struct move_task *task)
{
	if (task->status != MOVE_RUNNING && task->status != MOVE_CANCELLING)
		return USEC_INFINITY;
	if (task->per_second == 0)
		return task->started_at;
	return task->started_at + (task->n_moved + 1) * USEC_PER_SEC / task->per_second;
}

static void move_task_fail(struct move_task *task, const char *why)
{
	task->status = MOVE_FAILED;
	task->failure = why;
}

/* Where a message goes; NULL: nowhere, and the task has failed. */
static struct local_queue *move_task_destination(
	const struct account *account, struct move_task *task, const struct local_message *message)
{
	const char *arn = task->destination;
	struct local_queue *to;

	if (!arn)
		arn = json_string_value(
			json_object_get(message->system, "DeadLetterQueueSourceArn"));
	if (!arn) {
		move_task_fail(task, "CouldNotDetermineMessageSource");
		return NULL;
	}
	to = account_find_arn(account, arn);
	if (!to)
		move_task_fail(task, "AWS.SimpleQueueService.NonExistentQueue");
	return to;
}

/* Moves one message, or finds that there is none. */
static void move_task_step(struct account *account, struct move_task *task, usec_t now)
{
	struct local_queue *from = account_find_arn(account, task->source), *to;
	struct local_message *message;

	if (!from) {
		move_task_fail(task, "AWS.SimpleQueueService.NonExistentQueue");
		return;
	}
	local_queue_settle(from, now);
	message = TAILQ_FIRST(&from->visible);
	if (message) {
		to = move_task_destination(account, task, message);
		if (!to)
			return;
		local_queue_copy(message, to, &account->rng, now);
		local_queue_delete(message);
		task->n_moved++;
	}
	if (TAILQ_EMPTY(&from->visible))
		task->status = MOVE_COMPLETED;
}

void move_tasks_settle(struct account *account, usec_t now)
{
	struct move_task *task;

	TAILQ_FOREACH(task, &account->move_tasks, next)
	{
		while (move_task_due(task) <= now) {
			if (task->status == MOVE_CANCELLING)
				task->status = MOVE_CANCELLED;
			else
				move_task_step(account, task, now);
		}
	}
}

usec_t move_tasks_next(const struct account *account)
{
	usec_t next = USEC_INFINITY;
	const struct move_task *task;

	TAILQ_FOREACH(task, &account->move_tasks, next)
	{
		next = usec_min(next, move_task_due(task));
	}
	return next;
}

void move_tasks_done(struct move_task_list *tasks)
{
	while (!TAILQ_EMPTY(tasks))
		move_task_free(tasks, TAILQ_FIRST(tasks));
}

/* The actions that bring dead letters back, by tasks that move them. */

#include <openssl/evp.h>
#include <string.h>

#include "actions.h"
#include "input.h"
#include "must.h"

#define HANDLE_TEXT_MAX 512

static const char *const status_names[] = {
	[MOVE_RUNNING] = "RUNNING",
	[MOVE_CANCELLING] = "CANCELLING",
	[MOVE_CANCELLED] = "CANCELLED",
	[MOVE_COMPLETED] = "COMPLETED",
	[MOVE_FAILED] = "FAILED",
};

/* arn:<partition>:<service>:<region>:<account-id>:<resource-id> */
static bool move_is_arn(const char *text)
{
	unsigned n_colons = 0;

	for (const char *at = text; *at; at++)
		n_colons += *at == ':';
	return strncmp(text, "arn:", 4) == 0 && n_colons == 5;
}

/* The queue of an ARN that stood in that member; NULL: refused. */
static struct local_queue *move_queue(struct call *call, const char *arn, const char *member)
{
	struct local_queue *queue = account_find_arn(call->account, arn);

	if (!move_is_arn(arn))
		failure_set(&call->failure, FAILURE_INVALID_PARAMETER,
			"You must use this format to specify the %s: "
			"arn:<partition>:<service>:<region>:<account-id>:<resource-id>",
			member);
	else if (!queue)
		failure_set(&call->failure, FAILURE_RESOURCE_NOT_FOUND,
			"The resource that you specified for the %s parameter doesn't exist.",
			member);
	return queue;
}

static struct local_queue *move_source(struct call *call)
{
	const char *arn = NULL;

	if (!input_required(call->input, "SourceArn", &arn, &call->failure))
		return NULL;
	return move_queue(call, arn, "SourceArn");
}

static bool move_check(
	struct call *call, const struct local_queue *from, const struct local_queue *to)
{
	if (!account_takes_dead_letters(call->account, from))
		return failure_set(&call->failure, FAILURE_INVALID_PARAMETER,
			"Source queue must be configured as a Dead Letter Queue.");
	if (from == to)
		return failure_set(&call->failure, FAILURE_INVALID_PARAMETER,
			"Source and destination must be different queues.");
	if (move_task_is_active(call->account, from->arn))
		return failure_set(&call->failure, FAILURE_INVALID_PARAMETER,
			"There is already a task running. Only one active task is allowed for a "
			"source queue arn at a given time.");
	return true;
}

/* The task as opaque text, though AWS's too can be read: base64 of JSON. */
static json_t *move_handle(const struct move_task *task)
{
	char text[HANDLE_TEXT_MAX], coded[HANDLE_TEXT_MAX * 4 / 3 + 4];
	int len = snprintf(text, sizeof text, "{\"taskId\":\"%s\",\"sourceArn\":\"%s\"}", task->id,
		task->source);

	assert(len > 0 && (size_t)len < sizeof text);
	EVP_EncodeBlock((unsigned char *)coded, (const unsigned char *)text, len);
	return json_string(coded);
}

/* What move_handle() wrote, read: owned; NULL: it did not write this. */
static json_t *move_handle_read(const char *handle)
{
	unsigned char text[HANDLE_TEXT_MAX + 3];
	size_t len = strlen(handle);

	if (len % 4 != 0 || len > HANDLE_TEXT_MAX * 4 / 3)
		return NULL;
	int n = EVP_DecodeBlock(text, (const unsigned char *)handle, (int)len);
	/* The padding has become bytes behind the object. */
	return n > 0 ? json_loadb((const char *)text, (size_t)n, JSON_DISABLE_EOF_CHECK, NULL)
		     : NULL;
}

bool action_start_move(struct call *call)
{
	struct local_queue *from = move_source(call), *to = NULL;
	const char *destination = NULL;
	unsigned per_second = 0;

	if (!from || !input_string(call->input, "DestinationArn", &destination, &call->failure) ||
		!input_number(call->input, "MaxNumberOfMessagesPerSecond",
			(struct input_range){1, 500}, &per_second, &call->failure))
		return false;
	if (destination) {
		to = move_queue(call, destination, "DestinationArn");
		if (!to)
			return false;
	}
	if (!move_check(call, from, to))
		return false;

	const struct move_task *task =
		move_task_start(call->account, from, to, per_second, call->now);
	call->output = json_pack("{s:o}", "TaskHandle", move_handle(task));
	return true;
}

static json_t *move_show(const struct move_task *task)
{
	json_t *out = json_pack("{s:s, s:s, s:I, s:I, s:I}", "Status", status_names[task->status],
		"SourceArn", task->source, "ApproximateNumberOfMessagesMoved",
		(json_int_t)task->n_moved, "ApproximateNumberOfMessagesToMove",
		(json_int_t)task->n_to_move, "StartedTimestamp",
		(json_int_t)(task->started_at / USEC_PER_MSEC));

	if (task->status == MOVE_RUNNING)
		json_object_set_new(out, "TaskHandle", move_handle(task));
	if (task->destination)
		json_object_set_new(out, "DestinationArn", json_string(task->destination));
	if (task->per_second > 0)
		json_object_set_new(
			out, "MaxNumberOfMessagesPerSecond", json_integer(task->per_second));
	if (task->failure)
		json_object_set_new(out, "FailureReason", json_string(task->failure));
	return out;
}

bool action_list_moves(struct call *call)
{
	const struct local_queue *from = move_source(call);
	const struct move_task *task;
	unsigned n_max = 1;

	if (!from || !input_number(call->input, "MaxResults", (struct input_range){1, 10}, &n_max,
			     &call->failure))
		return false;

	json_t *results = json_array();
	TAILQ_FOREACH(task, &call->account->move_tasks, next)
	{
		if (strcmp(task->source, from->arn) == 0 && json_array_size(results) < n_max)
			json_array_append_new(results, move_show(task));
	}
	call->output = json_pack("{s:o}", "Results", results);
	return true;
}

/* The running task of a handle; NULL: refused. */
static struct move_task *move_find(struct call *call, const json_t *handle)
{
	const char *id, *arn;
	struct move_task *task;

	if (json_unpack((json_t *)handle, "{s:s, s:s}", "taskId", &id, "sourceArn", &arn) < 0) {
		failure_set(&call->failure, FAILURE_INVALID_PARAMETER,
			"Value for parameter TaskHandle is invalid.");
		return NULL;
	}
	if (!move_queue(call, arn, "SourceArn"))
		return NULL;
	task = move_task_find(call->account, arn, id);
	if (!task) {
		failure_set(&call->failure, FAILURE_RESOURCE_NOT_FOUND, "Task does not exist.");
		return NULL;
	}
	if (task->status != MOVE_RUNNING) {
		failure_set(&call->failure, FAILURE_RESOURCE_NOT_FOUND,
			"Only a task that is running can be cancelled.");
		return NULL;
	}
	return task;
}

bool action_cancel_move(struct call *call)
{
	struct move_task *task;
	const char *text = NULL;

	if (!input_required(call->input, "TaskHandle", &text, &call->failure))
		return false;

	json_t *handle = move_handle_read(text);
	task = move_find(call, handle);
	json_decref(handle);
	if (!task)
		return false;
	task->status = MOVE_CANCELLING;
	call->output =
		json_pack("{s:I}", "ApproximateNumberOfMessagesMoved", (json_int_t)task->n_moved);
	return true;
}

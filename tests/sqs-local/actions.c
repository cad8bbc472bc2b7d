#include "actions.h"

#include <string.h>

#include "input.h"

static const struct action actions[] = {
	{"AddPermission", "AddPermission", action_add_permission, true},
	{"CancelMessageMoveTask", "CancelMessageMoveTask", action_cancel_move, false},
	{"ChangeMessageVisibility", "ChangeMessageVisibility", action_change_visibility, true},
	{"ChangeMessageVisibilityBatch", "ChangeMessageVisibility", action_change_visibility_batch,
		true},
	{"CreateQueue", "CreateQueue", action_create_queue, false},
	{"DeleteMessage", "DeleteMessage", action_delete_message, true},
	{"DeleteMessageBatch", "DeleteMessage", action_delete_message_batch, true},
	{"DeleteQueue", "DeleteQueue", action_delete_queue, true},
	{"GetQueueAttributes", "GetQueueAttributes", action_get_queue_attributes, true},
	{"GetQueueUrl", "GetQueueUrl", action_get_queue_url, false},
	{"ListDeadLetterSourceQueues", "ListDeadLetterSourceQueues", action_list_sources, true},
	{"ListMessageMoveTasks", "ListMessageMoveTasks", action_list_moves, false},
	{"ListQueueTags", "ListQueueTags", action_list_tags, true},
	{"ListQueues", "ListQueues", action_list_queues, false},
	{"PurgeQueue", "PurgeQueue", action_purge_queue, true},
	{"ReceiveMessage", "ReceiveMessage", action_receive_message, true},
	{"RemovePermission", "RemovePermission", action_remove_permission, true},
	{"SendMessage", "SendMessage", action_send_message, true},
	{"SendMessageBatch", "SendMessage", action_send_message_batch, true},
	{"SetQueueAttributes", "SetQueueAttributes", action_set_queue_attributes, true},
	{"StartMessageMoveTask", "StartMessageMoveTask", action_start_move, false},
	{"TagQueue", "TagQueue", action_tag_queue, true},
	{"UntagQueue", "UntagQueue", action_untag_queue, true},
};

const struct action *action_find(const char *name)
{
	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
		if (strcmp(actions[i].name, name) == 0)
			return &actions[i];
	}
	return NULL;
}

const char *action_queue_name(const struct account *account, const json_t *input)
{
	const char *url = json_string_value(json_object_get(input, "QueueUrl"));
	const char *host = url ? strstr(url, "://") : NULL;
	const char *path = host ? strchr(host + strlen("://"), '/') : NULL;
	size_t id_len = strlen(account->options.id);

	if (!path || strncmp(path + 1, account->options.id, id_len) != 0)
		return "";
	return path[1 + id_len] == '/' ? path + 1 + id_len + 1 : "";
}

json_t *action_queue_url(const struct call *call, const struct local_queue *queue)
{
	return json_sprintf("%s/%s/%s", call->base_url, call->account->options.id, queue->name);
}

bool action_run(const struct action *action, struct call *call)
{
	const char *url = NULL;

	if (!action->on_queue)
		return action->run(call);

	if (!input_string(call->input, "QueueUrl", &url, &call->failure))
		return false;
	if (url && !strstr(url, "://"))
		return failure_set(&call->failure, FAILURE_INVALID_ADDRESS,
			"The address %.200s is not valid for this endpoint.", url);
	call->queue = account_find(call->account, action_queue_name(call->account, call->input));
	if (!call->queue)
		return failure_set(
			&call->failure, FAILURE_NO_QUEUE, "The specified queue does not exist.");
	return action->run(call);
}

/* ReceiveMessage: the one action that may wait. */

#include <string.h>

#include "actions.h"
#include "attributes.h"
#include "digest.h"
#include "input.h"

/* A receive as it was asked for. */
struct receive {
	unsigned n_messages;
	unsigned wait;       /* seconds */
	unsigned visibility; /* seconds */
	const json_t *system_names;
	const json_t *system_names_too; /* the older member for the same; both count */
	const json_t *attribute_names;
};

static const char *const system_names[] = {
	"All",
	"ApproximateFirstReceiveTimestamp",
	"ApproximateReceiveCount",
	"AWSTraceHeader",
	"DeadLetterQueueSourceArn",
	"MessageDeduplicationId",
	"MessageGroupId",
	"SenderId",
	"SentTimestamp",
	"SequenceNumber",
};

static bool receive_check_names(const json_t *names, struct failure *failure)
{
	const json_t *name;
	size_t i;

	json_array_foreach (names, i, name) {
		bool known = false;
		for (size_t k = 0; k < sizeof system_names / sizeof *system_names; k++)
			known |= json_is_string(name) &&
				 strcmp(json_string_value(name), system_names[k]) == 0;
		if (!known)
			return failure_set(failure, FAILURE_INVALID_ATTRIBUTE_NAME,
				"Unknown Attribute %.100s.",
				json_is_string(name) ? json_string_value(name) : "");
	}
	return true;
}

static bool receive_read(const struct call *call, struct receive *receive, struct failure *failure)
{
	const struct settings *settings = &call->queue->settings;
	const json_t *in = call->input;

	*receive = (struct receive){
		.n_messages = 1,
		.wait = settings->receive_wait,
		.visibility = settings->visibility_timeout,
	};
	return input_number(in, "MaxNumberOfMessages", (struct input_range){1, ACCOUNT_TAKE_MAX},
		       &receive->n_messages, failure) &&
	       input_number(in, "WaitTimeSeconds", (struct input_range){0, 20}, &receive->wait,
		       failure) &&
	       input_number(in, "VisibilityTimeout", (struct input_range){0, 43200},
		       &receive->visibility, failure) &&
	       input_member(in, "MessageSystemAttributeNames", JSON_ARRAY, &receive->system_names,
		       failure) &&
	       input_member(
		       in, "AttributeNames", JSON_ARRAY, &receive->system_names_too, failure) &&
	       input_member(in, "MessageAttributeNames", JSON_ARRAY, &receive->attribute_names,
		       failure) &&
	       receive_check_names(receive->system_names, failure) &&
	       receive_check_names(receive->system_names_too, failure);
}

static bool receive_lists(const json_t *names, const char *name)
{
	const json_t *one;
	size_t i;

	json_array_foreach (names, i, one) {
		const char *text = json_string_value(one);
		if (strcmp(text, name) == 0 || strcmp(text, "All") == 0)
			return true;
	}
	return false;
}

static void receive_add(
	const struct receive *receive, json_t *attributes, const char *name, json_t *value)
{
	if (receive_lists(receive->system_names, name) ||
		receive_lists(receive->system_names_too, name))
		json_object_set(attributes, name, value);
	json_decref(value);
}

static json_t *receive_msec(usec_t at)
{
	return json_sprintf("%llu", (unsigned long long)(at / USEC_PER_MSEC));
}

/* The system attributes that are wanted; owned, NULL for none. */
static json_t *receive_system(const struct receive *receive, const struct local_message *message)
{
	json_t *out, *value;
	const char *name;

	if (json_array_size(receive->system_names) + json_array_size(receive->system_names_too) ==
		0)
		return NULL;
	out = json_object();
	receive_add(receive, out, "SenderId", json_string(message->sender));
	receive_add(receive, out, "SentTimestamp", receive_msec(message->sent_at));
	receive_add(receive, out, "ApproximateReceiveCount",
		json_sprintf("%u", message->receive_count));
	receive_add(receive, out, "ApproximateFirstReceiveTimestamp",
		receive_msec(message->first_received_at));
	json_object_foreach (message->system, name, value)
		receive_add(receive, out, name, json_incref(value));
	if (json_object_size(out) > 0)
		return out;
	json_decref(out);
	return NULL;
}

static json_t *receive_show(const struct receive *receive, const struct local_message *message)
{
	json_t *out = json_object();
	json_t *system = receive_system(receive, message);
	json_t *selected = attributes_select(message->attributes, receive->attribute_names);
	char handle[HANDLE_SIZE], md5[2 * DIGEST_MD5_SIZE + 1];

	local_queue_handle(message, handle);
	digest_hex(message->md5, sizeof message->md5, md5);
	json_object_set_new(out, "MessageId", json_string_nocheck(message->id));
	json_object_set_new(out, "ReceiptHandle", json_string_nocheck(handle));
	json_object_set_new(out, "MD5OfBody", json_string_nocheck(md5));
	json_object_set_new(out, "Body", json_stringn_nocheck(message->body, message->body_len));
	if (system)
		json_object_set_new(out, "Attributes", system);
	if (selected) {
		attributes_md5(selected, md5);
		json_object_set_new(out, "MD5OfMessageAttributes", json_string_nocheck(md5));
		json_object_set_new(out, "MessageAttributes", selected);
	}
	return out;
}

bool action_receive_message(struct call *call)
{
	struct local_message *messages[ACCOUNT_TAKE_MAX];
	struct receive receive;

	if (!receive_read(call, &receive, &call->failure))
		return false;
	local_queue_settle(call->queue, call->now);
	/* A long poll at the limit just finds nothing. */
	if (receive.wait == 0 && account_room(call->account, call->queue) == 0)
		return failure_set(&call->failure, FAILURE_OVER_LIMIT,
			"The maximum number of messages in flight has been reached.");

	unsigned n_taken = account_take(call->account,
		&(struct take){
			.queue = call->queue,
			.n_wanted = receive.n_messages,
			.visibility = receive.visibility * USEC_PER_SEC,
			.short_poll = receive.wait == 0,
		},
		messages, call->now);
	usec_t until = call->begun_at + receive.wait * USEC_PER_SEC;
	call->wait_until = n_taken == 0 && call->now < until ? until : 0;
	if (call->wait_until)
		return true;

	call->output = json_object();
	if (n_taken == 0)
		return true;
	json_t *list = json_array();
	for (unsigned i = 0; i < n_taken; i++)
		json_array_append_new(list, receive_show(&receive, messages[i]));
	json_object_set_new(call->output, "Messages", list);
	return true;
}

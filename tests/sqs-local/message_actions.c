/* The actions on messages but the receive: send, delete, change the visibility. */

#include <string.h>

#include "attributes.h"
#include "batch.h"
#include "digest.h"
#include "input.h"

#define MESSAGE_BATCH_BYTES_MAX 1048576u
#define VISIBILITY_MAX          43200u

static const struct input_range delay_range = {0, 900};
static const struct input_range visibility_range = {0, VISIBILITY_MAX};

static bool send_body_check(
	const json_t *body, size_t bytes, const struct settings *settings, struct failure *failure)
{
	char bad[16];

	if (bytes > settings->message_bytes_max)
		return failure_set(failure, FAILURE_INVALID_PARAMETER,
			"One or more parameters are invalid. Reason: Message must be shorter than "
			"%u bytes.",
			settings->message_bytes_max);
	input_bad_character(json_string_value(body), json_string_length(body), bad);
	if (*bad)
		return failure_set(failure, FAILURE_INVALID_CONTENTS,
			"Invalid binary character '%s' was found in the message body, the set of "
			"allowed characters is #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to "
			"#xFFFD | #x10000 to #x10FFFF",
			bad);
	return true;
}

/* The one system attribute that can be sent, and a tenant's name. */
static bool send_system(
	const json_t *entry, struct draft *draft, json_t *result, struct failure *failure)
{
	const char *group = NULL, *deduplication = NULL;
	const json_t *given = NULL;
	json_t *system = NULL;
	char md5[ATTRIBUTES_MD5_SIZE];
	size_t bytes;

	if (!input_string(entry, "MessageGroupId", &group, failure) ||
		!input_string(entry, "MessageDeduplicationId", &deduplication, failure) ||
		!input_member(entry, "MessageSystemAttributes", JSON_OBJECT, &given, failure))
		return false;
	if (deduplication)
		return failure_set(failure, FAILURE_INVALID_PARAMETER,
			"Value %s for parameter MessageDeduplicationId is invalid. Reason: The "
			"request includes a parameter that is not valid for this queue type.",
			deduplication);
	if (json_object_size(given) > 0) {
		const json_t *trace = json_object_get(given, "AWSTraceHeader");
		const char *value = json_string_value(json_object_get(trace, "StringValue"));
		if (!value || json_object_size(given) != 1)
			return failure_set(failure, FAILURE_INVALID_PARAMETER,
				"The only message system attribute is AWSTraceHeader, a String.");
		json_t *known = NULL;
		if (!attributes_read(given, &known, &bytes, failure))
			return false;
		attributes_md5(known, md5);
		json_decref(known);
		json_object_set_new(result, "MD5OfMessageSystemAttributes", json_string(md5));
		system = json_pack("{s:s}", "AWSTraceHeader", value);
	}
	if (group) {
		system = system ? system : json_object();
		json_object_set_new(system, "MessageGroupId", json_string(group));
	}
	draft->system = system;
	return true;
}

/* What a message counts towards the limits; 0 when it cannot be told. */
static size_t send_bytes(const json_t *entry)
{
	struct failure ignored;
	json_t *attributes = NULL;
	size_t bytes = 0;

	attributes_read(json_object_get(entry, "MessageAttributes"), &attributes, &bytes, &ignored);
	json_decref(attributes);
	return bytes + json_string_length(json_object_get(entry, "MessageBody"));
}

static void send_answer(
	const struct local_message *message, const json_t *attributes, json_t *result)
{
	char hex[2 * DIGEST_MD5_SIZE + 1];

	digest_hex(message->md5, sizeof message->md5, hex);
	json_object_set_new(result, "MessageId", json_string_nocheck(message->id));
	json_object_set_new(result, "MD5OfMessageBody", json_string_nocheck(hex));
	if (attributes) {
		attributes_md5(attributes, hex);
		json_object_set_new(result, "MD5OfMessageAttributes", json_string_nocheck(hex));
	}
}

static bool send_entry(
	struct call *call, const json_t *entry, json_t *result, struct failure *failure)
{
	const struct settings *settings = &call->queue->settings;
	const json_t *body = NULL, *given = NULL;
	unsigned delay = settings->delay;
	struct draft draft = {.sender = call->sender};
	size_t bytes = 0;

	if (!input_member(entry, "MessageBody", JSON_STRING, &body, failure) ||
		!input_member(entry, "MessageAttributes", JSON_OBJECT, &given, failure) ||
		!input_number(entry, "DelaySeconds", delay_range, &delay, failure))
		return false;
	if (json_string_length(body) == 0)
		return input_missing("MessageBody", failure);
	if (!attributes_read(given, &draft.attributes, &bytes, failure))
		return false;
	if (!send_body_check(body, bytes + json_string_length(body), settings, failure) ||
		!send_system(entry, &draft, result, failure)) {
		json_decref(draft.attributes);
		return false;
	}

	draft.body = json_string_value(body);
	draft.body_len = json_string_length(body);
	draft.delay = delay * USEC_PER_SEC;
	send_answer(local_queue_send(call->queue, &draft, &call->account->rng, call->now),
		draft.attributes, result);
	return true;
}

bool action_send_message(struct call *call)
{
	return batch_single(call, send_entry);
}

bool action_send_message_batch(struct call *call)
{
	const json_t *entries = NULL, *entry;
	size_t bytes = 0, i;

	if (!batch_check(call, "SendMessageBatchRequestEntry", &entries))
		return false;
	json_array_foreach (entries, i, entry)
		bytes += send_bytes(entry);
	if (bytes > MESSAGE_BATCH_BYTES_MAX)
		return failure_set(&call->failure, FAILURE_BATCH_TOO_LONG,
			"Batch requests cannot be longer than %u bytes. You have sent %zu bytes.",
			MESSAGE_BATCH_BYTES_MAX, bytes);
	return batch_run(call, entries, send_entry);
}

/* The message that an entry's handle has power over, or NULL for a stale one. */
static bool entry_message(
	struct call *call, const json_t *entry, struct local_message **ret, struct failure *failure)
{
	const char *text = NULL;
	struct handle handle;

	if (!input_required(entry, "ReceiptHandle", &text, failure))
		return false;
	if (!handle_read(text, &handle) || handle.queue != call->queue->serial)
		return failure_set(failure, FAILURE_INVALID_HANDLE,
			"The input receipt handle \"%.1024s\" is not a valid receipt handle.",
			text);
	*ret = local_queue_find(call->queue, &handle);
	return true;
}

/* A stale handle deletes "successfully", without effect. */
static bool delete_entry(
	struct call *call, const json_t *entry, json_t *result, struct failure *failure)
{
	struct local_message *message = NULL;

	(void)result;
	if (!entry_message(call, entry, &message, failure))
		return false;
	if (message) {
		journal_note(call->queue->journal, JOURNAL_DELETE, message);
		local_queue_delete(message);
		call->queue->counts.deleted++;
	} else {
		call->queue->counts.deleted_stale++;
	}
	return true;
}

bool action_delete_message(struct call *call)
{
	return batch_single(call, delete_entry);
}

bool action_delete_message_batch(struct call *call)
{
	const json_t *entries = NULL;

	return batch_check(call, "DeleteMessageBatchRequestEntry", &entries) &&
	       batch_run(call, entries, delete_entry);
}

/* Works on a message that is visible again, too: real queues hide it once more. */
static bool visibility_entry(
	struct call *call, const json_t *entry, json_t *result, struct failure *failure)
{
	struct local_message *message = NULL;
	unsigned timeout = VISIBILITY_MAX + 1;

	(void)result;
	if (!entry_message(call, entry, &message, failure) ||
		!input_number(entry, "VisibilityTimeout", visibility_range, &timeout, failure))
		return false;
	if (timeout > VISIBILITY_MAX)
		return input_missing("VisibilityTimeout", failure);
	if (!message)
		return true;

	usec_t until = call->now + timeout * USEC_PER_SEC;
	if (until > message->received_at + LOCAL_QUEUE_HIDDEN_MAX)
		return failure_set(failure, FAILURE_INVALID_PARAMETER,
			"Value %u for parameter VisibilityTimeout is invalid. Reason: Total "
			"VisibilityTimeout for the message is beyond the limit [43200 seconds]",
			timeout);
	local_queue_hide(message, until, call->now);
	journal_note_extension(call->queue->journal, message, timeout);
	return true;
}

bool action_change_visibility(struct call *call)
{
	return batch_single(call, visibility_entry);
}

bool action_change_visibility_batch(struct call *call)
{
	const json_t *entries = NULL;

	return batch_check(call, "ChangeMessageVisibilityBatchRequestEntry", &entries) &&
	       batch_run(call, entries, visibility_entry);
}

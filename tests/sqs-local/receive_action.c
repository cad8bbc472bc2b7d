/* ReceiveMessage: the one action that may wait. */

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "actions.h"
#include "attributes.h"
#include "digest.h"
#include "input.h"
#include "json_text.h"

/* Ten messages of 1 MiB, every character escaped, and what is around them. */
#define RECEIVE_BYTES_MAX (64u << 20)

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

/* One system attribute, if it is wanted; they are strings all of them. */
static void receive_write_attribute(struct strbuf *out, const struct receive *receive,
	const char *name, const char *value, unsigned *n_written)
{
	if (!receive_lists(receive->system_names, name) &&
		!receive_lists(receive->system_names_too, name))
		return;
	strbuf_printf(out, "%s\"%s\":", (*n_written)++ > 0 ? "," : ",\"Attributes\":{", name);
	json_text_string(out, value, strlen(value));
}

static void receive_write_number(struct strbuf *out, const struct receive *receive,
	const char *name, unsigned long long value, unsigned *n_written)
{
	char text[24];

	snprintf(text, sizeof text, "%llu", value);
	receive_write_attribute(out, receive, name, text, n_written);
}

static void receive_write_system(
	struct strbuf *out, const struct receive *receive, const struct local_message *message)
{
	unsigned n = 0;
	const char *name;
	json_t *value;

	receive_write_attribute(out, receive, "SenderId", message->sender, &n);
	receive_write_number(out, receive, "SentTimestamp", message->sent_at / USEC_PER_MSEC, &n);
	receive_write_number(out, receive, "ApproximateReceiveCount", message->receive_count, &n);
	receive_write_number(out, receive, "ApproximateFirstReceiveTimestamp",
		message->first_received_at / USEC_PER_MSEC, &n);
	json_object_foreach (message->system, name, value)
		receive_write_attribute(out, receive, name, json_string_value(value), &n);
	if (n > 0)
		strbuf_putc(out, '}');
}

static void receive_write_attributes(
	struct strbuf *out, const struct receive *receive, const struct local_message *message)
{
	json_t *selected = attributes_select(message->attributes, receive->attribute_names);
	char md5[ATTRIBUTES_MD5_SIZE];

	if (!selected)
		return;
	_cleanup_free_ char *text = json_dumps(selected, JSON_COMPACT);
	assert(text);
	attributes_md5(selected, md5);
	json_decref(selected);
	strbuf_printf(
		out, ",\"MD5OfMessageAttributes\":\"%s\",\"MessageAttributes\":%s", md5, text);
}

static void receive_write(
	struct strbuf *out, const struct receive *receive, const struct local_message *message)
{
	char handle[HANDLE_SIZE], md5[2 * DIGEST_MD5_SIZE + 1];

	local_queue_handle(message, handle);
	digest_hex(message->md5, sizeof message->md5, md5);
	strbuf_printf(out, "{\"MessageId\":\"%s\",\"ReceiptHandle\":\"%s\",\"MD5OfBody\":\"%s\"",
		message->id, handle, md5);
	strbuf_puts(out, ",\"Body\":");
	json_text_string(out, message->body, message->body_len);
	receive_write_system(out, receive, message);
	receive_write_attributes(out, receive, message);
	strbuf_putc(out, '}');
}

/* The whole answer, owned. */
static char *receive_answer(
	const struct receive *receive, struct local_message **messages, unsigned n_messages)
{
	struct strbuf out;

	strbuf_init(&out, RECEIVE_BYTES_MAX);
	strbuf_puts(&out, n_messages > 0 ? "{\"Messages\":[" : "{");
	for (unsigned i = 0; i < n_messages; i++) {
		if (i > 0)
			strbuf_putc(&out, ',');
		receive_write(&out, receive, messages[i]);
	}
	strbuf_puts(&out, n_messages > 0 ? "]}" : "}");
	return strbuf_take(&out);
}

bool action_receive_message(struct call *call)
{
	struct receive receive;

	if (!receive_read(call, &receive, &call->failure))
		return false;
	local_queue_settle(call->queue, call->now);
	/* A long poll at the limit just finds nothing. */
	if (receive.wait == 0 && account_room(call->account, call->queue) == 0)
		return failure_set(&call->failure, FAILURE_OVER_LIMIT,
			"The maximum number of messages in flight has been reached.");

	call->n_taken = account_take(call->account,
		&(struct take){
			.queue = call->queue,
			.n_wanted = receive.n_messages,
			.visibility = receive.visibility * USEC_PER_SEC,
			.short_poll = receive.wait == 0,
		},
		call->taken, call->now);
	usec_t until = call->begun_at + receive.wait * USEC_PER_SEC;
	call->wait_until = call->n_taken == 0 && call->now < until ? until : 0;
	if (call->wait_until)
		return true;

	call->text = receive_answer(&receive, call->taken, call->n_taken);
	assert(call->text);
	return true;
}

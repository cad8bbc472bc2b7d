#include "aws/sqs_codec_write.h"

#include <assert.h>
#include <string.h>

#include "base/json_write.h"

#define QUEUE_NAME "{\"QueueUrl\":"

static void write_queue(struct strbuf *b, const char *queue_url)
{
	strbuf_puts(b, QUEUE_NAME);
	json_write_text(b, queue_url);
}

int sqs_codec_write_receive(struct strbuf *b, const char *queue_url, const struct sqs_receive *what)
{
	assert(what->max_messages >= 1 && what->max_messages <= SQS_BATCH_MAX);
	write_queue(b, queue_url);
	strbuf_printf(b, ",\"MaxNumberOfMessages\":%u,\"WaitTimeSeconds\":%llu", what->max_messages,
		(unsigned long long)(what->wait / USEC_PER_SEC));
	if (what->visibility_timeout > 0)
		strbuf_printf(b, ",\"VisibilityTimeout\":%llu",
			(unsigned long long)(what->visibility_timeout / USEC_PER_SEC));
	const char *names =
		what->details ? "\"All\"" : "\"SentTimestamp\",\"ApproximateReceiveCount\"";
	if (what->details)
		strbuf_puts(b, ",\"MessageAttributeNames\":[\"All\"]");
	/* The second list is the first one's name before 2024, all that older servers know. */
	return strbuf_printf(
		b, ",\"MessageSystemAttributeNames\":[%s],\"AttributeNames\":[%s]}", names, names);
}

static void write_entries_begin(struct strbuf *b, const char *queue_url, size_t n_entries)
{
	assert(n_entries >= 1 && n_entries <= SQS_BATCH_MAX);
	write_queue(b, queue_url);
	strbuf_puts(b, ",\"Entries\":[");
}

/* All of an entry but its end. */
static void write_entry(struct strbuf *b, size_t i, const char *handle)
{
	strbuf_printf(b, "%s{\"Id\":\"%zu\",\"ReceiptHandle\":", i ? "," : "", i);
	json_write_text(b, handle);
}

int sqs_codec_write_delete(
	struct strbuf *b, const char *queue_url, const char *const *handles, size_t n_handles)
{
	write_entries_begin(b, queue_url, n_handles);
	for (size_t i = 0; i < n_handles; i++) {
		write_entry(b, i, handles[i]);
		strbuf_putc(b, '}');
	}
	return strbuf_puts(b, "]}");
}

int sqs_codec_write_visibility(struct strbuf *b, const char *queue_url,
	const struct sqs_visibility *entries, size_t n_entries)
{
	write_entries_begin(b, queue_url, n_entries);
	for (size_t i = 0; i < n_entries; i++) {
		write_entry(b, i, entries[i].handle);
		strbuf_printf(b, ",\"VisibilityTimeout\":%llu}",
			(unsigned long long)(entries[i].timeout / USEC_PER_SEC));
	}
	return strbuf_puts(b, "]}");
}

int sqs_codec_write_attributes(struct strbuf *b, const char *queue_url)
{
	write_queue(b, queue_url);
	/* Some names are unknown where the queue is not of their kind; this one never is. */
	return strbuf_puts(b, ",\"AttributeNames\":[\"All\"]}");
}

static void write_member(struct strbuf *b, const char *name, const char *value)
{
	strbuf_printf(b, ",\"%s\":", name);
	json_write_text(b, value);
}

static void write_message_attribute(struct strbuf *b, const struct sqs_message_attribute *a)
{
	json_write_text(b, a->name);
	strbuf_puts(b, ":{\"DataType\":");
	json_write_text(b, a->data_type);
	if (a->string_value)
		write_member(b, "StringValue", a->string_value);
	if (a->binary_value)
		write_member(b, "BinaryValue", a->binary_value);
	strbuf_putc(b, '}');
}

int sqs_codec_write_send(struct strbuf *b, const struct sqs_send *what)
{
	assert(what->n_attributes <= SQS_MESSAGE_ATTRIBUTES_MAX);
	write_queue(b, what->queue_url);
	strbuf_puts(b, ",\"MessageBody\":");
	json_write_string(b, what->body, what->body_len);
	for (size_t i = 0; i < what->n_attributes; i++) {
		strbuf_puts(b, i == 0 ? ",\"MessageAttributes\":{" : ",");
		write_message_attribute(b, &what->attributes[i]);
	}
	return strbuf_puts(b, what->n_attributes > 0 ? "}}" : "}");
}

/* A URL holds no quote. */
const char *sqs_codec_past_queue(const struct strbuf *b)
{
	const char *url = strbuf_str(b) + sizeof QUEUE_NAME;

	assert(b->len > sizeof QUEUE_NAME);
	return url + strcspn(url, "\"");
}

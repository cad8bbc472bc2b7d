#include "aws/sqs_codec.h"

#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/sqs_details.h"
#include "aws/sqs_fault.h"
#include "base/json_read.h"

/* Reads one answer whole: its root object by member(). */
static int read_root(struct json_read *r, json_read_fn *member, void *userdata)
{
	int e = json_read_object(r, member, userdata);
	return e < 0 ? e : json_read_end(r);
}

static const char *name_fault(const struct json_read *r)
{
	switch (r->fault) {
	case JSON_OK:
		return "JSON of another shape than SQS's";
	case JSON_CUT_SHORT:
		return "JSON that ends early";
	default:
		return "a body that is not JSON";
	}
}

static bool digest_fits(const struct sqs_message *m, const EVP_MD *md5)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char digest[EVP_MAX_MD_SIZE];
	char hex[2 * EVP_MAX_MD_SIZE + 1];
	unsigned len;

	if (EVP_Digest(m->body, m->body_len, digest, &len, md5, NULL) != 1)
		return true; /* the library refuses: as if it had none */
	for (unsigned i = 0; i < len; i++) {
		hex[2 * i] = digits[digest[i] >> 4];
		hex[2 * i + 1] = digits[digest[i] & 15];
	}
	hex[2 * len] = '\0';
	return strcasecmp(hex, m->md5_of_body) == 0;
}

struct messages_reader {
	struct sqs_codec_messages *into;
	const struct sqs_codec_expected *expected;
	struct sqs_details *details; /* of the message that is being read; NULL: not asked for */
	const char *reason;          /* NULL: the JSON's */
};

static struct sqs_message *read_now(const struct messages_reader *reader)
{
	return &reader->into->messages[reader->into->n_messages];
}

static int read_system_attribute(
	struct json_read *r, const struct json_string *name, void *userdata)
{
	const struct messages_reader *reader = userdata;
	struct sqs_message *m = read_now(reader);
	uint64_t number = 0;

	if (reader->details) {
		/* Once as it stands; what is a number of ours is read once more. */
		const struct json_scan value = r->scan;
		int e = sqs_details_read_attribute(r, name, reader->details);
		if (e < 0)
			return e;
		r->scan = value;
	}

	if (json_string_is(name, "ApproximateReceiveCount")) {
		int e = json_read_number(r, &number);
		m->receive_count = number > UINT32_MAX ? UINT32_MAX : (unsigned)number;
		return e;
	}
	if (json_string_is(name, "SentTimestamp")) {
		int e = json_read_number(r, &number);
		m->sent_at = number > UINT64_MAX / USEC_PER_MSEC ? 0 : number * USEC_PER_MSEC;
		return e;
	}
	return json_read_skip(r);
}

static int read_message_member(struct json_read *r, const struct json_string *name, void *userdata)
{
	struct messages_reader *reader = userdata;
	struct sqs_message *m = read_now(reader);
	struct sqs_details *details = reader->details;

	if (json_string_is(name, "Body"))
		return json_read_text(r, &m->body, &m->body_len);
	if (json_string_is(name, "ReceiptHandle"))
		return json_read_text(r, &m->receipt_handle, NULL);
	if (json_string_is(name, "MessageId"))
		return json_read_text(r, &m->message_id, NULL);
	if (json_string_is(name, "MD5OfBody"))
		return json_read_text(r, &m->md5_of_body, NULL);
	if (json_string_is(name, "Attributes"))
		return json_read_object(r, read_system_attribute, reader);
	if (details && json_string_is(name, "MessageAttributes"))
		return json_read_object(r, sqs_details_read_message_attribute, details);
	if (details && json_string_is(name, "MD5OfMessageAttributes"))
		return json_read_text(r, &details->md5_of_attributes, NULL);
	return json_read_skip(r);
}

static int read_message(struct json_read *r, const struct json_string *name, void *userdata)
{
	struct messages_reader *reader = userdata;
	struct sqs_codec_messages *into = reader->into;

	(void)name;
	if (into->n_messages == reader->expected->max_messages) {
		reader->reason = "more messages than were asked for";
		return -EBADMSG;
	}
	struct sqs_message *m = read_now(reader);
	m->details = reader->details = into->details ? &into->details[into->n_messages] : NULL;
	int e = json_read_object(r, read_message_member, reader);
	if (e < 0)
		return e;

	const EVP_MD *md5 = reader->expected->md5;
	if (!m->message_id || !m->receipt_handle || !m->body)
		reader->reason = "a message without MessageId, ReceiptHandle or Body";
	else if (m->md5_of_body && md5 && !digest_fits(m, md5))
		reader->reason = "a message whose MD5OfBody does not fit its body";
	into->n_messages++;
	return reader->reason ? -EBADMSG : 0;
}

static int read_receive_member(struct json_read *r, const struct json_string *name, void *userdata)
{
	return json_string_is(name, "Messages") ? json_read_array(r, read_message, userdata)
						: json_read_skip(r);
}

int sqs_codec_read_messages(const char *body, size_t len, const struct sqs_codec_expected *expected,
	struct sqs_codec_messages *ret, const char **ret_reason)
{
	_cleanup_(sqs_codec_messages_done) struct sqs_codec_messages m = {0};
	struct messages_reader reader = {.into = &m, .expected = expected};
	_cleanup_(json_read_done) struct json_read r = {0};

	assert(expected->max_messages <= SQS_BATCH_MAX);
	if (expected->details) {
		m.details = calloc(expected->max_messages, sizeof *m.details);
		if (!m.details)
			return -ENOMEM;
	}
	int e = json_read_init(&r, body, len);
	if (e < 0)
		return e;
	e = read_root(&r, read_receive_member, &reader);
	if (e < 0) {
		*ret_reason = reader.reason ? reader.reason : name_fault(&r);
		return e;
	}
	m.texts = json_read_take_texts(&r);
	*ret = m;
	m = (struct sqs_codec_messages){0};
	return 0;
}

void sqs_codec_messages_done(struct sqs_codec_messages *m)
{
	free(m->texts);
	free(m->details);
	*m = (struct sqs_codec_messages){0};
}

struct entries_reader {
	struct sqs_codec_entries *into;
	size_t n_entries;
	bool said[SQS_BATCH_MAX];
	bool any;
	/* Of the element that is being read. */
	const char *id;
	const char *code;
	const char *message;
	bool sender_fault;
};

static int read_entry_member(struct json_read *r, const struct json_string *name, void *userdata)
{
	struct entries_reader *reader = userdata;

	if (json_string_is(name, "Id"))
		return json_read_text(r, &reader->id, NULL);
	if (json_string_is(name, "Code"))
		return json_read_text(r, &reader->code, NULL);
	if (json_string_is(name, "Message"))
		return json_read_text(r, &reader->message, NULL);
	if (json_string_is(name, "SenderFault"))
		return json_read_bool(r, &reader->sender_fault);
	return json_read_skip(r);
}

/* Reads an element; *ret: which of ours it is about, by its Id; n_entries: none of them. */
static int read_entry(struct json_read *r, struct entries_reader *reader, size_t *ret)
{
	reader->id = reader->code = reader->message = NULL;
	reader->sender_fault = true;
	int e = json_read_object(r, read_entry_member, reader);
	if (e < 0)
		return e;

	bool digit = reader->id && reader->id[0] >= '0' && reader->id[0] <= '9' && !reader->id[1];
	size_t place = digit ? (size_t)(reader->id[0] - '0') : reader->n_entries;
	*ret = place < reader->n_entries ? place : reader->n_entries;
	return 0;
}

static int read_successful(struct json_read *r, const struct json_string *name, void *userdata)
{
	struct entries_reader *reader = userdata;
	size_t i;

	(void)name;
	int e = read_entry(r, reader, &i);
	if (e < 0)
		return e;
	if (i < reader->n_entries && !reader->said[i])
		reader->into->entries[i] = (struct sqs_entry_answer){SQS_OK, ""};
	return 0;
}

static int read_failed(struct json_read *r, const struct json_string *name, void *userdata)
{
	struct entries_reader *reader = userdata;
	size_t i;

	(void)name;
	int e = read_entry(r, reader, &i);
	if (e < 0 || i == reader->n_entries)
		return e;

	char *text = reader->into->texts[i];
	reader->into->entries[i] = (struct sqs_entry_answer){
		sqs_fault_of_entry(reader->code, reader->message, !reader->sender_fault, text,
			SQS_CODEC_ENTRY_TEXT_MAX),
		text,
	};
	reader->said[i] = true;
	return 0;
}

static int read_batch_member(struct json_read *r, const struct json_string *name, void *userdata)
{
	struct entries_reader *reader = userdata;

	if (json_string_is(name, "Successful")) {
		reader->any = true;
		return json_read_array(r, read_successful, reader);
	}
	if (json_string_is(name, "Failed")) {
		reader->any = true;
		return json_read_array(r, read_failed, reader);
	}
	return json_read_skip(r);
}

int sqs_codec_read_entries(const char *body, size_t len, size_t n_entries,
	struct sqs_codec_entries *ret, const char **ret_reason)
{
	struct entries_reader reader = {.into = ret, .n_entries = n_entries};
	_cleanup_(json_read_done) struct json_read r;

	assert(n_entries <= SQS_BATCH_MAX);
	int e = json_read_init(&r, body, len);
	if (e < 0)
		return e;
	for (size_t i = 0; i < n_entries; i++)
		ret->entries[i] = (struct sqs_entry_answer){
			SQS_GARBLED, "the answer does not mention this entry"};
	e = read_root(&r, read_batch_member, &reader);
	if (e == 0 && !reader.any) {
		*ret_reason = "JSON that says nothing of the entries";
		return -EBADMSG;
	}
	if (e < 0)
		*ret_reason = name_fault(&r);
	return e;
}

struct attributes_reader {
	struct sqs_codec_attributes *into;
	bool has_visibility;
	const char *policy; /* JSON in a string */
	const char *fifo;
};

static int read_attribute(struct json_read *r, const struct json_string *name, void *userdata)
{
	struct attributes_reader *reader = userdata;

	if (json_string_is(name, "VisibilityTimeout")) {
		uint64_t seconds = 0;
		int e = json_read_number(r, &seconds);
		reader->has_visibility = e == 0 && seconds <= UINT32_MAX;
		reader->into->attributes.visibility_timeout = seconds * USEC_PER_SEC;
		return e;
	}
	if (json_string_is(name, "MessageRetentionPeriod")) {
		uint64_t seconds = 0;
		int e = json_read_number(r, &seconds);
		reader->into->attributes.retention =
			seconds <= UINT32_MAX ? seconds * USEC_PER_SEC : 0;
		return e;
	}
	if (json_string_is(name, "FifoQueue"))
		return json_read_text(r, &reader->fifo, NULL);
	if (json_string_is(name, "RedrivePolicy"))
		return json_read_text(r, &reader->policy, NULL);
	return json_read_skip(r);
}

static int read_attributes_member(
	struct json_read *r, const struct json_string *name, void *userdata)
{
	return json_string_is(name, "Attributes") ? json_read_object(r, read_attribute, userdata)
						  : json_read_skip(r);
}

static int read_policy_member(struct json_read *r, const struct json_string *name, void *userdata)
{
	struct sqs_queue_attributes *a = userdata;

	if (json_string_is(name, "deadLetterTargetArn"))
		return json_read_text(r, &a->dead_letter_arn, NULL);
	if (json_string_is(name, "maxReceiveCount")) {
		uint64_t count = 0;
		int e = json_read_number(r, &count);
		a->max_receive_count = count > UINT32_MAX ? 0 : (unsigned)count;
		return e;
	}
	return json_read_skip(r);
}

/* The queue's redrive policy; the texts become a's. */
static int read_policy(const char *text, struct sqs_codec_attributes *a, const char **ret_reason)
{
	_cleanup_(json_read_done) struct json_read r;
	int e = json_read_init(&r, text, strlen(text));
	if (e < 0)
		return e;

	e = read_root(&r, read_policy_member, &a->attributes);
	if (e < 0 || !a->attributes.dead_letter_arn || a->attributes.max_receive_count == 0) {
		*ret_reason = "a RedrivePolicy that cannot be read";
		return -EBADMSG;
	}
	a->texts = json_read_take_texts(&r);
	return 0;
}

int sqs_codec_read_attributes(
	const char *body, size_t len, struct sqs_codec_attributes *ret, const char **ret_reason)
{
	struct sqs_codec_attributes a = {0};
	struct attributes_reader reader = {.into = &a};
	_cleanup_(json_read_done) struct json_read r;

	int e = json_read_init(&r, body, len);
	if (e < 0)
		return e;
	e = read_root(&r, read_attributes_member, &reader);
	if (e < 0) {
		*ret_reason = name_fault(&r);
		return e;
	}
	if (!reader.has_visibility) {
		*ret_reason = "JSON without a VisibilityTimeout";
		return -EBADMSG;
	}
	a.attributes.fifo = reader.fifo && strcmp(reader.fifo, "true") == 0;
	/* An empty one is how a policy is taken away. */
	if (reader.policy && reader.policy[0]) {
		e = read_policy(reader.policy, &a, ret_reason);
		if (e < 0)
			return e;
	}
	*ret = a;
	return 0;
}

void sqs_codec_attributes_done(struct sqs_codec_attributes *a)
{
	free(a->texts);
	*a = (struct sqs_codec_attributes){0};
}

static int read_sent_member(struct json_read *r, const struct json_string *name, void *userdata)
{
	const char **message_id = userdata;

	return json_string_is(name, "MessageId") ? json_read_text(r, message_id, NULL)
						 : json_read_skip(r);
}

int sqs_codec_read_sent(
	const char *body, size_t len, char **ret_message_id, const char **ret_reason)
{
	_cleanup_(json_read_done) struct json_read r;
	const char *message_id = NULL;

	int e = json_read_init(&r, body, len);
	if (e < 0)
		return e;
	e = read_root(&r, read_sent_member, &message_id);
	if (e < 0) {
		*ret_reason = name_fault(&r);
		return e;
	}
	if (!message_id || !message_id[0]) {
		*ret_reason = "JSON without a MessageId";
		return -EBADMSG;
	}
	char *copy = strdup(message_id);
	if (!copy)
		return -ENOMEM;
	*ret_message_id = copy;
	return 0;
}

/*
 * What SQS answers to a receive, and what handlers are given of the messages in it: aws/sqs_codec,
 * job/envelope, handler/lambda_event, handler/sqsd_request.
 */
#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <openssl/evp.h>

#include "aws/sqs_codec.h"
#include "fuzz.h"
#include "handler/lambda_event.h"
#include "handler/sqsd_request.h"
#include "job/envelope.h"

/* An absent text and null are the same. */
static void assert_same(const char *text, const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	assert(text ? json_is_string(value) && strcmp(text, json_string_value(value)) == 0
		    : !value || json_is_null(value));
}

/* As jansson reads it, which keeps no second member of a name. */
static void assert_as_answered(const char *answer, size_t len, const struct sqs_codec_messages *m)
{
	json_t *json = json_loadb(answer, len, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
	json_t *messages = json_object_get(json, "Messages");
	size_t at = 0;

	for (size_t i = 0; json && i < m->n_messages; i++) {
		const struct sqs_message *one = &m->messages[i];
		while (json_is_null(json_array_get(messages, at)))
			at++;
		const json_t *said = json_array_get(messages, at++);
		const json_t *body = json_object_get(said, "Body");

		assert_same(one->message_id, said, "MessageId");
		assert_same(one->receipt_handle, said, "ReceiptHandle");
		assert_same(one->md5_of_body, said, "MD5OfBody");
		assert(json_string_length(body) == one->body_len);
		assert(memcmp(json_string_value(body), one->body, one->body_len) == 0);
	}
	json_decref(json);
}

/* An envelope of the message, which borrows from it until it is copied. */
static struct envelope *make_envelope(const struct sqs_message *message)
{
	const struct sqs_details *d = message->details;
	struct envelope_attribute attributes[SQS_SYSTEM_ATTRIBUTES_MAX];
	struct envelope_message_attribute message_attributes[SQS_MESSAGE_ATTRIBUTES_MAX];
	struct envelope what = {
		.message_id = message->message_id,
		.receipt_handle = message->receipt_handle,
		.md5_of_body = message->md5_of_body,
		.md5_of_attributes = d->md5_of_attributes,
		.queue_name = "jobs",
		.queue_arn = "arn:aws:sqs:eu-west-1:123456789012:jobs",
		.region = "eu-west-1",
		.attributes = attributes,
		.n_attributes = d->n_attributes,
		.message_attributes = message_attributes,
		.n_message_attributes = d->n_message_attributes,
	};
	struct envelope *envelope = NULL;

	for (size_t i = 0; i < d->n_attributes; i++)
		attributes[i] =
			(struct envelope_attribute){d->attributes[i].name, d->attributes[i].value};
	for (size_t i = 0; i < d->n_message_attributes; i++) {
		const struct sqs_message_attribute *a = &d->message_attributes[i];
		message_attributes[i] = (struct envelope_message_attribute){
			a->name, a->data_type, a->string_value, a->binary_value};
	}
	assert(envelope_new(&what, &envelope) == 0);
	return envelope;
}

/* Whatever the sender wrote, the event is JSON that says just that. */
static void assert_event(struct job *job)
{
	_cleanup_strbuf_ struct strbuf event = STRBUF_INIT;
	const char *trace_id = lambda_event_trace_id(job->envelope);

	assert(lambda_event_write(&event, job) == 0);
	json_t *json = json_loadb(strbuf_str(&event), event.len, JSON_ALLOW_NUL, NULL);
	assert(json);
	const json_t *record = json_array_get(json_object_get(json, "Records"), 0);
	const json_t *body = json_object_get(record, "body");
	assert(json_string_length(body) == job->body_len);
	assert(memcmp(json_string_value(body), job->body, job->body_len) == 0);
	assert_same(job->envelope->message_id, record, "messageId");
	json_decref(json);
	for (; trace_id && *trace_id; trace_id++)
		assert(*trace_id >= ' ' && *trace_id <= '~');
}

/* Nor can a header end its line, or be the beginning of another. */
static void assert_headers(const struct envelope *envelope)
{
	char text[SQSD_REQUEST_TEXT_MAX] = "";
	struct sqsd_request r;

	int error = sqsd_request_build(&r, envelope, text);
	assert(error == 0 ? !*text : error == -EINVAL && *text && strlen(text) < sizeof text);
	for (size_t i = 0; error == 0 && i < r.n_headers; i++) {
		assert(!strpbrk(r.headers[i].name, "\r\n: "));
		assert(!strpbrk(r.headers[i].value, "\r\n"));
	}
	assert(error < 0 || !r.path || (r.path[0] == '/' && !strpbrk(r.path, " \t\r\n")));
}

static void use(const struct sqs_message *message)
{
	struct job job = {.envelope = make_envelope(message)};

	job.body = fuzz_copy(message->body, message->body_len);
	job.body_len = message->body_len;
	assert_event(&job);
	assert_headers(job.envelope);
	envelope_free(job.envelope);
	free(job.body);
}

/* What the digests say of bodies makes an answer bad, and nothing else of it different. */
static void assert_digests_judge_only(const char *answer, size_t len, bool good)
{
	const struct sqs_codec_expected checked = {SQS_BATCH_MAX, false, EVP_md5()};
	struct sqs_codec_messages m = {0};
	const char *reason = NULL;

	int r = sqs_codec_read_messages(answer, len, &checked, &m, &reason);
	assert(r == 0 || (r == -EBADMSG && reason && m.n_messages == 0));
	assert(r < 0 || good || m.n_messages <= SQS_BATCH_MAX);
	for (size_t i = 0; i < m.n_messages; i++)
		assert(!m.messages[i].details);
	sqs_codec_messages_done(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *answer = (const char *)data;
	const struct sqs_codec_expected expected = {SQS_BATCH_MAX, true, NULL};
	struct sqs_codec_messages m = {0};
	const char *reason = NULL;

	int r = sqs_codec_read_messages(answer, size, &expected, &m, &reason);
	assert(r == 0 ? !reason : r == -EBADMSG && reason && !m.texts && m.n_messages == 0);
	assert(m.n_messages <= SQS_BATCH_MAX);
	assert_as_answered(answer, size, &m);
	for (size_t i = 0; i < m.n_messages; i++) {
		const struct sqs_message *one = &m.messages[i];
		assert(one->message_id && one->receipt_handle && one->body[one->body_len] == '\0');
		use(one);
	}
	assert_digests_judge_only(answer, size, r == 0);
	sqs_codec_messages_done(&m);
	return 0;
}

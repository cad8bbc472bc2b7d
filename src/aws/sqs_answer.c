#include "aws/sqs_answer.h"

#include <errno.h>

#include "aws/skew.h"
#include "aws/sqs_codec.h"

const char *const sqs_answer_headers[SQS_ANSWER_N_HEADERS] = {
	[SQS_ANSWER_CONTENT_TYPE] = "Content-Type",
	[SQS_ANSWER_QUERY_ERROR] = "x-amzn-query-error",
	[SQS_ANSWER_ERROR_TYPE] = "x-amzn-errortype",
	[SQS_ANSWER_DATE] = "Date",
	[SQS_ANSWER_AGE] = "Age",
};

static struct sqs_fault_answer answer_of(const struct http_response *response)
{
	struct sqs_fault_answer answer = {
		.status = response->status,
		.content_type = response->headers[SQS_ANSWER_CONTENT_TYPE],
		.query_error = response->headers[SQS_ANSWER_QUERY_ERROR],
		.error_type = response->headers[SQS_ANSWER_ERROR_TYPE],
		.body = response->body,
		.body_len = response->body_len,
	};

	skew_read(response->headers[SQS_ANSWER_DATE], response->headers[SQS_ANSWER_AGE],
		&answer.clock_usec);
	return answer;
}

void sqs_answer_judge(const struct sqs_fault_place *place, const struct http_response *response,
	struct sqs_fault *ret)
{
	ret->result = SQS_OK;
	ret->code[0] = ret->text[0] = '\0';
	if (response->error < 0) {
		sqs_fault_of_transport(place, response->error, response->error_text, ret);
	} else if (response->status != 200) {
		struct sqs_fault_answer answer = answer_of(response);
		sqs_fault_of_answer(place, &answer, ret);
	}
}

/* r and reason: what the codec made of the body of an answer that was good until then. */
static void judge_body(const struct sqs_fault_place *place, const struct http_response *response,
	int r, const char *reason, struct sqs_fault *fault)
{
	struct sqs_fault_answer answer = answer_of(response);

	if (r == -ENOMEM)
		sqs_fault_of_transport(place, r, "out of memory", fault);
	else if (r < 0)
		sqs_fault_of_shape(place, &answer, reason, fault);
}

static struct sqs_answer answer_with(
	const struct sqs_fault *fault, const struct http_response *response)
{
	return (struct sqs_answer){
		.result = fault->result,
		.text = fault->text,
		.code = fault->code,
		.sent_at = response->sent_at,
		.first_byte_at = response->first_byte_at,
	};
}

static void tell_receive(const struct sqs_answer_goal *goal, const struct sqs_fault_place *place,
	const EVP_MD *md5, const struct http_response *response, struct sqs_fault *fault)
{
	struct sqs_codec_messages m = {0};
	const char *reason = "";

	if (fault->result == SQS_OK) {
		const struct sqs_codec_expected expected = {goal->n_expected, goal->details, md5};
		int r = sqs_codec_read_messages(
			response->body, response->body_len, &expected, &m, &reason);
		judge_body(place, response, r, reason, fault);
	}

	struct sqs_answer answer = answer_with(fault, response);
	goal->done.receive(goal->userdata, &answer, m.messages, m.n_messages);
	sqs_codec_messages_done(&m);
}

static void hush_entries(
	const struct sqs_fault_place *place, struct sqs_codec_entries *e, size_t n_entries)
{
	for (size_t i = 0; i < n_entries; i++)
		if (sqs_fault_repeats(place, e->entries[i].text))
			e->entries[i].text = "failed with what was sent in place of a code";
}

static void tell_batch(const struct sqs_answer_goal *goal, const struct sqs_fault_place *place,
	const struct http_response *response, struct sqs_fault *fault)
{
	struct sqs_codec_entries e;
	const char *reason = "";

	if (fault->result == SQS_OK) {
		int r = sqs_codec_read_entries(
			response->body, response->body_len, goal->n_expected, &e, &reason);
		judge_body(place, response, r, reason, fault);
		hush_entries(place, &e, r == 0 ? goal->n_expected : 0);
	}

	bool ok = fault->result == SQS_OK;
	struct sqs_answer answer = answer_with(fault, response);
	goal->done.batch(goal->userdata, &answer, ok ? e.entries : NULL, ok ? goal->n_expected : 0);
}

static void tell_attributes(const struct sqs_answer_goal *goal, const struct sqs_fault_place *place,
	const struct http_response *response, struct sqs_fault *fault)
{
	struct sqs_codec_attributes a = {0};
	const char *reason = "";

	if (fault->result == SQS_OK) {
		int r = sqs_codec_read_attributes(response->body, response->body_len, &a, &reason);
		judge_body(place, response, r, reason, fault);
	}

	bool ok = fault->result == SQS_OK;
	struct sqs_answer answer = answer_with(fault, response);
	goal->done.attributes(goal->userdata, &answer, ok ? &a.attributes : NULL);
	sqs_codec_attributes_done(&a);
}

static void tell_sent(const struct sqs_answer_goal *goal, const struct sqs_fault_place *place,
	const struct http_response *response, struct sqs_fault *fault)
{
	_cleanup_free_ char *message_id = NULL;
	const char *reason = "";

	if (fault->result == SQS_OK) {
		int r = sqs_codec_read_sent(
			response->body, response->body_len, &message_id, &reason);
		judge_body(place, response, r, reason, fault);
	}

	struct sqs_answer answer = answer_with(fault, response);
	goal->done.sent(goal->userdata, &answer, message_id);
}

static void tell_asked(const struct sqs_answer_goal *goal, const struct http_response *response,
	const struct sqs_fault *fault)
{
	bool ok = fault->result == SQS_OK;
	struct sqs_answer answer = answer_with(fault, response);

	answer.knows_clock = skew_read(response->headers[SQS_ANSWER_DATE],
		response->headers[SQS_ANSWER_AGE], &answer.clock_usec);
	goal->done.asked(
		goal->userdata, &answer, ok ? response->body : NULL, ok ? response->body_len : 0);
}

void sqs_answer_tell(const struct sqs_answer_goal *goal, const struct sqs_fault_place *place,
	const EVP_MD *md5, const struct http_response *response, struct sqs_fault *fault)
{
	switch (goal->action) {
	case SQS_RECEIVE:
		tell_receive(goal, place, md5, response, fault);
		return;
	case SQS_DELETE:
	case SQS_CHANGE_VISIBILITY:
		tell_batch(goal, place, response, fault);
		return;
	case SQS_GET_ATTRIBUTES:
		tell_attributes(goal, place, response, fault);
		return;
	case SQS_SEND:
		tell_sent(goal, place, response, fault);
		return;
	default: /* an operators' */
		tell_asked(goal, response, fault);
		return;
	}
}

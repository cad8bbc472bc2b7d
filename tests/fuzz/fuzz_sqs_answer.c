/*
 * Answers of SQS to any action, with whatever status and headers: aws/sqs_answer, sqs_fault,
 * sqs_code, sqs_codec. An input is "ACTION STATUS", lines "name: value", an empty line, the body.
 */
#include <assert.h>
#include <ctype.h>
#include <errno.h>

#include "aws/leak.h"
#include "aws/sqs_answer.h"
#include "fuzz.h"

#define N_EXPECTED 10

/* What the answer may repeat, and no text of ours. */
static const struct credentials signed_with = {
	.access_key_id = "AKIDEXAMPLE",
	.secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
	.session_token = "FwoGZXIvYXdzEBYaDHqa0AP1/ysNx7WJ",
	.source = "the fuzzer",
};

struct heard {
	unsigned n_calls;
	bool is_private;
};

/* Part of no text, if it was part of the request. */
#define HANDLE "AQEBhandle-of-a-message-in-hand"

static void assert_is_line(const char *text, size_t size)
{
	assert(strlen(text) < size);
	for (const char *c = text; *c; c++)
		assert(isprint((unsigned char)*c));
	assert(!leak_repeats_keys(text, &signed_with));
}

static void hear(struct heard *heard, const struct sqs_answer *answer)
{
	heard->n_calls++;
	assert_is_line(answer->text, SQS_FAULT_TEXT_MAX);
	assert_is_line(answer->code, SQS_CODE_MAX);
	assert((answer->result == SQS_OK) == (answer->text[0] == '\0'));
	assert(answer->result != SQS_UNREACHABLE && answer->result != SQS_NO_CREDENTIALS);
	assert(!heard->is_private || !strstr(answer->text, HANDLE));
	assert(!heard->is_private || !strstr(answer->code, HANDLE));
}

static void on_receive(void *userdata, const struct sqs_answer *answer,
	const struct sqs_message *messages, size_t n_messages)
{
	hear(userdata, answer);
	assert(n_messages <= N_EXPECTED && (answer->result == SQS_OK || n_messages == 0));
	for (size_t i = 0; i < n_messages; i++)
		assert(messages[i].message_id && messages[i].receipt_handle && messages[i].body);
}

static void on_batch(void *userdata, const struct sqs_answer *answer,
	const struct sqs_entry_answer *entries, size_t n_entries)
{
	hear(userdata, answer);
	assert(n_entries == (answer->result == SQS_OK ? N_EXPECTED : 0));
	for (size_t i = 0; i < n_entries; i++) {
		assert_is_line(entries[i].text, SQS_FAULT_TEXT_MAX);
		assert((entries[i].result == SQS_OK) == (entries[i].text[0] == '\0'));
		assert(!strstr(entries[i].text, HANDLE));
	}
}

static void on_attributes(void *userdata, const struct sqs_answer *answer,
	const struct sqs_queue_attributes *attributes)
{
	hear(userdata, answer);
	assert((answer->result == SQS_OK) == (attributes != NULL));
	if (!attributes)
		return;
	assert(attributes->visibility_timeout % USEC_PER_SEC == 0);
	assert(attributes->visibility_timeout <= UINT32_MAX * USEC_PER_SEC);
	assert(!attributes->dead_letter_arn || attributes->max_receive_count > 0);
}

static void on_sent(void *userdata, const struct sqs_answer *answer, const char *message_id)
{
	hear(userdata, answer);
	assert((answer->result == SQS_OK) == (message_id != NULL));
}

static void on_asked(
	void *userdata, const struct sqs_answer *answer, const char *body, size_t body_len)
{
	hear(userdata, answer);
	assert((answer->result == SQS_OK) == (body != NULL));
	assert(body || body_len == 0);
}

static void tell(const struct sqs_action_names *names, const struct sqs_answer_goal *goal,
	const struct http_response *response)
{
	const struct sqs_fault_place place = {
		.action = names->name,
		.permission = names->permission,
		.key_permission = names->key_permission,
		.is_private = names->is_private,
		.sent = names->is_private ? "[{\"Id\":\"0\",\"ReceiptHandle\":\"" HANDLE "\"}]}"
					  : NULL,
		.host = "sqs.eu-west-1.amazonaws.com",
		.queue = "jobs",
		.region = "eu-west-1",
		.credentials = &signed_with,
	};
	struct sqs_fault fault;

	sqs_answer_judge(&place, response, &fault);
	sqs_answer_tell(goal, &place, NULL, response, &fault);
}

static void ask(enum sqs_action action, const struct http_response *response)
{
	const struct sqs_action_names *names = sqs_action_names(action);
	struct heard heard = {.is_private = names->is_private};
	struct sqs_answer_goal goal = {
		.action = action, .n_expected = N_EXPECTED, .userdata = &heard};

	switch (action) {
	case SQS_RECEIVE:
		goal.done.receive = on_receive;
		break;
	case SQS_DELETE:
	case SQS_CHANGE_VISIBILITY:
		goal.done.batch = on_batch;
		break;
	case SQS_GET_ATTRIBUTES:
		goal.done.attributes = on_attributes;
		break;
	case SQS_SEND:
		goal.done.sent = on_sent;
		break;
	default: /* an operators' */
		goal.done.asked = on_asked;
		break;
	}
	tell(names, &goal, response);
	assert(heard.n_calls == 1);
}

/* "receive 403"; what is none of these is a receive, and 200. */
static enum sqs_action read_first_line(struct fuzz_input *input, unsigned *ret_status)
{
	static const char *const names[] = {
		"receive", "delete", "visibility", "attributes", "send", "ask"};
	_cleanup_free_ char *line = fuzz_take_line(input);
	char *status = strchr(line, ' ');
	enum sqs_action action = SQS_RECEIVE;

	if (status)
		*status++ = '\0';
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(line, names[i]) == 0)
			action = (enum sqs_action)i;
	*ret_status = status ? (unsigned)strtoul(status, NULL, 10) % 600 : 200;
	return action;
}

/* The headers that sqs asks for; owned. */
static void read_headers(struct fuzz_input *input, char *ret[static SQS_ANSWER_N_HEADERS])
{
	for (;;) {
		_cleanup_free_ char *line = fuzz_take_line(input);
		char *colon = strstr(line, ": ");
		if (!colon)
			return;
		*colon = '\0';
		for (size_t i = 0; i < SQS_ANSWER_N_HEADERS; i++)
			if (strcasecmp(line, sqs_answer_headers[i]) == 0) {
				free(ret[i]);
				ret[i] = fuzz_copy(colon + 2, strlen(colon + 2));
			}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = fuzz_input(data, size);
	struct http_response response = {.error_text = ""};
	char *headers[SQS_ANSWER_N_HEADERS] = {NULL};

	enum sqs_action action = read_first_line(&input, &response.status);
	read_headers(&input, headers);
	memcpy(response.headers, headers, sizeof headers);
	_cleanup_free_ char *body = fuzz_copy(input.at, input.len);
	response.body = body;
	response.body_len = input.len;
	ask(action, &response);
	for (size_t i = 0; i < SQS_ANSWER_N_HEADERS; i++)
		free(headers[i]);
	return 0;
}

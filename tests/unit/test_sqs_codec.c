#include <check.h>
#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/test_suite.h"
#include "aws/sqs_action.h"
#include "aws/sqs_codec.h"
#include "aws/sqs_codec_write.h"
#include "aws/sqs_fault.h"
#include "base/file.h"

/*
 * One folder per case: `answer` says what was asked and which headers came, `body` is the body,
 * `said` what we make of it. The body stands in memory that ends where it does, NUL included, so
 * that a sanitizer sees a step too far.
 */
#define DATA "tests/data/sqs-answer"

static int n_cases;

static char *read_file(const char *name, const char *file, size_t *ret_len)
{
	_cleanup_strbuf_ struct strbuf content = STRBUF_INIT;
	char path[PATH_MAX];

	snprintf(path, sizeof path, DATA "/%s/%s", name, file);
	int r = file_read(path, STRBUF_CEILING_DEFAULT, &content);
	ck_assert_msg(r == 0, "%s: %s", path, strerror(-r));

	char *exact = calloc(1, content.len + 1);
	memcpy(exact, strbuf_str(&content), content.len);
	*ret_len = content.len;
	return exact;
}

/* The value of a line "name: value", owned; NULL: there is none. */
static char *field(const char *answer, const char *name)
{
	char prefix[64];

	snprintf(prefix, sizeof prefix, "%s: ", name);
	for (const char *line = answer; *line; line = strchr(line, '\n') + 1)
		if (strncmp(line, prefix, strlen(prefix)) == 0)
			return strndup(line + strlen(prefix), strcspn(line, "\n") - strlen(prefix));
	return NULL;
}

static void print_fault(struct strbuf *out, const struct sqs_fault *fault)
{
	strbuf_printf(
		out, "%s\n%s\n%s\n", sqs_result_name(fault->result), fault->code, fault->text);
	ck_assert_uint_lt(strlen(fault->text), SQS_FAULT_TEXT_MAX);
}

/* Bytes that a text file does not like, as \xNN. */
static void print_bytes(struct strbuf *out, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)bytes[i] < ' ' || bytes[i] == '\\')
			strbuf_printf(out, "\\x%02x", (unsigned char)bytes[i]);
		else
			strbuf_putc(out, bytes[i]);
	}
}

static const char *or_none(const char *text)
{
	return text ? text : "-";
}

static void print_details(const struct sqs_message *m, struct strbuf *out)
{
	const struct sqs_details *d = m->details;

	strbuf_printf(out, "md5 %s of attributes %s\n", or_none(m->md5_of_body),
		or_none(d->md5_of_attributes));
	for (size_t i = 0; i < d->n_attributes; i++)
		strbuf_printf(out, "  %s=%s\n", d->attributes[i].name, d->attributes[i].value);
	for (size_t i = 0; i < d->n_message_attributes; i++) {
		const struct sqs_message_attribute *a = &d->message_attributes[i];
		const char *text = or_none(a->string_value);
		strbuf_printf(out, "  %s: %s text=", a->name, a->data_type);
		print_bytes(out, text, strlen(text));
		strbuf_printf(out, " binary=%s\n", or_none(a->binary_value));
	}
}

static int print_messages(const struct sqs_fault_answer *a,
	const struct sqs_codec_expected *expected, struct strbuf *out, const char **ret_reason)
{
	struct sqs_codec_messages m;
	int r = sqs_codec_read_messages(a->body, a->body_len, expected, &m, ret_reason);

	if (r < 0)
		return r;
	for (size_t i = 0; i < m.n_messages; i++) {
		const struct sqs_message *one = &m.messages[i];
		strbuf_printf(out, "%s %s receives=%u sent=%llu body=", one->message_id,
			one->receipt_handle, one->receive_count, (unsigned long long)one->sent_at);
		print_bytes(out, one->body, one->body_len);
		strbuf_putc(out, '\n');
		ck_assert(!one->details == !expected->details);
		if (one->details)
			print_details(one, out);
	}
	sqs_codec_messages_done(&m);
	return 0;
}

static int print_entries(const struct sqs_fault_answer *a, unsigned n_entries, struct strbuf *out,
	const char **ret_reason)
{
	struct sqs_codec_entries e;
	int r = sqs_codec_read_entries(a->body, a->body_len, n_entries, &e, ret_reason);

	for (size_t i = 0; r == 0 && i < n_entries; i++)
		strbuf_printf(out, "%zu %s: %s\n", i, sqs_result_name(e.entries[i].result),
			e.entries[i].text);
	return r;
}

static int print_attributes(
	const struct sqs_fault_answer *answer, struct strbuf *out, const char **ret_reason)
{
	struct sqs_codec_attributes a;
	int r = sqs_codec_read_attributes(answer->body, answer->body_len, &a, ret_reason);

	if (r < 0)
		return r;
	if (a.attributes.fifo)
		strbuf_puts(out, "FIFO, ");
	if (a.attributes.retention > 0)
		strbuf_printf(out, "kept for %llu s, ",
			(unsigned long long)(a.attributes.retention / USEC_PER_SEC));
	strbuf_printf(out, "visibility %llu s, dead letters to %s after %u\n",
		(unsigned long long)(a.attributes.visibility_timeout / USEC_PER_SEC),
		a.attributes.dead_letter_arn ? a.attributes.dead_letter_arn : "-",
		a.attributes.max_receive_count);
	sqs_codec_attributes_done(&a);
	return 0;
}

static int print_sent(
	const struct sqs_fault_answer *answer, struct strbuf *out, const char **ret_reason)
{
	_cleanup_free_ char *message_id = NULL;
	int r = sqs_codec_read_sent(answer->body, answer->body_len, &message_id, ret_reason);

	if (r == 0)
		strbuf_printf(out, "sent as %s\n", message_id);
	return r;
}

static const struct {
	const char *word;
	enum sqs_action action;
} actions[] = {
	{"receive", SQS_RECEIVE},
	{"delete", SQS_DELETE},
	{"visibility", SQS_CHANGE_VISIBILITY},
	{"attributes", SQS_GET_ATTRIBUTES},
	{"send", SQS_SEND},
};

static int print_body(enum sqs_action action, const struct sqs_codec_expected *expected,
	const struct sqs_fault_answer *answer, struct strbuf *out, const char **ret_reason)
{
	switch (action) {
	case SQS_RECEIVE:
		return print_messages(answer, expected, out, ret_reason);
	case SQS_DELETE:
	case SQS_CHANGE_VISIBILITY:
		return print_entries(answer, expected->max_messages, out, ret_reason);
	case SQS_GET_ATTRIBUTES:
		return print_attributes(answer, out, ret_reason);
	case SQS_SEND:
		return print_sent(answer, out, ret_reason);
	/* An operators' is read by who asks. */
	default:
		return -EINVAL;
	}
}

/* What it was all signed with: a service may say it back. */
static const struct credentials credentials = {
	.source = "environment",
	.secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
	.session_token = "FwoGZXIvYXdzSECRETTOKENbPxRfiCYEXAMPLE==",
};

static const char sent[] =
	",\"Entries\":[{\"Id\":\"0\",\"ReceiptHandle\":\"AQEBsecretHANDLEofTheRequest\"}]}";

static void print_answer(const char *word, const struct sqs_codec_expected *expected,
	const struct sqs_fault_answer *answer, struct strbuf *out)
{
	struct sqs_fault fault;
	const char *reason = NULL;
	size_t i = 0;

	while (strcmp(actions[i].word, word) != 0)
		i++;
	const struct sqs_action_names *names = sqs_action_names(actions[i].action);
	const struct sqs_fault_place place = {
		.action = names->name,
		.permission = names->permission,
		.key_permission = names->key_permission,
		.is_private = names->is_private,
		.sent = names->is_private ? sent : NULL,
		.host = "sqs.eu-west-1.amazonaws.com",
		.queue = "nexus-jobs-dev",
		.region = "eu-west-1",
		.credentials = &credentials,
	};
	if (answer->status != 200) {
		sqs_fault_of_answer(&place, answer, &fault);
		print_fault(out, &fault);
		return;
	}

	int r = print_body(actions[i].action, expected, answer, out, &reason);
	if (r == 0)
		return;
	ck_assert_int_eq(r, -EBADMSG);
	sqs_fault_of_shape(&place, answer, reason, &fault);
	print_fault(out, &fault);
}

START_TEST(each_answer_is_taken_as_it_says)
{
	const char *name = test_suite_case(_i);
	size_t len, body_len;
	_cleanup_free_ char *answer_file = read_file(name, "answer", &len);
	_cleanup_free_ char *said = read_file(name, "said", &len);
	_cleanup_free_ char *body = read_file(name, "body", &body_len);
	_cleanup_free_ char *action = field(answer_file, "action");
	_cleanup_free_ char *n_expected = field(answer_file, "expected");
	_cleanup_free_ char *details = field(answer_file, "details");
	_cleanup_free_ char *status = field(answer_file, "status");
	_cleanup_free_ char *type = field(answer_file, "content-type");
	_cleanup_free_ char *query_error = field(answer_file, "x-amzn-query-error");
	_cleanup_free_ char *error_type = field(answer_file, "x-amzn-errortype");
	_cleanup_strbuf_ struct strbuf got = STRBUF_INIT;
	const struct sqs_fault_answer answer = {
		.status = (unsigned)atoi(status),
		.content_type = type,
		.query_error = query_error,
		.error_type = error_type,
		.body = body,
		.body_len = body_len,
	};

	const struct sqs_codec_expected expected = {
		.max_messages = (unsigned)atoi(n_expected),
		.details = details != NULL,
		.md5 = EVP_md5(),
	};

	print_answer(action, &expected, &answer, &got);
	ck_assert_msg(strcmp(strbuf_str(&got), said) == 0, "%s says\n%sand not\n%s", name,
		strbuf_str(&got), said);
	/* Whatever comes back, a secret or handle of it is in no text. */
	ck_assert_ptr_null(strstr(strbuf_str(&got), "AQEBsecret"));
	ck_assert_ptr_null(strstr(strbuf_str(&got), "SECRETTOKEN"));
	ck_assert_ptr_null(strstr(strbuf_str(&got), "FEMI/K7MDENG+bPx"));
	ck_assert_ptr_null(strstr(strbuf_str(&got), "Signature="));
}
END_TEST

START_TEST(there_are_cases)
{
	ck_assert_int_gt(n_cases, 100);
}
END_TEST

START_TEST(an_answer_cut_anywhere_is_refused)
{
	static const char whole[] =
		"{\"Messages\":[{\"MessageId\":\"m\",\"ReceiptHandle\":\"r\",\"Body\":\"b\\u00e9\","
		"\"Attributes\":{\"SentTimestamp\":\"17\",\"ApproximateReceiveCount\":\"2\"},"
		"\"MessageAttributes\":{\"a\":{\"DataType\":\"String\",\"StringValue\":\"v\"}}}]}";
	/* With and without. */
	const struct sqs_codec_expected expected = {.max_messages = 10, .details = _i};
	struct sqs_codec_messages m;
	const char *reason = NULL;

	for (size_t len = 0; len < sizeof whole - 1; len++) {
		char *part = malloc(len ? len : 1);
		memcpy(part, whole, len);
		int r = sqs_codec_read_messages(part, len, &expected, &m, &reason);
		free(part);
		ck_assert_msg(r == -EBADMSG, "%zu bytes are taken for all", len);
		ck_assert_str_eq(reason, "JSON that ends early");
	}
	ck_assert_int_eq(
		sqs_codec_read_messages(whole, sizeof whole - 1, &expected, &m, &reason), 0);
	sqs_codec_messages_done(&m);
}
END_TEST

START_TEST(requests_are_written_as_sqs_reads_them)
{
	static const char *const handles[] = {"plain+/=", "quo\"te\\\n\x7f"};
	static const struct sqs_visibility changes[] = {
		{"plain+/=", 0}, {"other", 43195 * USEC_PER_SEC}};
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	const struct sqs_receive what = {.max_messages = 3, .wait = 0};

	ck_assert_int_eq(sqs_codec_write_receive(&b, "http://q/1/n", &what), 0);
	ck_assert_str_eq(b.data,
		"{\"QueueUrl\":\"http://q/1/n\",\"MaxNumberOfMessages\":3,\"WaitTimeSeconds\":0,"
		"\"MessageSystemAttributeNames\":[\"SentTimestamp\",\"ApproximateReceiveCount\"],"
		"\"AttributeNames\":[\"SentTimestamp\",\"ApproximateReceiveCount\"]}");

	const struct sqs_receive all = {.max_messages = 1, .details = true};
	strbuf_reset(&b);
	ck_assert_int_eq(sqs_codec_write_receive(&b, "http://q/1/n", &all), 0);
	ck_assert_str_eq(b.data,
		"{\"QueueUrl\":\"http://q/1/n\",\"MaxNumberOfMessages\":1,\"WaitTimeSeconds\":0,"
		"\"MessageAttributeNames\":[\"All\"],\"MessageSystemAttributeNames\":[\"All\"],"
		"\"AttributeNames\":[\"All\"]}");

	strbuf_reset(&b);
	ck_assert_int_eq(sqs_codec_write_delete(&b, "http://q/1/n", handles, 2), 0);
	ck_assert_str_eq(b.data, "{\"QueueUrl\":\"http://q/1/n\",\"Entries\":["
				 "{\"Id\":\"0\",\"ReceiptHandle\":\"plain+/=\"},"
				 "{\"Id\":\"1\",\"ReceiptHandle\":\"quo\\\"te\\\\\\n\x7f\"}]}");

	strbuf_reset(&b);
	ck_assert_int_eq(sqs_codec_write_visibility(&b, "http://q/1/n", changes, 2), 0);
	ck_assert_str_eq(b.data,
		"{\"QueueUrl\":\"http://q/1/n\",\"Entries\":["
		"{\"Id\":\"0\",\"ReceiptHandle\":\"plain+/=\",\"VisibilityTimeout\":0},"
		"{\"Id\":\"1\",\"ReceiptHandle\":\"other\",\"VisibilityTimeout\":43195}]}");

	strbuf_reset(&b);
	ck_assert_int_eq(sqs_codec_write_attributes(&b, "http://q/1/n"), 0);
	ck_assert_str_eq(b.data, "{\"QueueUrl\":\"http://q/1/n\",\"AttributeNames\":"
				 "[\"All\"]}");
}
END_TEST

START_TEST(a_message_is_written_as_it_is_with_its_attributes)
{
	static const struct sqs_message_attribute attributes[] = {
		{"color", "String", "bl\"ue", NULL},
		{"blob", "Binary.gif", NULL, "AQID"},
	};
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	struct sqs_send what = {
		.queue_url = "http://q/1/dead",
		.body = "{\"a\":\"\0\n\xc3\xa9\"}and more",
		.body_len = 12,
		.attributes = attributes,
		.n_attributes = 2,
	};

	ck_assert_int_eq(sqs_codec_write_send(&b, &what), 0);
	ck_assert_str_eq(b.data,
		"{\"QueueUrl\":\"http://q/1/dead\","
		"\"MessageBody\":\"{\\\"a\\\":\\\"\\u0000\\n\xc3\xa9\\\"}\","
		"\"MessageAttributes\":{"
		"\"color\":{\"DataType\":\"String\",\"StringValue\":\"bl\\\"ue\"},"
		"\"blob\":{\"DataType\":\"Binary.gif\",\"BinaryValue\":\"AQID\"}}}");

	what.n_attributes = 0;
	what.body_len = 1;
	strbuf_reset(&b);
	ck_assert_int_eq(sqs_codec_write_send(&b, &what), 0);
	ck_assert_str_eq(b.data, "{\"QueueUrl\":\"http://q/1/dead\",\"MessageBody\":\"{\"}");
}
END_TEST

START_TEST(a_request_past_its_ceiling_is_an_error)
{
	_cleanup_strbuf_ struct strbuf b;
	const struct sqs_receive what = {.max_messages = 3, .wait = 0};

	strbuf_init(&b, 50);
	ck_assert_int_eq(sqs_codec_write_receive(&b, "http://q/1/n", &what), -ENOBUFS);
}
END_TEST

START_TEST(every_result_has_a_name_of_its_own)
{
	for (int i = SQS_OK; i <= SQS_GARBLED; i++)
		for (int j = SQS_OK; j < i; j++)
			ck_assert_str_ne(sqs_result_name(i), sqs_result_name(j));
}
END_TEST

START_TEST(what_http_could_not_read_is_garbled_and_all_else_unreachable)
{
	const struct sqs_fault_place place = {.action = "ReceiveMessage", .host = "h"};
	struct sqs_fault fault;

	sqs_fault_of_transport(&place, -EMSGSIZE, "the answer is larger than expected", &fault);
	ck_assert_int_eq(fault.result, SQS_GARBLED);
	ck_assert_str_eq(fault.text, "no answer of SQS's from h: the answer is "
				     "larger than expected");
	sqs_fault_of_transport(&place, -EBADMSG, "x", &fault);
	ck_assert_int_eq(fault.result, SQS_GARBLED);
	sqs_fault_of_transport(&place, -ETIMEDOUT, "no answer in time", &fault);
	ck_assert_int_eq(fault.result, SQS_UNREACHABLE);
	ck_assert_str_eq(fault.text, "no answer from h: no answer in time");
	ck_assert_str_eq(fault.code, "");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("sqs_codec");
	TCase *c = tcase_create("sqs_codec");

	n_cases = test_suite_find_cases(DATA);
	tcase_add_test(c, there_are_cases);
	tcase_add_loop_test(c, each_answer_is_taken_as_it_says, 0, n_cases);
	tcase_add_loop_test(c, an_answer_cut_anywhere_is_refused, 0, 2);
	tcase_add_test(c, requests_are_written_as_sqs_reads_them);
	tcase_add_test(c, a_message_is_written_as_it_is_with_its_attributes);
	tcase_add_test(c, a_request_past_its_ceiling_is_an_error);
	tcase_add_test(c, every_result_has_a_name_of_its_own);
	tcase_add_test(c, what_http_could_not_read_is_garbled_and_all_else_unreachable);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return test_suite_run(suite());
}

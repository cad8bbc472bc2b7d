#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/test_suite.h"
#include "base/strbuf.h"
#include "handler/sqsd_request.h"

static struct envelope_attribute system_attributes[] = {
	{"SenderId", "AIDAEXAMPLE"},
	{"ApproximateFirstReceiveTimestamp", "1767323045999"},
	{"ApproximateReceiveCount", "2"},
	{"SentTimestamp", "1767323040000"},
	{"MessageGroupId", "tenant"},
};

static struct envelope_message_attribute attributes[SQS_MESSAGE_ATTRIBUTES_MAX];

static struct envelope envelope;
static struct sqsd_request request;
static char text[SQSD_REQUEST_TEXT_MAX];

static void setup(void)
{
	envelope = (struct envelope){
		.message_id = "5fea7756-0ea4-451a-a703-a558b933e274",
		.receipt_handle = "AQEB-never-sent",
		.queue_name = "jobs",
		.queue_arn = "arn:aws:sqs:eu-west-1:123456789012:jobs",
		.region = "eu-west-1",
		.attributes = system_attributes,
		.n_attributes = N_OF(system_attributes),
		.message_attributes = attributes,
	};
	text[0] = '\0';
}

static void give(const char *name, const char *type, const char *value)
{
	attributes[envelope.n_message_attributes++] =
		(struct envelope_message_attribute){name, type, value, NULL};
}

/* All headers, a line each. */
static void assert_headers(const char *expected)
{
	_cleanup_strbuf_ struct strbuf got = STRBUF_INIT;

	ck_assert_msg(sqsd_request_build(&request, &envelope, text) == 0, "%s", text);
	for (size_t i = 0; i < request.n_headers; i++)
		strbuf_printf(&got, "%s: %s\n", request.headers[i].name, request.headers[i].value);
	ck_assert_str_eq(strbuf_str(&got), expected);
}

#define ALWAYS                                                                                     \
	"Content-Type: application/json\n"                                                         \
	"X-Aws-Sqsd-Msgid: 5fea7756-0ea4-451a-a703-a558b933e274\n"                                 \
	"X-Aws-Sqsd-Queue: jobs\n"                                                                 \
	"X-Aws-Sqsd-First-Received-At: 2026-01-02T03:04:05Z\n"                                     \
	"X-Aws-Sqsd-Receive-Count: 2\n"                                                            \
	"X-Aws-Sqsd-Sent-At: 2026-01-02T03:04:00Z\n"                                               \
	"X-Aws-Sqsd-Sender-Id: AIDAEXAMPLE\n"

START_TEST(what_sqs_says_of_a_message_is_in_headers)
{
	assert_headers(ALWAYS);
	ck_assert_ptr_null(request.path);
}
END_TEST

START_TEST(texts_and_numbers_of_the_sender_are_copied)
{
	give("color", "String", "blue");
	give("count", "Number", "3");
	give("ratio", "Number.float", "0.5");
	give("link", "String.url", "https://example.com/?a=b");
	give("Name.with-all_9", "String", "gr\xc3\xbc\xc3\x9f\tGott");
	assert_headers(ALWAYS "X-Aws-Sqsd-Attr-color: blue\n"
			      "X-Aws-Sqsd-Attr-count: 3\n"
			      "X-Aws-Sqsd-Attr-ratio: 0.5\n"
			      "X-Aws-Sqsd-Attr-link: https://example.com/?a=b\n"
			      "X-Aws-Sqsd-Attr-Name.with-all_9: gr\xc3\xbc\xc3\x9f\tGott\n");
}
END_TEST

START_TEST(binary_attributes_are_left_out)
{
	attributes[envelope.n_message_attributes++] =
		(struct envelope_message_attribute){"blob", "Binary", NULL, "AQID"};
	attributes[envelope.n_message_attributes++] =
		(struct envelope_message_attribute){"odd", "Binary.png", "text", NULL};
	give("other", "Stringent", "x");
	give("none", "String", NULL);
	assert_headers(ALWAYS);
}
END_TEST

START_TEST(attributes_of_sqsds_own_have_headers_of_their_own)
{
	give("beanstalk.sqsd.path", "String", "/tasks/clean-up");
	give("beanstalk.sqsd.task_name", "String", "clean-up");
	give("beanstalk.sqsd.scheduled_time", "String", "2026-01-02 03:04:00 UTC");
	give("beanstalk.sqsd.else", "String", "x");
	give("beanstalk.sqsdelse", "String", "x");
	assert_headers(ALWAYS "X-Aws-Sqsd-Path: /tasks/clean-up\n"
			      "X-Aws-Sqsd-Taskname: clean-up\n"
			      "X-Aws-Sqsd-Scheduled-At: 2026-01-02T03:04:00Z\n");
	ck_assert_str_eq(request.path, "/tasks/clean-up");
}
END_TEST

START_TEST(a_schedule_that_is_written_otherwise_stays_as_it_is)
{
	give("beanstalk.sqsd.scheduled_time", "String", "2026-01-02T03:04:00Z");
	assert_headers(ALWAYS "X-Aws-Sqsd-Scheduled-At: 2026-01-02T03:04:00Z\n");
	envelope.n_message_attributes = 0;
	give("beanstalk.sqsd.scheduled_time", "String", "2026-01-02 03:04:00 UTC, or so");
	assert_headers(ALWAYS "X-Aws-Sqsd-Scheduled-At: 2026-01-02 03:04:00 UTC, or so\n");
}
END_TEST

START_TEST(of_names_that_are_one_header_the_first_counts)
{
	give("color", "String", "blue");
	give("Color", "String", "red");
	give("colors", "String", "both");
	assert_headers(ALWAYS "X-Aws-Sqsd-Attr-color: blue\nX-Aws-Sqsd-Attr-colors: both\n");
}
END_TEST

static const char *const no_moments[] = {"yesterday", "-1", "", "1767323040000x", " 1"};

START_TEST(what_is_not_known_is_left_out)
{
	struct envelope_attribute odd[] = {
		{"ApproximateReceiveCount", "1"},
		{"SentTimestamp", no_moments[_i]},
	};

	envelope.attributes = odd;
	envelope.n_attributes = 2;
	assert_headers("Content-Type: application/json\n"
		       "X-Aws-Sqsd-Msgid: 5fea7756-0ea4-451a-a703-a558b933e274\n"
		       "X-Aws-Sqsd-Queue: jobs\n"
		       "X-Aws-Sqsd-Receive-Count: 1\n");
}
END_TEST

START_TEST(as_many_as_there_may_be_find_room)
{
	char names[SQS_MESSAGE_ATTRIBUTES_MAX - 3][SQSD_ATTRIBUTE_NAME_MAX + 1];

	give("beanstalk.sqsd.path", "String", "/");
	give("beanstalk.sqsd.task_name", "String", "t");
	give("beanstalk.sqsd.scheduled_time", "String", "2026-01-02 03:04:00 UTC");
	for (size_t i = 0; i < SQS_MESSAGE_ATTRIBUTES_MAX - 3; i++) {
		memset(names[i], 'a' + (int)i, SQSD_ATTRIBUTE_NAME_MAX);
		names[i][SQSD_ATTRIBUTE_NAME_MAX] = '\0';
		give(names[i], "String", "v");
	}
	ck_assert_int_eq(sqsd_request_build(&request, &envelope, text), 0);
	ck_assert_uint_eq(request.n_headers, 10 + SQS_MESSAGE_ATTRIBUTES_MAX - 3);
	for (size_t i = 0; i < SQS_MESSAGE_ATTRIBUTES_MAX - 3; i++)
		ck_assert_str_eq(
			request.headers[10 + i].name + strlen("X-Aws-Sqsd-Attr-"), names[i]);
}
END_TEST

/* ---- What would be something else on the wire ---- */

static const char *const injections[] = {
	"a\r\nX-Evil: 1",
	"a\nb",
	"a\rb",
	"\x01",
	"a\x1f",
	"a\x7f",
	"a\x1b[31m",
	"\x08",
	"\xc2\x85",
	"gut\xc2\x80",
	"\n",
};

START_TEST(a_value_that_holds_a_control_character_is_refused)
{
	give("color", "String", injections[_i]);
	ck_assert_int_eq(sqsd_request_build(&request, &envelope, text), -EINVAL);
	ck_assert_str_eq(text, "its message is not sent: X-Aws-Sqsd-Attr-color would hold a "
			       "control character");
}
END_TEST

START_TEST(so_is_one_of_sqsds_own)
{
	static const struct {
		const char *name;
		const char *text;
	} own[] = {
		{"path", "its message is not sent: its attribute beanstalk.sqsd.path is no path "
			 "that begins with /"},
		{"task_name", "its message is not sent: X-Aws-Sqsd-Taskname would hold a control "
			      "character"},
		{"scheduled_time", "its message is not sent: X-Aws-Sqsd-Scheduled-At would hold a "
				   "control character"},
	};
	char name[64], value[32];

	for (size_t i = 0; i < N_OF(own); i++) {
		snprintf(name, sizeof name, "beanstalk.sqsd.%s", own[i].name);
		snprintf(value, sizeof value, "/%s", injections[_i]);
		envelope.n_message_attributes = 0;
		give(name, "String", value);
		ck_assert_int_eq(sqsd_request_build(&request, &envelope, text), -EINVAL);
		ck_assert_str_eq(text, own[i].text);
	}
}
END_TEST

START_TEST(so_is_one_of_the_systems)
{
	struct envelope_attribute sender = {"SenderId", "AIDA\r\nX-Evil: 1"};

	envelope.attributes = &sender;
	envelope.n_attributes = 1;
	ck_assert_int_eq(sqsd_request_build(&request, &envelope, text), -EINVAL);
	ck_assert_str_eq(text, "its message is not sent: X-Aws-Sqsd-Sender-Id would hold a control "
			       "character");
}
END_TEST

static const char *const bad_names[] = {
	"", "a b", "a:b", "a\r\nX-Evil", "a\tb", "gr\xc3\xbc\xc3\x9f", "a/b", "a(b"};

START_TEST(a_name_that_is_none_of_sqs_is_refused)
{
	give(bad_names[_i], "String", "v");
	ck_assert_int_eq(sqsd_request_build(&request, &envelope, text), -EINVAL);
	ck_assert_ptr_nonnull(strstr(text, "an attribute's name has other characters"));
	ck_assert_ptr_null(strpbrk(text, "\r\n"));
}
END_TEST

START_TEST(a_name_that_is_too_long_is_refused)
{
	char name[SQSD_ATTRIBUTE_NAME_MAX + 2];

	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	give(name, "String", "v");
	ck_assert_int_eq(sqsd_request_build(&request, &envelope, text), -EINVAL);
}
END_TEST

static const char *const bad_paths[] = {
	"", "tasks", "http://elsewhere/", "@elsewhere/", ":81/", " /", "/a b", "/a\tb", "\\x"};

START_TEST(a_path_that_is_none_is_refused)
{
	give("beanstalk.sqsd.path", "String", bad_paths[_i]);
	ck_assert_int_eq(sqsd_request_build(&request, &envelope, text), -EINVAL);
	ck_assert_str_eq(text, "its message is not sent: its attribute beanstalk.sqsd.path is no "
			       "path that begins with /");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sqsd_request");
	TCase *c = tcase_create("headers");

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, what_sqs_says_of_a_message_is_in_headers);
	tcase_add_test(c, texts_and_numbers_of_the_sender_are_copied);
	tcase_add_test(c, binary_attributes_are_left_out);
	tcase_add_test(c, attributes_of_sqsds_own_have_headers_of_their_own);
	tcase_add_test(c, a_schedule_that_is_written_otherwise_stays_as_it_is);
	tcase_add_test(c, of_names_that_are_one_header_the_first_counts);
	tcase_add_loop_test(c, what_is_not_known_is_left_out, 0, N_OF(no_moments));
	tcase_add_test(c, as_many_as_there_may_be_find_room);
	tcase_add_loop_test(
		c, a_value_that_holds_a_control_character_is_refused, 0, N_OF(injections));
	tcase_add_loop_test(c, so_is_one_of_sqsds_own, 0, N_OF(injections));
	tcase_add_test(c, so_is_one_of_the_systems);
	tcase_add_loop_test(c, a_name_that_is_none_of_sqs_is_refused, 0, N_OF(bad_names));
	tcase_add_test(c, a_name_that_is_too_long_is_refused);
	tcase_add_loop_test(c, a_path_that_is_none_is_refused, 0, N_OF(bad_paths));
	suite_add_tcase(suite, c);
	return test_suite_run(suite);
}

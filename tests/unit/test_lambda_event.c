/*
 * Events as AWS Lambda hands them out; expected ones are written down as AWS shows them
 * (docs.aws.amazon.com/lambda/latest/dg/with-sqs.html).
 */
#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "../support/test_job.h"
#include "../support/test_suite.h"
#include "handler/lambda_event.h"
#include "job/envelope.h"

static struct job *job;
static struct strbuf out;

static void setup(void)
{
	strbuf_init(&out, 8u << 20);
}

static void teardown(void)
{
	strbuf_done(&out);
	job = test_job_free(job);
}

/* What every message has. */
static struct envelope bare(void)
{
	return (struct envelope){
		.message_id = "059f36b4-87a3-44ab-83d2-661975830a7d",
		.receipt_handle = "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a...",
		.queue_name = "my-queue",
		.queue_arn = "arn:aws:sqs:us-east-2:123456789012:my-queue",
		.region = "us-east-2",
	};
}

static void make(const struct envelope *envelope, const char *body)
{
	job = test_job_new("j1", "resize", body);
	job->body_len = strlen(body);
	ck_assert_int_eq(envelope_new(envelope, &job->envelope), 0);
}

static const char *write_event(void)
{
	ck_assert_int_eq(lambda_event_write(&out, job), 0);
	return strbuf_str(&out);
}

/* What a JSON reader takes for the body. */
static json_t *body_of(const char *text, size_t len)
{
	json_error_t error;
	json_t *event = json_loadb(text, len, JSON_ALLOW_NUL, &error);

	ck_assert_msg(event != NULL, "%s", error.text);
	json_t *body = json_incref(
		json_object_get(json_array_get(json_object_get(event, "Records"), 0), "body"));
	json_decref(event);
	return body;
}

START_TEST(the_example_of_the_documentation_is_written_to_the_letter)
{
	struct envelope_attribute attributes[] = {
		{"ApproximateReceiveCount", "1"},
		{"SentTimestamp", "1545082649183"},
		{"SenderId", "AIDAIENQZJOLO23YVJ4VO"},
		{"ApproximateFirstReceiveTimestamp", "1545082649185"},
	};
	struct envelope_message_attribute given = {"myAttribute", "String", "myValue", NULL};
	struct envelope envelope = bare();

	envelope.md5_of_body = "e4e68fb7bd0e697a0ae8f1bb342846b3";
	envelope.md5_of_attributes = "00484c68a8e5d6f5dd4a0a0a4e5bbd0b";
	envelope.attributes = attributes;
	envelope.n_attributes = 4;
	envelope.message_attributes = &given;
	envelope.n_message_attributes = 1;
	make(&envelope, "Test message.");
	ck_assert_str_eq(write_event(),
		"{\"Records\":[{\"messageId\":\"059f36b4-87a3-44ab-83d2-661975830a7d\","
		"\"receiptHandle\":\"AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a...\","
		"\"body\":\"Test message.\","
		"\"attributes\":{\"ApproximateReceiveCount\":\"1\","
		"\"SentTimestamp\":\"1545082649183\",\"SenderId\":\"AIDAIENQZJOLO23YVJ4VO\","
		"\"ApproximateFirstReceiveTimestamp\":\"1545082649185\"},"
		"\"messageAttributes\":{\"myAttribute\":{\"stringValue\":\"myValue\","
		"\"stringListValues\":[],\"binaryListValues\":[],\"dataType\":\"String\"}},"
		"\"md5OfMessageAttributes\":\"00484c68a8e5d6f5dd4a0a0a4e5bbd0b\","
		"\"md5OfBody\":\"e4e68fb7bd0e697a0ae8f1bb342846b3\","
		"\"eventSource\":\"aws:sqs\","
		"\"eventSourceARN\":\"arn:aws:sqs:us-east-2:123456789012:my-queue\","
		"\"awsRegion\":\"us-east-2\"}]}");
}
END_TEST

START_TEST(what_is_not_there_is_an_empty_object_or_is_left_out)
{
	const struct envelope envelope = bare();

	make(&envelope, "");
	ck_assert_str_eq(write_event(),
		"{\"Records\":[{\"messageId\":\"059f36b4-87a3-44ab-83d2-661975830a7d\","
		"\"receiptHandle\":\"AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a...\",\"body\":\"\","
		"\"attributes\":{},\"messageAttributes\":{},\"eventSource\":\"aws:sqs\","
		"\"eventSourceARN\":\"arn:aws:sqs:us-east-2:123456789012:my-queue\","
		"\"awsRegion\":\"us-east-2\"}]}");
}
END_TEST

START_TEST(attributes_of_all_kinds_stand_beside_each_other)
{
	struct envelope_message_attribute given[] = {
		{"n", "Number.int", "-1.50", NULL},
		{"pic", "Binary.png", NULL, "AAH/"},
		{"empty", "String", "", NULL},
	};
	struct envelope envelope = bare();

	envelope.message_attributes = given;
	envelope.n_message_attributes = 3;
	make(&envelope, "x");
	ck_assert_ptr_nonnull(strstr(write_event(),
		"\"messageAttributes\":{"
		"\"n\":{\"stringValue\":\"-1.50\",\"stringListValues\":[],\"binaryListValues\":[],"
		"\"dataType\":\"Number.int\"},"
		"\"pic\":{\"binaryValue\":\"AAH/\",\"stringListValues\":[],\"binaryListValues\":[],"
		"\"dataType\":\"Binary.png\"},"
		"\"empty\":{\"stringValue\":\"\",\"stringListValues\":[],\"binaryListValues\":[],"
		"\"dataType\":\"String\"}},\"eventSource\""));
}
END_TEST

START_TEST(what_json_keeps_for_itself_is_escaped_wherever_it_stands)
{
	struct envelope_attribute attribute = {"MessageGroupId", "a\"b\\c"};
	struct envelope_message_attribute given = {"na\"me", "Str\ting", "one\ntwo", NULL};
	struct envelope envelope = bare();

	envelope.attributes = &attribute;
	envelope.n_attributes = 1;
	envelope.message_attributes = &given;
	envelope.n_message_attributes = 1;
	make(&envelope, "{\"a\":\"\\n\"}\r\n\t\x01\x1f\x7f/");
	const char *event = write_event();
	ck_assert_ptr_nonnull(strstr(
		event, "\"body\":\"{\\\"a\\\":\\\"\\\\n\\\"}\\r\\n\\t\\u0001\\u001f\x7f/\","));
	ck_assert_ptr_nonnull(strstr(event, "{\"MessageGroupId\":\"a\\\"b\\\\c\"}"));
	ck_assert_ptr_nonnull(strstr(event, "{\"na\\\"me\":{\"stringValue\":\"one\\ntwo\","));
	ck_assert_ptr_nonnull(strstr(event, "\"dataType\":\"Str\\ting\"}"));
}
END_TEST

START_TEST(text_beyond_ascii_stays_as_it_is)
{
	const struct envelope envelope = bare();

	make(&envelope, "größe \U0001f600 \u2028");
	ck_assert_ptr_nonnull(strstr(write_event(), "\"body\":\"größe \U0001f600 \u2028\","));
}
END_TEST

START_TEST(a_body_with_every_byte_below_a_blank_is_read_back_whole)
{
	const struct envelope envelope = bare();
	char bytes[33];

	make(&envelope, "0123456789abcdef0123456789abcdef");
	for (size_t i = 0; i < 32; i++)
		bytes[i] = job->body[i] = (char)i;
	write_event();
	json_t *body = body_of(out.data, out.len);
	ck_assert_uint_eq(json_string_length(body), 32);
	ck_assert_mem_eq(json_string_value(body), bytes, 32);
	json_decref(body);
}
END_TEST

START_TEST(the_largest_body_fits_though_all_of_it_is_escaped)
{
	const size_t len = 1u << 20;
	const struct envelope envelope = bare();
	char *text = malloc(len + 1);

	ck_assert_ptr_nonnull(text);
	memset(text, '\x01', len);
	text[len] = '\0';
	make(&envelope, text);
	write_event();
	json_t *body = body_of(out.data, out.len);
	ck_assert_uint_eq(json_string_length(body), len);
	ck_assert_mem_eq(json_string_value(body), text, len);
	json_decref(body);
	free(text);
}
END_TEST

START_TEST(past_the_ceiling_is_an_error)
{
	const struct envelope envelope = bare();
	struct strbuf small;

	strbuf_init(&small, 100);
	make(&envelope, "x");
	ck_assert_int_eq(lambda_event_write(&small, job), -ENOBUFS);
	strbuf_done(&small);
}
END_TEST

static const char *trace_id_of(const char *value)
{
	struct envelope_attribute attribute = {"AWSTraceHeader", value};
	struct envelope envelope = bare();

	job = test_job_free(job);
	envelope.attributes = &attribute;
	envelope.n_attributes = value ? 1 : 0;
	make(&envelope, "{}");
	return lambda_event_trace_id(job->envelope);
}

START_TEST(a_trace_is_passed_on_unless_no_header_should_hold_it)
{
	static const char usual[] = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1";
	char large[1026];

	memset(large, 'a', sizeof large - 1);
	large[1025] = '\0';
	ck_assert_str_eq(trace_id_of(usual), usual);
	ck_assert_ptr_null(trace_id_of(NULL));
	ck_assert_ptr_null(trace_id_of("Root=1\r\nX-Other: 1"));
	ck_assert_ptr_null(trace_id_of("Root=\001"));
	ck_assert_ptr_null(trace_id_of("Root=\xc3\xbc"));
	ck_assert_ptr_null(trace_id_of(large));
	large[1024] = '\0';
	ck_assert_str_eq(trace_id_of(large), large);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lambda_event");
	TCase *tcase = tcase_create("lambda_event");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, the_example_of_the_documentation_is_written_to_the_letter);
	tcase_add_test(tcase, what_is_not_there_is_an_empty_object_or_is_left_out);
	tcase_add_test(tcase, attributes_of_all_kinds_stand_beside_each_other);
	tcase_add_test(tcase, what_json_keeps_for_itself_is_escaped_wherever_it_stands);
	tcase_add_test(tcase, text_beyond_ascii_stays_as_it_is);
	tcase_add_test(tcase, a_body_with_every_byte_below_a_blank_is_read_back_whole);
	tcase_add_test(tcase, the_largest_body_fits_though_all_of_it_is_escaped);
	tcase_add_test(tcase, past_the_ceiling_is_an_error);
	tcase_add_test(tcase, a_trace_is_passed_on_unless_no_header_should_hold_it);
	suite_add_tcase(suite, tcase);
	return test_suite_run(suite);
}

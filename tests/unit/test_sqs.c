#include <check.h>
#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "../support/test_environment.h"
#include "../support/test_server.h"
#include "../support/test_suite.h"
#include "aws/sigv4.h"
#include "aws/sqs.h"

#define QUEUE_URL "https://sqs.eu-west-1.amazonaws.com/123456789012/nexus-jobs-dev"
#define OTHER_URL "https://sqs.eu-west-1.amazonaws.com/123456789012/nexus-dead"
#define JSON      "application/x-amz-json-1.0"
#define KEY       "AKIDEXAMPLE"
#define SECRET    "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

/* What the server answers, and what it was asked last; set while it has nothing to do. */
static unsigned status;
static char content_type[64];
static char extra_headers[256];
static char answer_body[4096];
static char asked_head[4096];
static char asked_body[16384];

static sd_event *event;
static struct http *http;
static struct imds *imds;
static struct credential_store *store;
static struct skew skew;
static struct sqs *sqs;
static struct test_server *server;

static enum test_then answer(void *userdata, const struct test_request *request, struct strbuf *out)
{
	(void)userdata;
	snprintf(asked_head, sizeof asked_head, "%s", request->head);
	snprintf(asked_body, sizeof asked_body, "%s", request->body);
	if (status == 0)
		return TEST_KEEP;
	strbuf_printf(out,
		"HTTP/1.1 %u Said\r\nContent-Type: %s\r\n%sContent-Length: %zu\r\n\r\n%s", status,
		content_type, extra_headers, strlen(answer_body), answer_body);
	return TEST_KEEP;
}

static void will_answer(unsigned with_status, const char *body)
{
	status = with_status;
	snprintf(content_type, sizeof content_type, JSON);
	snprintf(answer_body, sizeof answer_body, "%s", body);
}

static void use_credentials(const char *key, const char *secret, const char *session)
{
	test_environment_set("AWS_ACCESS_KEY_ID", key);
	test_environment_set("AWS_SECRET_ACCESS_KEY", secret);
	test_environment_set("AWS_SESSION_TOKEN", session);
}

static void setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(curl_global_init(CURL_GLOBAL_DEFAULT), 0);
	ck_assert_int_ge(sd_event_new(&event), 0);
	server = test_server_new(TEST_PLAIN, answer, NULL);
	use_credentials(KEY, SECRET, "");
	test_environment_set("AWS_EC2_METADATA_DISABLED", "true");
	/* No shared files either: what is there is nobody's business. */
	test_environment_set("HOME", "/nonexistent");
	extra_headers[0] = '\0';

	const struct http_options http_options = {.user_agent = "nexus-worker/test"};
	const struct sqs_options sqs_options = {
		.queue_url = QUEUE_URL,
		.endpoint = test_server_url(server),
		.region = "eu-west-1",
	};
	ck_assert_int_eq(http_new(event, &http_options, &http), 0);
	ck_assert_int_eq(imds_new(http, test_environment_get, &imds), 0);
	const struct credential_store_options store_options = {
		.means = {.getenv = test_environment_get, .http = http, .imds = imds},
	};
	ck_assert_int_eq(credential_store_new(&store_options, &store), 0);
	ck_assert_int_eq(sqs_new(http, store, &skew, &sqs_options, &sqs), 0);
}

static void teardown(void)
{
	sqs = sqs_free(sqs);
	store = credential_store_free(store);
	imds = imds_free(imds);
	http = http_free(http);
	server = test_server_free(server);
	event = sd_event_unref(event);
	curl_global_cleanup();
}

/* What the callback saw; texts are copied, for they are only borrowed. */
static struct {
	unsigned n_callbacks;
	enum sqs_result result;
	char text[400];
	char code[128];
	usec_t sent_at;
	usec_t first_byte_at;
	size_t n;
	char entries[1024];
	struct sqs_queue_attributes attributes;
	char dead_letter_arn[256];
} seen;

static void note_answer(const struct sqs_answer *a, size_t n)
{
	seen.n_callbacks++;
	seen.result = a->result;
	snprintf(seen.text, sizeof seen.text, "%s", a->text);
	snprintf(seen.code, sizeof seen.code, "%s", a->code);
	seen.sent_at = a->sent_at;
	seen.first_byte_at = a->first_byte_at;
	seen.n = n;
	seen.entries[0] = '\0';
}

__attribute__((format(printf, 1, 2))) static void note_entry(const char *format, ...)
{
	size_t len = strlen(seen.entries);
	va_list args;

	va_start(args, format);
	vsnprintf(seen.entries + len, sizeof seen.entries - len, format, args);
	va_end(args);
}

static void on_messages(void *userdata, const struct sqs_answer *a,
	const struct sqs_message *messages, size_t n_messages)
{
	(void)userdata;
	note_answer(a, n_messages);
	for (size_t i = 0; i < n_messages; i++)
		note_entry("%s %s %s %u %llu%s%s\n", messages[i].message_id,
			messages[i].receipt_handle, messages[i].body, messages[i].receive_count,
			(unsigned long long)messages[i].sent_at,
			messages[i].details ? " from " : "",
			messages[i].details ? messages[i].details->attributes[0].value : "");
}

static void on_entries(void *userdata, const struct sqs_answer *a,
	const struct sqs_entry_answer *entries, size_t n_entries)
{
	(void)userdata;
	note_answer(a, n_entries);
	for (size_t i = 0; i < n_entries; i++)
		note_entry("%s %s\n", sqs_result_name(entries[i].result), entries[i].text);
}

static void on_attributes(
	void *userdata, const struct sqs_answer *a, const struct sqs_queue_attributes *attributes)
{
	(void)userdata;
	note_answer(a, attributes ? 1 : 0);
	if (!attributes)
		return;
	seen.attributes = *attributes;
	snprintf(seen.dead_letter_arn, sizeof seen.dead_letter_arn, "%s",
		attributes->dead_letter_arn ? attributes->dead_letter_arn : "-");
}

static void on_sent(void *userdata, const struct sqs_answer *a, const char *message_id)
{
	(void)userdata;
	note_answer(a, message_id ? 1 : 0);
	note_entry("%s", message_id ? message_id : "-");
}

static void await(unsigned n_callbacks)
{
	while (seen.n_callbacks < n_callbacks) {
		int r = sd_event_run(event, 10 * USEC_PER_SEC);
		ck_assert_msg(r > 0, "nothing happened for 10 s");
	}
}

static const struct sqs_receive poll_ten = {.max_messages = 10, .wait = 20 * USEC_PER_SEC};
static const char *const two_handles[] = {"AQEB\"one+/=", "AQEBtwo"};
static const struct sqs_delete delete_two = {.handles = two_handles, .n_handles = 2};

static void receive(void)
{
	unsigned n = seen.n_callbacks;

	ck_assert_int_eq(sqs_receive(sqs, &poll_ten, on_messages, NULL, NULL), 0);
	ck_assert_uint_eq(seen.n_callbacks, n);
	await(n + 1);
}

/* Of the last request. */
static const char *header(const char *name)
{
	return test_request_header(asked_head, name);
}

/* Signs what arrived on the wire once more and compares. */
static void assert_signed(const char *key, const char *secret, const char *session)
{
	_cleanup_(sigv4_freep) struct sigv4 *s = NULL;
	char date[32], host[64], target[64];

	snprintf(date, sizeof date, "%s", header("X-Amz-Date"));
	snprintf(host, sizeof host, "%s", header("Host"));
	snprintf(target, sizeof target, "%s", header("X-Amz-Target"));
	ck_assert_str_eq(header("Content-Type"), JSON);
	ck_assert_str_eq(header("x-amzn-query-mode"), "true");
	const struct sigv4_header headers[] = {
		{"content-type", JSON},
		{"host", host},
		{"x-amz-target", target},
		{"x-amzn-query-mode", "true"},
	};
	const struct sigv4_request request = {
		.method = "POST",
		.path = "/",
		.headers = headers,
		.n_headers = 4,
		.body = asked_body,
		.body_len = strlen(asked_body),
	};
	const struct sigv4_keys keys = {key, secret, session};
	struct sigv4_signed want;

	ck_assert_int_eq(sigv4_new(&s), 0);
	ck_assert_int_eq(sigv4_sign(s, &keys, &(struct sigv4_scope){date, "eu-west-1", "sqs"},
				 &request, &want),
		0);
	for (size_t i = 0; i < want.n_headers; i++)
		ck_assert_str_eq(header(want.headers[i].name), want.headers[i].value);
}

START_TEST(a_receive_is_signed_and_its_messages_arrive)
{
	usec_t before = clock_boottime();

	will_answer(200, "{\"Messages\":[{\"MessageId\":\"m-1\",\"ReceiptHandle\":\"AQEB1\","
			 "\"MD5OfBody\":\"5d41402abc4b2a76b9719d911017c592\",\"Body\":\"hello\","
			 "\"Attributes\":{\"SentTimestamp\":\"1700000000123\","
			 "\"ApproximateReceiveCount\":\"2\"}}]}");
	receive();
	ck_assert_int_eq(seen.result, SQS_OK);
	ck_assert_str_eq(seen.text, "");
	ck_assert_str_eq(seen.entries, "m-1 AQEB1 hello 2 1700000000123000\n");
	ck_assert_uint_ge(seen.sent_at, before);
	ck_assert_uint_ge(seen.first_byte_at, seen.sent_at);

	ck_assert_str_eq(asked_body,
		"{\"QueueUrl\":\"" QUEUE_URL "\",\"MaxNumberOfMessages\":10,\"WaitTimeSeconds\":20,"
		"\"MessageSystemAttributeNames\":[\"SentTimestamp\",\"ApproximateReceiveCount\"],"
		"\"AttributeNames\":[\"SentTimestamp\",\"ApproximateReceiveCount\"]}");
	ck_assert_str_eq(header("X-Amz-Target"), "AmazonSQS.ReceiveMessage");
	ck_assert_str_eq(header("User-Agent"), "nexus-worker/test");
	ck_assert_ptr_null(header("X-Amz-Security-Token"));
	assert_signed(KEY, SECRET, NULL);
}
END_TEST

START_TEST(a_session_token_is_sent_and_signed)
{
	use_credentials("ASIAEXAMPLE", "secret", "AQoDYXdzEXAMPLETOKEN==");
	will_answer(200, "{}");
	receive();
	ck_assert_int_eq(seen.result, SQS_OK);
	ck_assert_uint_eq(seen.n, 0);
	ck_assert_str_eq(header("X-Amz-Security-Token"), "AQoDYXdzEXAMPLETOKEN==");
	assert_signed("ASIAEXAMPLE", "secret", "AQoDYXdzEXAMPLETOKEN==");
}
END_TEST

START_TEST(a_visibility_timeout_is_asked_for_when_given)
{
	struct sqs_receive what = poll_ten;

	what.visibility_timeout = 45 * USEC_PER_SEC;
	will_answer(200, "{}");
	ck_assert_int_eq(sqs_receive(sqs, &what, on_messages, NULL, NULL), 0);
	await(1);
	ck_assert_ptr_nonnull(strstr(asked_body, ",\"VisibilityTimeout\":45,"));
}
END_TEST

START_TEST(details_are_asked_for_when_wanted)
{
	struct sqs_receive what = poll_ten;

	what.details = true;
	will_answer(200, "{\"Messages\":[{\"MessageId\":\"m-1\",\"ReceiptHandle\":\"AQEB1\","
			 "\"Body\":\"hello\",\"Attributes\":{\"SenderId\":\"AIDAEXAMPLE\"}}]}");
	ck_assert_int_eq(sqs_receive(sqs, &what, on_messages, NULL, NULL), 0);
	await(1);
	ck_assert_str_eq(seen.entries, "m-1 AQEB1 hello 0 0 from AIDAEXAMPLE\n");
	ck_assert_ptr_nonnull(strstr(asked_body, ",\"MessageAttributeNames\":[\"All\"],"));
}
END_TEST

START_TEST(the_queue_is_known_by_its_url_and_region)
{
	struct sqs_queue queue;

	sqs_get_queue(sqs, &queue);
	ck_assert_str_eq(queue.name, "nexus-jobs-dev");
	ck_assert_str_eq(queue.arn, "arn:aws:sqs:eu-west-1:123456789012:nexus-jobs-dev");
	ck_assert_str_eq(queue.region, "eu-west-1");
	ck_assert_int_eq(sqs_set_region(sqs, "cn-north-1"), 0);
	sqs_get_queue(sqs, &queue);
	ck_assert_str_eq(queue.arn, "arn:aws-cn:sqs:cn-north-1:123456789012:nexus-jobs-dev");
	ck_assert_str_eq(queue.region, "cn-north-1");
}
END_TEST

START_TEST(a_delete_reports_each_entry_by_its_id)
{
	will_answer(200, "{\"Successful\":[{\"Id\":\"1\"}],\"Failed\":[{\"Id\":\"0\","
			 "\"SenderFault\":true,\"Code\":\"ReceiptHandleIsInvalid\","
			 "\"Message\":\"The input receipt handle AQEB\\\"one+/= is not a valid "
			 "receipt handle\"}]}");
	ck_assert_int_eq(sqs_delete(sqs, &delete_two, on_entries, NULL, NULL), 0);
	await(1);
	ck_assert_int_eq(seen.result, SQS_OK);
	ck_assert_str_eq(seen.entries, "stale ReceiptHandleIsInvalid: not a receipt handle of this "
				       "queue\nok \n");
	ck_assert_str_eq(asked_body, "{\"QueueUrl\":\"" QUEUE_URL "\",\"Entries\":["
				     "{\"Id\":\"0\",\"ReceiptHandle\":\"AQEB\\\"one+/=\"},"
				     "{\"Id\":\"1\",\"ReceiptHandle\":\"AQEBtwo\"}]}");
	ck_assert_str_eq(header("X-Amz-Target"), "AmazonSQS.DeleteMessageBatch");
	assert_signed(KEY, SECRET, NULL);
}
END_TEST

START_TEST(a_change_of_visibility_carries_each_messages_seconds)
{
	const struct sqs_visibility entries[] = {
		{two_handles[0], 30 * USEC_PER_SEC},
		{two_handles[1], 5 * USEC_PER_SEC},
	};
	const struct sqs_change change = {.entries = entries, .n_entries = 2};

	will_answer(200, "{\"Successful\":[{\"Id\":\"0\"},{\"Id\":\"1\"}]}");
	ck_assert_int_eq(sqs_change_visibility(sqs, &change, on_entries, NULL, NULL), 0);
	await(1);
	ck_assert_str_eq(seen.entries, "ok \nok \n");
	ck_assert_str_eq(asked_body,
		"{\"QueueUrl\":\"" QUEUE_URL "\",\"Entries\":["
		"{\"Id\":\"0\",\"ReceiptHandle\":\"AQEB\\\"one+/=\","
		"\"VisibilityTimeout\":30},"
		"{\"Id\":\"1\",\"ReceiptHandle\":\"AQEBtwo\",\"VisibilityTimeout\":5}]}");
}
END_TEST

START_TEST(attributes_tell_visibility_and_redrive)
{
	will_answer(200, "{\"Attributes\":{\"VisibilityTimeout\":\"30\",\"RedrivePolicy\":"
			 "\"{\\\"deadLetterTargetArn\\\":\\\"arn:aws:sqs:eu-west-1:1:dlq\\\","
			 "\\\"maxReceiveCount\\\":3}\"}}");
	ck_assert_int_eq(sqs_get_attributes(sqs, NULL, on_attributes, NULL, NULL), 0);
	await(1);
	ck_assert_int_eq(seen.result, SQS_OK);
	ck_assert_uint_eq(seen.attributes.visibility_timeout, 30 * USEC_PER_SEC);
	ck_assert_str_eq(seen.dead_letter_arn, "arn:aws:sqs:eu-west-1:1:dlq");
	ck_assert_uint_eq(seen.attributes.max_receive_count, 3);
}
END_TEST

START_TEST(another_queue_is_asked_for_by_its_url_and_named_in_what_goes_wrong)
{
	will_answer(400, "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\"}");
	ck_assert_int_eq(sqs_get_attributes(sqs, OTHER_URL, on_attributes, NULL, NULL), 0);
	await(1);
	ck_assert_int_eq(seen.result, SQS_NO_QUEUE);
	ck_assert_ptr_nonnull(strstr(seen.text, "dead"));
	ck_assert_str_eq(
		asked_body, "{\"QueueUrl\":\"" OTHER_URL "\",\"AttributeNames\":[\"All\"]}");

	/* The next is about the consumer's own again. */
	will_answer(400, "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\"}");
	ck_assert_int_eq(sqs_get_attributes(sqs, NULL, on_attributes, NULL, NULL), 0);
	await(2);
	ck_assert_ptr_null(strstr(seen.text, "dead"));
}
END_TEST

static const struct sqs_message_attribute color = {"color", "String", "blue", NULL};
static const struct sqs_send letter = {
	.queue_url = OTHER_URL,
	.body = "{\"jobId\":\"j\"}",
	.body_len = 13,
	.attributes = &color,
	.n_attributes = 1,
};

START_TEST(a_message_is_sent_to_another_queue_and_has_an_id_there)
{
	will_answer(200, "{\"MessageId\":\"m-2\",\"MD5OfMessageBody\":\"x\"}");
	ck_assert_int_eq(sqs_send(sqs, &letter, on_sent, NULL, NULL), 0);
	await(1);
	ck_assert_int_eq(seen.result, SQS_OK);
	ck_assert_str_eq(seen.entries, "m-2");
	ck_assert_str_eq(asked_body, "{\"QueueUrl\":\"" OTHER_URL "\","
				     "\"MessageBody\":\"{\\\"jobId\\\":\\\"j\\\"}\","
				     "\"MessageAttributes\":{\"color\":{\"DataType\":\"String\","
				     "\"StringValue\":\"blue\"}}}");
	ck_assert_str_eq(header("X-Amz-Target"), "AmazonSQS.SendMessage");
	assert_signed(KEY, SECRET, NULL);
}
END_TEST

START_TEST(a_send_that_is_denied_names_what_it_lacks_on_which_queue)
{
	will_answer(403, "{\"__type\":\"com.amazon.coral.service#AccessDeniedException\"}");
	ck_assert_int_eq(sqs_send(sqs, &letter, on_sent, NULL, NULL), 0);
	await(1);
	ck_assert_int_eq(seen.result, SQS_DENIED);
	ck_assert_str_eq(
		seen.text, "access denied to sqs:SendMessage on queue nexus-dead: grant it");
	ck_assert_str_eq(seen.entries, "-");
}
END_TEST

START_TEST(no_credentials_is_an_answer_that_sends_nothing)
{
	use_credentials("", "", "");
	receive();
	ck_assert_int_eq(seen.result, SQS_NO_CREDENTIALS);
	ck_assert_uint_eq(seen.sent_at, 0);
	ck_assert_uint_eq(test_server_requests(server), 0);
	ck_assert_ptr_nonnull(strstr(seen.text, "no AWS credentials to sign requests with: "));
}
END_TEST

static void forget_region(void)
{
	const struct sqs_options options = {
		.queue_url = QUEUE_URL, .endpoint = test_server_url(server), .region = ""};

	sqs = sqs_free(sqs);
	ck_assert_int_eq(sqs_new(http, store, &skew, &options, &sqs), 0);
}

START_TEST(without_a_region_nothing_is_sent_until_it_is_set)
{
	forget_region();
	receive();
	ck_assert_int_eq(seen.result, SQS_NO_CREDENTIALS);
	ck_assert_str_eq(seen.text, "no AWS region to sign requests with");
	struct sqs_queue queue;
	sqs_get_queue(sqs, &queue);
	ck_assert_str_eq(queue.arn, "");
	ck_assert_str_eq(queue.region, "");
	sqs_set_region_complaint(sqs, "set AWS_REGION");
	receive();
	ck_assert_str_eq(seen.text, "no AWS region to sign requests with: set AWS_REGION");
	ck_assert_uint_eq(test_server_requests(server), 0);

	ck_assert_int_eq(sqs_set_region(sqs, "eu-west-1"), 0);
	will_answer(200, "{}");
	receive();
	ck_assert_int_eq(seen.result, SQS_OK);
	assert_signed(KEY, SECRET, NULL);
}
END_TEST

START_TEST(a_call_without_a_region_can_be_cancelled)
{
	struct sqs_call *call;

	forget_region();
	ck_assert_int_eq(sqs_receive(sqs, &poll_ten, on_messages, NULL, &call), 0);
	sqs_cancel(call);
	while (sd_event_run(event, 0) > 0)
		;
	ck_assert_uint_eq(seen.n_callbacks, 0);
}
END_TEST

static struct sqs_call *unsigned_other;

static void on_cancels_other(void *userdata, const struct sqs_answer *a,
	const struct sqs_message *messages, size_t n_messages)
{
	on_messages(userdata, a, messages, n_messages);
	sqs_cancel(unsigned_other);
}

START_TEST(each_call_without_credentials_has_its_answer)
{
	use_credentials("", "", "");
	ck_assert_int_eq(sqs_receive(sqs, &poll_ten, on_messages, NULL, NULL), 0);
	ck_assert_int_eq(sqs_get_attributes(sqs, NULL, on_attributes, NULL, NULL), 0);
	ck_assert_int_eq(sqs_delete(sqs, &delete_two, on_entries, NULL, NULL), 0);
	await(3);
	ck_assert_uint_eq(seen.n, 0);
}
END_TEST

START_TEST(calls_without_credentials_can_be_cancelled_even_from_a_callback)
{
	struct sqs_call *call;

	use_credentials("", "", "");
	ck_assert_int_eq(sqs_receive(sqs, &poll_ten, on_messages, NULL, &call), 0);
	sqs_cancel(call);
	ck_assert_int_eq(sqs_receive(sqs, &poll_ten, on_cancels_other, NULL, NULL), 0);
	ck_assert_int_eq(sqs_receive(sqs, &poll_ten, on_messages, NULL, &unsigned_other), 0);
	await(1);
	while (sd_event_run(event, 0) > 0)
		;
	ck_assert_uint_eq(seen.n_callbacks, 1);
}
END_TEST

static usec_t now_for_test = 1000 * USEC_PER_SEC;

static usec_t test_clock(void)
{
	return now_for_test;
}

START_TEST(a_key_renewed_on_disk_is_used_after_aws_refused_the_old_one)
{
	will_answer(403, "{\"__type\":\"com.amazon.coral.service#UnrecognizedClientException\","
			 "\"message\":\"The security token included in the request is invalid.\"}");
	receive();
	ck_assert_int_eq(seen.result, SQS_BAD_TOKEN);
	ck_assert_str_eq(seen.code, "UnrecognizedClientException");
	assert_signed(KEY, SECRET, NULL);

	use_credentials("AKIDRENEWED", "other", "");
	/* Too soon to look again: still the old one. */
	receive();
	assert_signed(KEY, SECRET, NULL);

	receive();
	assert_signed(KEY, SECRET, NULL);

	now_for_test = clock_monotonic() + 2 * USEC_PER_SEC;
	clock_replace(test_clock);
	receive();
	clock_replace(NULL);
	will_answer(200, "{}");
	receive();
	ck_assert_int_eq(seen.result, SQS_OK);
	assert_signed("AKIDRENEWED", "other", NULL);
}
END_TEST

START_TEST(a_clock_that_is_off_is_corrected_for_the_second_try)
{
	time_t theirs = time(NULL) + 20 * 60;
	char date[64], stamp[32];

	strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&theirs));
	strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", gmtime(&theirs));
	snprintf(extra_headers, sizeof extra_headers, "Date: %s\r\n", date);
	will_answer(403, "{\"__type\":\"com.amazon.coral.service#InvalidSignatureException\","
			 "\"message\":\"Signature expired: 20260102T030405Z is now earlier than "
			 "20370102T025905Z\"}");
	receive();
	ck_assert_int_eq(seen.result, SQS_BAD_SIGNATURE);
	ck_assert_ptr_nonnull(strstr(seen.text, "clock is 20min behind AWS's"));
	ck_assert_uint_eq(test_server_requests(server), 2);
	ck_assert_str_ge(header("X-Amz-Date"), stamp);
	assert_signed(KEY, SECRET, NULL);
}
END_TEST

START_TEST(a_body_that_is_not_sqs_is_garbled_and_named)
{
	will_answer(200, "<!DOCTYPE html><html>Please log in</html>");
	snprintf(content_type, sizeof content_type, "text/html");
	receive();
	ck_assert_int_eq(seen.result, SQS_GARBLED);
	ck_assert_str_eq(seen.text, "127.0.0.1 answered with HTTP 200 and an HTML "
				    "body: is a proxy or portal in between?");
}
END_TEST

START_TEST(nobody_there_is_unreachable)
{
	server = test_server_free(server);
	receive();
	ck_assert_int_eq(seen.result, SQS_UNREACHABLE);
	ck_assert_uint_eq(seen.sent_at, 0);
	ck_assert_ptr_nonnull(strstr(seen.text, "no answer from 127.0.0.1: "));
}
END_TEST

START_TEST(after_cancel_no_callback_comes)
{
	struct sqs_call *call;

	ck_assert_int_eq(sqs_receive(sqs, &poll_ten, on_messages, NULL, &call), 0);
	while (test_server_requests(server) == 0)
		ck_assert_int_ge(sd_event_run(event, 1000), 0);
	sqs_cancel(call);
	will_answer(200, "{}");
	receive();
	ck_assert_uint_eq(seen.n_callbacks, 1);
}
END_TEST

START_TEST(tear_down_cancels_what_is_out)
{
	ck_assert_int_eq(sqs_receive(sqs, &poll_ten, on_messages, NULL, NULL), 0);
	while (test_server_requests(server) == 0)
		ck_assert_int_ge(sd_event_run(event, 1000), 0);
	sqs = sqs_free(sqs);
	while (sd_event_run(event, 0) > 0)
		;
	ck_assert_uint_eq(seen.n_callbacks, 0);
}
END_TEST

START_TEST(an_endpoint_that_is_none_is_refused)
{
	struct sqs *other = (void *)&seen;
	const struct sqs_options none = {QUEUE_URL, "", "eu-west-1", false};
	struct sqs_options plain = {QUEUE_URL, "http://sqs.example.com", "eu-west-1", false};

	ck_assert_int_eq(sqs_new(http, store, &skew, &plain, &other), -EPERM);
	ck_assert_int_eq(sqs_new(http, store, &skew, &none, &other), -EINVAL);
	ck_assert_ptr_eq(other, &seen);
	plain.plain = true;
	ck_assert_int_eq(sqs_new(http, store, &skew, &plain, &other), 0);
	sqs_free(other);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("sqs");
	TCase *c = tcase_create("sqs");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_receive_is_signed_and_its_messages_arrive);
	tcase_add_test(c, a_session_token_is_sent_and_signed);
	tcase_add_test(c, a_visibility_timeout_is_asked_for_when_given);
	tcase_add_test(c, details_are_asked_for_when_wanted);
	tcase_add_test(c, the_queue_is_known_by_its_url_and_region);
	tcase_add_test(c, a_delete_reports_each_entry_by_its_id);
	tcase_add_test(c, a_change_of_visibility_carries_each_messages_seconds);
	tcase_add_test(c, attributes_tell_visibility_and_redrive);
	tcase_add_test(c, another_queue_is_asked_for_by_its_url_and_named_in_what_goes_wrong);
	tcase_add_test(c, a_message_is_sent_to_another_queue_and_has_an_id_there);
	tcase_add_test(c, a_send_that_is_denied_names_what_it_lacks_on_which_queue);
	tcase_add_test(c, no_credentials_is_an_answer_that_sends_nothing);
	tcase_add_test(c, without_a_region_nothing_is_sent_until_it_is_set);
	tcase_add_test(c, a_call_without_a_region_can_be_cancelled);
	tcase_add_test(c, each_call_without_credentials_has_its_answer);
	tcase_add_test(c, calls_without_credentials_can_be_cancelled_even_from_a_callback);
	tcase_add_test(c, a_key_renewed_on_disk_is_used_after_aws_refused_the_old_one);
	tcase_add_test(c, a_clock_that_is_off_is_corrected_for_the_second_try);
	tcase_add_test(c, a_body_that_is_not_sqs_is_garbled_and_named);
	tcase_add_test(c, nobody_there_is_unreachable);
	tcase_add_test(c, after_cancel_no_callback_comes);
	tcase_add_test(c, tear_down_cancels_what_is_out);
	tcase_add_test(c, an_endpoint_that_is_none_is_refused);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return test_suite_run(suite());
}

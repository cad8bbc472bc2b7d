#include <check.h>
#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#include "../support/test_job.h"
#include "../support/test_server.h"
#include "../support/test_suite.h"
#include "handler/runner.h"
#include "handler/sqsd.h"
#include "job/envelope.h"

#define BODY "{\"jobId\":\"j1\", \"type\":\"x\", \"payload\":{\"a\":\"\\u0000\"} }"

/* ---- The service: answers as it is told, and keeps what it was asked ---- */

static struct test_server *server;

static struct {
	/* The service's thread may still look at these when the next job is made. */
	_Atomic(const char *) answer; /* NULL: none */
	_Atomic(enum test_then) then;
	char path[256];
	char head[8192];
	char body[256];
} said;

static enum test_then serve(void *userdata, const struct test_request *request, struct strbuf *out)
{
	(void)userdata;
	snprintf(said.path, sizeof said.path, "%s %s", request->method, request->path);
	snprintf(said.head, sizeof said.head, "%s", request->head);
	snprintf(said.body, sizeof said.body, "%.*s", (int)request->body_len, request->body);
	const char *answer = said.answer;
	if (answer)
		strbuf_puts(out, answer);
	return said.then;
}

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* ---- The job ---- */

static struct handler *handler;
static struct job *job;
static int wake_fd;
static struct envelope_message_attribute attributes[10];
static size_t n_attributes;

static void make_handler(const char *url)
{
	char text[SQSD_TEXT_MAX];

	ck_assert_msg(sqsd_new(&(struct sqsd_options){url}, &handler, text) == 0, "%s", text);
}

static void setup(void)
{
	char url[160];

	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(curl_global_init(CURL_GLOBAL_DEFAULT), 0);
	server = test_server_new(TEST_PLAIN, serve, NULL);
	said.answer = OK_ANSWER;
	said.then = TEST_KEEP;
	n_attributes = 0;
	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ck_assert_int_ge(wake_fd, 0);
	snprintf(url, sizeof url, "%s/jobs?key=secret", test_server_url(server));
	make_handler(url);
}

static void teardown(void)
{
	job = test_job_free(job);
	handler = handler_unref(handler);
	server = test_server_free(server);
	close(wake_fd);
	curl_global_cleanup();
}

static void give(const char *name, const char *value)
{
	attributes[n_attributes++] =
		(struct envelope_message_attribute){name, "String", value, NULL};
}

static void make_job(void)
{
	struct envelope_attribute system_attributes[] = {
		{"ApproximateReceiveCount", "2"},
		{"SenderId", "AIDAEXAMPLE"},
		{"SentTimestamp", "1767323040000"},
		{"ApproximateFirstReceiveTimestamp", "1767323045999"},
	};
	const struct envelope envelope = {
		.message_id = "m-1",
		.receipt_handle = "AQEB1",
		.queue_name = "jobs",
		.queue_arn = "arn:aws:sqs:eu-west-1:123456789012:jobs",
		.region = "eu-west-1",
		.attributes = system_attributes,
		.n_attributes = N_OF(system_attributes),
		.message_attributes = attributes,
		.n_message_attributes = n_attributes,
	};

	test_job_free(job);
	job = test_job_new("j1", "x", BODY);
	job->body_len = strlen(BODY);
	job->handler = handler;
	job->attempt = 1;
	ck_assert_int_eq(envelope_new(&envelope, &job->envelope), 0);
}

static void run(void)
{
	make_job();
	runner_run(job, wake_fd);
}

static void assert_ended(enum job_outcome outcome, const char *error)
{
	test_job_assert_ended(job, outcome, error);
}

/* ---- The request ---- */

static void assert_header(const char *name, const char *value)
{
	const char *got = test_request_header(said.head, name);

	ck_assert_msg(got != NULL, "no %s", name);
	ck_assert_str_eq(got, value);
}

START_TEST(a_job_is_posted_as_sqsd_does_it)
{
	give("color", "blue");
	run();
	assert_ended(JOB_COMPLETED, NULL);
	ck_assert_str_eq(said.path, "POST /jobs?key=secret");
	ck_assert_str_eq(said.body, BODY);
	assert_header("User-Agent", "aws-sqsd/3.0");
	assert_header("Content-Type", "application/json");
	assert_header("X-Aws-Sqsd-Msgid", "m-1");
	assert_header("X-Aws-Sqsd-Queue", "jobs");
	assert_header("X-Aws-Sqsd-First-Received-At", "2026-01-02T03:04:05Z");
	assert_header("X-Aws-Sqsd-Receive-Count", "2");
	assert_header("X-Aws-Sqsd-Sent-At", "2026-01-02T03:04:00Z");
	assert_header("X-Aws-Sqsd-Sender-Id", "AIDAEXAMPLE");
	assert_header("X-Aws-Sqsd-Attr-color", "blue");
	ck_assert_ptr_null(test_request_header(said.head, "X-Aws-Sqsd-Path"));
	ck_assert_ptr_null(test_request_header(said.head, "Expect"));
	ck_assert_ptr_null(strstr(said.head, "AQEB1"));
}
END_TEST

START_TEST(a_message_may_name_another_path_of_the_service)
{
	give("beanstalk.sqsd.path", "//other/%2e?x=1");
	run();
	assert_ended(JOB_COMPLETED, NULL);
	ck_assert_str_eq(said.path, "POST //other/%2e?x=1");
	assert_header("X-Aws-Sqsd-Path", "//other/%2e?x=1");
	n_attributes = 0;
	run();
	ck_assert_str_eq(said.path, "POST /jobs?key=secret");
}
END_TEST

START_TEST(a_message_that_would_be_another_request_fails_for_good_and_is_not_sent)
{
	give("color", "blue\r\nX-Evil: 1");
	run();
	assert_ended(JOB_FAILED, "its message is not sent: X-Aws-Sqsd-Attr-color would hold a "
				 "control character");
	ck_assert(job->for_good);
	n_attributes = 0;
	give("beanstalk.sqsd.path", "@elsewhere/");
	run();
	assert_ended(JOB_FAILED, "its message is not sent: its attribute beanstalk.sqsd.path is "
				 "no path that begins with /");
	ck_assert(job->for_good);
	ck_assert_uint_eq(test_server_requests(server), 0);
}
END_TEST

START_TEST(headers_and_paths_that_are_too_long_fail_for_good)
{
	static char value[300 << 10], path[9000];

	memset(value, 'v', sizeof value - 1);
	give("color", value);
	run();
	assert_ended(JOB_FAILED, "its message is not sent: its attributes are larger than the "
				 "headers of a request may be");
	ck_assert(job->for_good);

	memset(path, '/', sizeof path - 1);
	n_attributes = 0;
	give("beanstalk.sqsd.path", path);
	run();
	assert_ended(JOB_FAILED,
		"its message is not sent: its attribute beanstalk.sqsd.path is too long");
	ck_assert(job->for_good);
	ck_assert_uint_eq(test_server_requests(server), 0);
}
END_TEST

START_TEST(a_service_of_this_machine_is_asked_without_a_proxy)
{
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	run();
	unsetenv("http_proxy");
	assert_ended(JOB_COMPLETED, NULL);
}
END_TEST

START_TEST(a_connection_serves_one_job_after_the_other)
{
	for (unsigned i = 0; i < 5; i++)
		run();
	said.answer = "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops";
	run();
	said.answer = OK_ANSWER;
	run();
	assert_ended(JOB_COMPLETED, NULL);
	ck_assert_uint_eq(test_server_requests(server), 7);
	ck_assert_uint_eq(test_server_connections(server), 1);
}
END_TEST

/* ---- The answer ---- */

#define EMPTY "\r\nContent-Length: 0\r\n\r\n"

static const struct {
	const char *answer;
	const char *error; /* NULL: done */
	usec_t retry_in;
} answers[] = {
	{OK_ANSWER, NULL, 0},
	{"HTTP/1.1 200 OK\r\nRetry-After: 5" EMPTY, NULL, 0},
	{"HTTP/1.1 100 Continue\r\n\r\n" OK_ANSWER, NULL, 0},
	{"HTTP/1.1 201 Created" EMPTY, "the service answered 201", 0},
	{"HTTP/1.1 202 Accepted" EMPTY, "the service answered 202", 0},
	{"HTTP/1.1 204 No Content\r\n\r\n", "the service answered 204", 0},
	{"HTTP/1.1 302 Found\r\nLocation: /else" EMPTY, "the service answered 302", 0},
	{"HTTP/1.1 404 Not Found" EMPTY, "the service answered 404", 0},
	{"HTTP/1.1 503 Busy\r\nRetry-After: 120" EMPTY, "the service answered 503",
		120 * USEC_PER_SEC},
	{"HTTP/1.1 429 Slow\r\nRetry-After: 0" EMPTY, "the service answered 429", USEC_PER_SEC},
	{"HTTP/1.1 302 Found\r\nRetry-After: 7" EMPTY, "the service answered 302",
		7 * USEC_PER_SEC},
	{"HTTP/1.1 503 Busy\r\nRetry-After: Fri, 31 Dec 2999 23:59:59 GMT" EMPTY,
		"the service answered 503", 12 * USEC_PER_HOUR},
	{"HTTP/1.1 500 Oops\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nfirst\r\n"
	 "second",
		"the service answered 500: first", 0},
	{"HTTP/1.1 502 Oops\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>",
		"the service answered 502", 0},
};

START_TEST(two_hundred_is_done_and_all_else_failed)
{
	said.answer = answers[_i].answer;
	run();
	assert_ended(answers[_i].error ? JOB_FAILED : JOB_COMPLETED, answers[_i].error);
	ck_assert_uint_eq(job->retry_in, answers[_i].retry_in);
	ck_assert(!job->for_good);
	ck_assert_uint_eq(test_server_requests(server), 1);
}
END_TEST

START_TEST(a_body_that_does_not_end_does_not_matter)
{
	_cleanup_strbuf_ struct strbuf long_answer = STRBUF_INIT;

	strbuf_puts(&long_answer, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
	for (unsigned i = 0; i < (2u << 20) / 16; i++)
		strbuf_puts(&long_answer, "sixteen letters.");
	said.answer = strbuf_str(&long_answer);
	run();
	assert_ended(JOB_COMPLETED, NULL);
}
END_TEST

START_TEST(who_does_not_listen_is_named_with_the_cure_but_without_the_urls_secrets)
{
	handler_unref(handler);
	make_handler("http://127.0.0.1:1/jobs?key=secret");
	run();
	assert_ended(JOB_FAILED, "no answer from the service at 127.0.0.1:1: cannot connect to "
				 "127.0.0.1 port 1: Connection refused: start the service, or "
				 "correct url");
	ck_assert(!job->for_good);
}
END_TEST

START_TEST(a_cut_is_a_failure)
{
	said.answer = NULL;
	said.then = TEST_RESET;
	run();
	ck_assert_int_eq(job->outcome, JOB_FAILED);
	ck_assert_int_eq(strncmp(job->error, "no answer from the service at 127.0.0.1:", 40), 0);
	ck_assert_uint_eq(test_server_requests(server), 1);
}
END_TEST

/* ---- Time ---- */

START_TEST(at_the_deadline_the_connection_is_closed)
{
	said.answer = NULL;
	make_job();
	job->timeout = 30 * USEC_PER_MSEC;
	runner_run(job, wake_fd);
	assert_ended(JOB_TIMEOUT, "timed out after 30ms");

	said.answer = OK_ANSWER;
	run();
	assert_ended(JOB_COMPLETED, NULL);
	ck_assert_uint_eq(test_server_connections(server), 2);
}
END_TEST

static void *run_in_thread(void *userdata)
{
	(void)userdata;
	runner_run(job, wake_fd);
	return NULL;
}

static void wake(void)
{
	uint64_t one = 1;

	ck_assert_int_eq(write(wake_fd, &one, sizeof one), sizeof one);
}

static void await_request(void)
{
	while (test_server_requests(server) == 0)
		sched_yield();
}

START_TEST(who_is_told_to_stop_stops_at_once)
{
	pthread_t thread;

	said.answer = NULL;
	make_job();
	pthread_create(&thread, NULL, run_in_thread, NULL);
	await_request();
	atomic_store(&job->cancel, JOB_STOP);
	wake();
	pthread_join(thread, NULL);
	assert_ended(JOB_ABANDONED, "interrupted by shutdown");
	ck_assert_uint_eq(test_server_requests(server), 1);
}
END_TEST

START_TEST(a_wake_that_was_meant_for_another_job_changes_nothing)
{
	make_job();
	wake();
	runner_run(job, wake_fd);
	assert_ended(JOB_COMPLETED, NULL);
	ck_assert_uint_eq(test_server_requests(server), 1);
}
END_TEST

/* ---- Configuration ---- */

#define NO_URL "url is not a service's: http://HOST:PORT/PATH, without user and password"
#define OVER_THE_NET                                                                               \
	"url leads to another machine, and what is sent there could be read on the way: use https"

static const struct {
	const char *url, *text;
} bad_urls[] = {
	{"", NO_URL},
	{"jobs", NO_URL},
	{"/jobs", NO_URL},
	{"http://", NO_URL},
	{"ftp://127.0.0.1/", NO_URL},
	{"http://user:secret@127.0.0.1/", NO_URL},
	{"http://service.example/", OVER_THE_NET},
};

START_TEST(what_is_no_url_of_a_service_is_refused)
{
	const struct sqsd_options options = {bad_urls[_i].url};
	struct handler *other = NULL;
	char text[SQSD_TEXT_MAX];

	ck_assert_int_eq(sqsd_new(&options, &other, text), -EINVAL);
	ck_assert_ptr_null(other);
	ck_assert_str_eq(text, bad_urls[_i].text);
	ck_assert_int_eq(sqsd_check(&options, text), -EINVAL);
}
END_TEST

START_TEST(a_check_connects_and_asks_nothing)
{
	char text[SQSD_TEXT_MAX] = "";

	ck_assert_int_eq(sqsd_check(&(struct sqsd_options){test_server_url(server)}, text), 0);
	ck_assert_str_eq(text, "");
	ck_assert_int_eq(sqsd_check(&(struct sqsd_options){"http://127.0.0.1:1/?secret"}, text),
		-ECONNREFUSED);
	ck_assert_str_eq(text, "no answer from the service at 127.0.0.1:1: cannot connect to "
			       "127.0.0.1 port 1: Connection refused: start the service, or "
			       "correct url");
	ck_assert_uint_eq(test_server_requests(server), 0);
}
END_TEST

START_TEST(it_is_a_handler_that_wants_envelopes)
{
	ck_assert_str_eq(handler->name, "http");
	ck_assert(handler->wants_envelope);
	ck_assert_uint_eq(handler->n_refs, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sqsd");
	TCase *c = tcase_create("jobs");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_job_is_posted_as_sqsd_does_it);
	tcase_add_test(c, a_message_may_name_another_path_of_the_service);
	tcase_add_test(c, a_message_that_would_be_another_request_fails_for_good_and_is_not_sent);
	tcase_add_test(c, headers_and_paths_that_are_too_long_fail_for_good);
	tcase_add_test(c, a_service_of_this_machine_is_asked_without_a_proxy);
	tcase_add_test(c, a_connection_serves_one_job_after_the_other);
	tcase_add_loop_test(c, two_hundred_is_done_and_all_else_failed, 0, N_OF(answers));
	tcase_add_test(c, a_body_that_does_not_end_does_not_matter);
	tcase_add_test(c, who_does_not_listen_is_named_with_the_cure_but_without_the_urls_secrets);
	tcase_add_test(c, a_cut_is_a_failure);
	tcase_add_test(c, at_the_deadline_the_connection_is_closed);
	tcase_add_test(c, who_is_told_to_stop_stops_at_once);
	tcase_add_test(c, a_wake_that_was_meant_for_another_job_changes_nothing);
	tcase_add_loop_test(c, what_is_no_url_of_a_service_is_refused, 0, N_OF(bad_urls));
	tcase_add_test(c, a_check_connects_and_asks_nothing);
	tcase_add_test(c, it_is_a_handler_that_wants_envelopes);
	suite_add_tcase(suite, c);
	return test_suite_run(suite);
}

#include <check.h>
#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#include "../support/test_server.h"
#include "../support/test_suite.h"
#include "net/http_client.h"

#define SOON     (5 * USEC_PER_SEC)
#define A_MOMENT (50 * USEC_PER_MSEC)

#define MAX_ANSWER  1000
#define MAX_IGNORED 10000

static struct test_server *server;
static struct http_client *client;

static atomic_uint n_cut;

/* A connection that was kept alive ends without an answer, the first time. */
static enum test_then answer_cut(struct strbuf *out)
{
	if (atomic_fetch_add(&n_cut, 1) == 0)
		return TEST_CLOSE;
	test_answer(out, 200, "text/plain", "at the second time");
	return TEST_KEEP;
}

/* That many bytes, of which none but the kept ones matter. */
static enum test_then answer_large(struct strbuf *out, size_t n_bytes)
{
	strbuf_printf(out, "HTTP/1.1 500 Large\r\nContent-Length: %zu\r\n\r\n", n_bytes);
	for (size_t i = 0; i < n_bytes; i++)
		strbuf_putc(out, i < MAX_ANSWER ? 'k' : 'i');
	return TEST_KEEP;
}

static enum test_then answer(void *userdata, const struct test_request *request, struct strbuf *out)
{
	const char *path = request->path;

	(void)userdata;
	if (strcmp(path, "/never") == 0)
		return TEST_KEEP;
	if (strcmp(path, "/cut-once") == 0)
		return answer_cut(out);
	if (strcmp(path, "/reset") == 0)
		return TEST_RESET;
	if (strncmp(path, "/large/", 7) == 0)
		return answer_large(out, strtoul(path + 7, NULL, 10));
	if (strcmp(path, "/elsewhere") == 0) {
		strbuf_puts(out, "HTTP/1.1 302 Elsewhere\r\nLocation: /ok\r\nX-Two: 2\r\n"
				 "Content-Length: 0\r\n\r\n");
		return TEST_KEEP;
	}
	if (strcmp(path, "/last") == 0) {
		test_answer(out, 200, "text/plain", "goodbye");
		return TEST_CLOSE;
	}
	/* The request comes back. */
	strbuf_printf(out, "HTTP/1.1 200 OK\r\nX-Two: 2\r\nContent-Length: %zu\r\n\r\n%s",
		strlen(request->head) + request->body_len, request->head);
	strbuf_append(out, request->body, request->body_len);
	return TEST_KEEP;
}

static void setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(curl_global_init(CURL_GLOBAL_DEFAULT), 0);
	server = test_server_new(TEST_PLAIN, answer, NULL);
	ck_assert_int_eq(
		http_client_new(&(struct http_options){.user_agent = "nexus-test/1"}, &client), 0);
	atomic_store(&n_cut, 0);
}

static void teardown(void)
{
	client = http_client_free(client);
	server = test_server_free(server);
	curl_global_cleanup();
}

struct asked {
	char url[128];
	const char *wanted[1];
	struct http_request request;
};

static const struct http_request *ask(struct asked *asked, const char *path)
{
	*asked = (struct asked){.wanted = {"X-Two"}};
	snprintf(asked->url, sizeof asked->url, "%s%s", test_server_url(server), path);
	asked->request = (struct http_request){
		.method = "POST",
		.url = asked->url,
		.body = "a\0b",
		.body_len = 3,
		.wanted = asked->wanted,
		.n_wanted = 1,
		.timeout = SOON,
		.max_answer = MAX_ANSWER,
		.max_ignored = MAX_IGNORED,
	};
	return &asked->request;
}

static struct http_client_call *start(const struct http_request *request)
{
	struct http_client_call *call = NULL;

	ck_assert_int_eq(http_client_start(client, request, &call), 0);
	return call;
}

/* NULL: the other descriptor was readable first. */
static const struct http_response *drive(struct http_client_call *call, int other)
{
	for (;;) {
		struct pollfd p[] = {{http_client_fd(call), POLLIN, 0}, {other, POLLIN, 0}};
		usec_t pause = usec_sub(http_client_due_at(call), clock_boottime());

		ck_assert_int_ge(poll(p, 2, (int)((pause + 999) / USEC_PER_MSEC)), 0);
		if (p[1].revents)
			return NULL;
		const struct http_response *response = http_client_advance(call);
		if (response)
			return response;
	}
}

static void assert_answer(const char *path, int error, unsigned status, const char *body)
{
	struct asked asked;
	struct http_client_call *call = start(ask(&asked, path));
	const struct http_response *response = drive(call, -1);

	ck_assert_msg(
		response->error == error, "%s: %d %s", path, response->error, response->error_text);
	ck_assert_uint_eq(response->status, status);
	if (body)
		ck_assert_str_eq(response->body, body);
	http_client_end(call);
}

START_TEST(request_and_answer_arrive_whole)
{
	struct http_header headers[HTTP_HEADERS_MAX];
	char names[HTTP_HEADERS_MAX][8], line[32];
	struct asked asked;
	size_t n;

	ask(&asked, "/ok?a=b");
	for (n = 0; n < HTTP_HEADERS_MAX; n++) {
		snprintf(names[n], sizeof names[n], "X-%zu", n);
		headers[n] = (struct http_header){names[n], names[n] + 2};
	}
	asked.request.headers = headers;
	asked.request.n_headers = n;
	struct http_client_call *call = start(&asked.request);
	const struct http_response *response = drive(call, -1);

	ck_assert_int_eq(response->error, 0);
	ck_assert_uint_eq(response->status, 200);
	ck_assert_str_eq(response->headers[0], "2");
	ck_assert_int_eq(strncmp(response->body, "POST /ok?a=b HTTP/1.1\r\n", 23), 0);
	ck_assert_ptr_nonnull(strstr(response->body, "\r\nUser-Agent: nexus-test/1\r\n"));
	for (n = 0; n < HTTP_HEADERS_MAX; n++) {
		snprintf(line, sizeof line, "\r\nX-%zu: %zu\r\n", n, n);
		ck_assert_ptr_nonnull(strstr(response->body, line));
	}
	ck_assert_mem_eq(response->body + response->body_len - 3, "a\0b", 3);
	http_client_end(call);
}
END_TEST

START_TEST(a_connection_serves_one_call_after_the_other)
{
	for (unsigned i = 0; i < 5; i++)
		assert_answer("/ok", 0, 200, NULL);
	ck_assert_uint_eq(test_server_requests(server), 5);
	ck_assert_uint_eq(test_server_connections(server), 1);
}
END_TEST

START_TEST(calls_at_the_same_time_have_a_connection_each)
{
	struct asked asked;

	for (unsigned i = 0; i < 3; i++) {
		struct http_client_call *one = start(ask(&asked, "/ok"));
		struct http_client_call *other = start(ask(&asked, "/ok"));
		ck_assert_uint_eq(drive(other, -1)->status, 200);
		ck_assert_uint_eq(drive(one, -1)->status, 200);
		http_client_end(one);
		http_client_end(other);
	}
	ck_assert_uint_eq(test_server_requests(server), 6);
	ck_assert_uint_eq(test_server_connections(server), 2);
}
END_TEST

static void *ask_often(void *userdata)
{
	(void)userdata;
	for (unsigned i = 0; i < 50; i++)
		assert_answer("/ok", 0, 200, NULL);
	return NULL;
}

START_TEST(threads_share_the_store)
{
	pthread_t threads[4];

	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_often, NULL), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(test_server_requests(server), 200);
	ck_assert_uint_le(test_server_connections(server), 4);
}
END_TEST

START_TEST(who_waits_may_be_called_away_and_the_connection_is_closed)
{
	_cleanup_close_ int other = eventfd(0, EFD_CLOEXEC);
	struct asked asked;
	struct http_client_call *call = start(ask(&asked, "/never"));
	uint64_t one = 1;

	/* Until it is out, which takes a few turns. */
	while (test_server_requests(server) == 0)
		ck_assert_ptr_null(http_client_advance(call));
	ck_assert_int_eq(write(other, &one, sizeof one), sizeof one);
	ck_assert_ptr_null(drive(call, other));
	http_client_end(call);

	assert_answer("/ok", 0, 200, NULL);
	ck_assert_uint_eq(test_server_connections(server), 2);
}
END_TEST

START_TEST(who_was_called_away_for_nothing_goes_on_with_the_same_request)
{
	_cleanup_close_ int other = eventfd(1, EFD_CLOEXEC);
	struct asked asked;
	struct http_client_call *call = start(ask(&asked, "/ok"));
	uint64_t count;

	ck_assert_ptr_null(drive(call, other));
	ck_assert_int_eq(read(other, &count, sizeof count), sizeof count);
	ck_assert_uint_eq(drive(call, other)->status, 200);
	http_client_end(call);
	ck_assert_uint_eq(test_server_requests(server), 1);
}
END_TEST

START_TEST(an_answer_that_does_not_come_is_given_up)
{
	struct asked asked;

	/* So that it is on a connection at once, however busy the machine is. */
	assert_answer("/ok", 0, 200, NULL);
	ask(&asked, "/never");
	asked.request.timeout = 20 * USEC_PER_MSEC;
	struct http_client_call *call = start(&asked.request);
	const struct http_response *response = drive(call, -1);

	ck_assert_int_eq(response->error, -ETIMEDOUT);
	ck_assert_str_eq(response->error_text, "no answer in time");
	http_client_end(call);
	assert_answer("/ok", 0, 200, NULL);
	ck_assert_uint_eq(test_server_connections(server), 2);
}
END_TEST

START_TEST(a_connection_that_does_not_come_is_given_up_sooner)
{
	struct asked asked;
	char over_tls[300];

	/* The server waits for a request in plain, the client for an answer to its greeting. */
	ask(&asked, "/never");
	snprintf(over_tls, sizeof over_tls, "https%s", asked.url + strlen("http"));
	asked.request.url = over_tls;
	asked.request.connect_timeout = 20 * USEC_PER_MSEC;
	asked.request.timeout = USEC_PER_HOUR;
	struct http_client_call *call = start(&asked.request);
	const struct http_response *response = drive(call, -1);

	ck_assert_int_eq(response->error, -ETIMEDOUT);
	ck_assert_str_eq(response->error_text, "no connection in time");
	http_client_end(call);
}
END_TEST

START_TEST(a_kept_connection_that_was_closed_meanwhile_costs_no_error)
{
	assert_answer("/last", 0, 200, "goodbye");
	assert_answer("/ok", 0, 200, NULL);
	assert_answer("/cut-once", 0, 200, "at the second time");
	ck_assert_uint_eq(test_server_requests(server), 4);
	ck_assert_uint_eq(test_server_connections(server), 3);
}
END_TEST

START_TEST(a_cut_is_an_error_and_not_sent_again)
{
	assert_answer("/reset", -ECONNRESET, 0, "");
	ck_assert_uint_eq(test_server_requests(server), 1);
}
END_TEST

/* An answer of so many bytes is read as one of MAX_ANSWER. */
static void assert_kept_of(unsigned len)
{
	char kept[MAX_ANSWER + 1], path[32];

	memset(kept, 'k', MAX_ANSWER);
	kept[MAX_ANSWER] = '\0';
	snprintf(path, sizeof path, "/large/%u", len);
	assert_answer(path, 0, 500, kept);
}

START_TEST(what_an_answer_has_too_much_is_ignored)
{
	assert_kept_of(1000);
	assert_kept_of(MAX_ANSWER + MAX_IGNORED);
	assert_answer("/ok", 0, 200, NULL);
	ck_assert_uint_eq(test_server_connections(server), 1);
}
END_TEST

START_TEST(the_rest_of_an_answer_that_will_not_end_is_not_waited_for)
{
	assert_kept_of(MAX_ANSWER + MAX_IGNORED + 1);
	assert_answer("/ok", 0, 200, NULL);
	ck_assert_uint_eq(test_server_connections(server), 2);
}
END_TEST

START_TEST(where_nothing_is_ignored_it_is_an_error)
{
	struct asked asked;

	ask(&asked, "/large/1001");
	asked.request.max_ignored = 0;
	struct http_client_call *call = start(&asked.request);

	ck_assert_int_eq(drive(call, -1)->error, -EMSGSIZE);
	http_client_end(call);
}
END_TEST

START_TEST(no_redirect_is_followed)
{
	assert_answer("/elsewhere", 0, 302, "");
	ck_assert_uint_eq(test_server_requests(server), 1);
}
END_TEST

START_TEST(a_handle_serves_again_after_any_end)
{
	struct asked asked;

	http_client_end(start(ask(&asked, "/ok")));
	ck_assert_uint_eq(test_server_requests(server), 0);
	assert_answer("/reset", -ECONNRESET, 0, "");
	assert_answer("/ok", 0, 200, NULL);
	ck_assert_ptr_null(http_client_end(NULL));
}
END_TEST

START_TEST(what_cannot_be_sent_is_refused)
{
	const struct http_header broken = {"X-One", "a\r\nX-Two: b"};
	struct http_client_call *call = NULL;
	struct asked asked;

	ask(&asked, "/ok");
	asked.request.url = "http://";
	ck_assert_int_eq(http_client_start(client, &asked.request, &call), -EINVAL);
	asked.request.url = "http://sqs.example/";
	ck_assert_int_eq(http_client_start(client, &asked.request, &call), -EPERM);
	ask(&asked, "/ok");
	asked.request.headers = &broken;
	asked.request.n_headers = 1;
	ck_assert_int_eq(http_client_start(client, &asked.request, &call), -EINVAL);
	ck_assert_ptr_null(call);
}
END_TEST

/* ---- Connecting alone ---- */

static const struct http_options plain_options = {.user_agent = "nexus-test/1"};

static int try_for(
	usec_t timeout, usec_t connect_timeout, const char *url, char text[HTTP_FAILURE_MAX])
{
	const struct http_request request = {
		.method = "POST",
		.url = url,
		.timeout = timeout,
		.connect_timeout = connect_timeout,
		.direct = true,
	};

	text[0] = '\0';
	return http_client_try(&plain_options, &request, text);
}

static int try(const char *url, char text[HTTP_FAILURE_MAX])
{
	return try_for(SOON, A_MOMENT, url, text);
}

START_TEST(who_listens_is_connected_to_and_asked_nothing)
{
	char text[HTTP_FAILURE_MAX];

	setenv("http_proxy", "http://127.0.0.1:1", 1);
	ck_assert_int_eq(try(test_server_url(server), text), 0);
	ck_assert_str_eq(text, "");
	assert_answer("/ok", -ECONNREFUSED, 0, "");
	unsetenv("http_proxy");
	ck_assert_uint_eq(test_server_requests(server), 0);
}
END_TEST

START_TEST(who_does_not_listen_is_named)
{
	char text[HTTP_FAILURE_MAX], over_tls[300];

	ck_assert_int_eq(try("http://127.0.0.1:1/path?secret", text), -ECONNREFUSED);
	ck_assert_str_eq(text, "cannot connect to 127.0.0.1 port 1: Connection refused");
	snprintf(over_tls, sizeof over_tls, "https%s", test_server_url(server) + strlen("http"));
	ck_assert_int_eq(try(over_tls, text), -ETIMEDOUT);
	ck_assert_str_eq(text, "no connection in time");
	ck_assert_int_eq(try("http://", text), -EINVAL);
	ck_assert_str_ne(text, "");
}
END_TEST

START_TEST(an_attempt_to_connect_ends_as_a_requests_would)
{
	static const struct {
		usec_t timeout;
		usec_t connect_timeout;
	} cases[] = {{A_MOMENT, 0}, {A_MOMENT, SOON}, {0, 0}, {SOON, 1}};
	char text[HTTP_FAILURE_MAX], over_tls[300];

	snprintf(over_tls, sizeof over_tls, "https%s", test_server_url(server) + strlen("http"));
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		ck_assert_int_eq(
			try_for(cases[i].timeout, cases[i].connect_timeout, over_tls, text),
			-ETIMEDOUT);
		ck_assert_str_eq(text, "no connection in time");
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("http_client");
	TCase *c = tcase_create("calls"), *connecting = tcase_create("connecting");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, request_and_answer_arrive_whole);
	tcase_add_test(c, a_connection_serves_one_call_after_the_other);
	tcase_add_test(c, calls_at_the_same_time_have_a_connection_each);
	tcase_add_test(c, threads_share_the_store);
	tcase_add_test(c, who_waits_may_be_called_away_and_the_connection_is_closed);
	tcase_add_test(c, who_was_called_away_for_nothing_goes_on_with_the_same_request);
	tcase_add_test(c, an_answer_that_does_not_come_is_given_up);
	tcase_add_test(c, a_connection_that_does_not_come_is_given_up_sooner);
	tcase_add_test(c, a_kept_connection_that_was_closed_meanwhile_costs_no_error);
	tcase_add_test(c, a_cut_is_an_error_and_not_sent_again);
	tcase_add_test(c, what_an_answer_has_too_much_is_ignored);
	tcase_add_test(c, the_rest_of_an_answer_that_will_not_end_is_not_waited_for);
	tcase_add_test(c, where_nothing_is_ignored_it_is_an_error);
	tcase_add_test(c, no_redirect_is_followed);
	tcase_add_test(c, a_handle_serves_again_after_any_end);
	tcase_add_test(c, what_cannot_be_sent_is_refused);
	suite_add_tcase(suite, c);

	tcase_add_checked_fixture(connecting, setup, teardown);
	tcase_add_test(connecting, who_listens_is_connected_to_and_asked_nothing);
	tcase_add_test(connecting, who_does_not_listen_is_named);
	tcase_add_test(connecting, an_attempt_to_connect_ends_as_a_requests_would);
	suite_add_tcase(suite, connecting);
	return test_suite_run(suite);
}

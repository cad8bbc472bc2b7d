#include <arpa/inet.h>
#include <check.h>
#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "../support/test_seen.h"
#include "../support/test_server.h"
#include "../support/test_suite.h"
#include "net/http.h"

#define SOON (5 * USEC_PER_SEC)

static sd_event *event;
static struct http *http;
static struct test_server *server;

static void await(const struct seen *seen, unsigned n_callbacks)
{
	test_seen_await(event, seen, n_callbacks);
}

/* A clock that the server's thread may put forward. */
static _Atomic usec_t clock_ahead;

/* Answers by path; the request comes back in the body. */
static enum test_then answer(void *userdata, const struct test_request *request, struct strbuf *out)
{
	const char *path = request->path;

	(void)userdata;
	if (strcmp(path, "/never") == 0)
		return TEST_KEEP;
	if (strcmp(path, "/cut") == 0)
		return TEST_CLOSE;
	if (strcmp(path, "/late-cut") == 0) {
		clock_ahead += 2 * USEC_PER_SEC;
		return TEST_CLOSE;
	}
	if (strcmp(path, "/reset") == 0)
		return TEST_RESET;
	if (strcmp(path, "/part") == 0) {
		strbuf_puts(out, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nthat is not all");
		return TEST_CLOSE;
	}
	if (strcmp(path, "/stall") == 0) {
		strbuf_puts(out, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nthat is not all");
		return TEST_KEEP;
	}
	if (strcmp(path, "/chunked") == 0) {
		strbuf_puts(out, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
				 "5\r\n12345\r\n5\r\n67890\r\n0\r\n\r\n");
		return TEST_KEEP;
	}
	if (strcmp(path, "/nonsense") == 0) {
		strbuf_puts(out, "what do you want?\r\n\r\n");
		return TEST_CLOSE;
	}
	if (strncmp(path, "/redirect/", 10) == 0) {
		strbuf_printf(out,
			"HTTP/1.1 %.3s Elsewhere\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
			path + 10, path + 14);
		return TEST_KEEP;
	}
	if (strcmp(path, "/drip") == 0) {
		strbuf_puts(out, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
		for (unsigned i = 0; i < 1000; i++)
			strbuf_puts(out, ".");
		return TEST_DRIP;
	}
	if (strcmp(path, "/last") == 0) {
		test_answer(out, 200, "text/plain", "goodbye");
		return TEST_CLOSE;
	}
	if (strcmp(path, "/interim") == 0)
		strbuf_puts(
			out, "HTTP/1.1 103 Early Hints\r\nX-One: early\r\nX-Early: yes\r\n\r\n");
	strbuf_printf(out,
		"HTTP/1.1 %s\r\nX-One:  first value \r\nx-two:second\r\nContent-Length: "
		"%zu\r\n\r\n",
		strcmp(path, "/404") == 0 ? "404 Not Found" : "200 OK",
		strlen(request->head) + request->body_len);
	strbuf_puts(out, request->head);
	strbuf_append(out, request->body, request->body_len);
	return TEST_KEEP;
}

static void start_server(enum test_tls tls)
{
	server = test_server_new(tls, answer, NULL);
}

static void start_http(const struct http_options *options)
{
	ck_assert_int_eq(http_new(event, options, &http), 0);
}

static void setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(curl_global_init(CURL_GLOBAL_DEFAULT), 0);
	ck_assert_int_ge(sd_event_new(&event), 0);
}

static void setup_plain(void)
{
	setup();
	start_server(TEST_PLAIN);
	start_http(&(struct http_options){.user_agent = "nexus-test/1"});
}

static void teardown(void)
{
	http = http_free(http);
	server = test_server_free(server);
	event = sd_event_unref(event);
	curl_global_cleanup();
}

static const char *url(const char *path)
{
	static char text[128];

	snprintf(text, sizeof text, "%s%s", test_server_url(server), path);
	return text;
}

static struct http_call *get(const char *path, usec_t timeout, struct seen *seen)
{
	struct http_call *call = NULL;
	struct http_request request = {
		.method = "GET",
		.url = url(path),
		.timeout = timeout,
		.max_answer = 4000,
	};

	ck_assert_int_eq(http_start(http, &request, test_seen_done, seen, &call), 0);
	return call;
}

START_TEST(request_and_answer_arrive_whole)
{
	const struct http_header headers[] = {{"Content-Type", "text/plain"}, {"X-Mine", "yes"}};
	const char *const wanted[] = {"x-two", "X-ONE", "x-three"};
	struct http_request request = {
		.method = "POST",
		.url = url("/ok"),
		.headers = headers,
		.n_headers = 2,
		.body = "a\0b",
		.body_len = 3,
		.wanted = wanted,
		.n_wanted = 3,
		.timeout = SOON,
		.max_answer = 4000,
	};
	struct seen seen = {0};
	usec_t before = clock_boottime();

	ck_assert_int_eq(http_start(http, &request, test_seen_done, &seen, NULL), 0);
	await(&seen, 1);

	ck_assert_int_eq(seen.error, 0);
	ck_assert_str_eq(seen.error_text, "");
	ck_assert_uint_eq(seen.status, 200);
	ck_assert_ptr_nonnull(strstr(seen.body, "POST /ok HTTP/1.1\r\n"));
	ck_assert_ptr_nonnull(strstr(seen.body, "\r\nContent-Type: text/plain\r\nX-Mine: yes\r\n"));
	ck_assert_ptr_nonnull(strstr(seen.body, "\r\nContent-Length: 3\r\n"));
	ck_assert_ptr_nonnull(strstr(seen.body, "\r\nUser-Agent: nexus-test/1\r\n"));
	ck_assert_ptr_null(strstr(seen.body, "Accept-Encoding"));
	ck_assert_uint_eq(seen.body_len, strlen(seen.body) + 2);
	ck_assert_str_eq(seen.headers[0], "second");
	ck_assert_str_eq(seen.headers[1], "first value");
	ck_assert_str_eq(seen.headers[2], "-");
	ck_assert_uint_ge(seen.sent_at, before);
	ck_assert_uint_ge(seen.first_byte_at, seen.sent_at);
	ck_assert_uint_le(seen.first_byte_at, clock_boottime());
}
END_TEST

START_TEST(other_methods_and_empty_bodies_go_out_as_said)
{
	struct seen seen = {0};
	struct http_request request = {
		.method = "PUT", .url = url("/ok"), .timeout = SOON, .max_answer = 4000};

	ck_assert_int_eq(http_start(http, &request, test_seen_done, &seen, NULL), 0);
	await(&seen, 1);
	ck_assert_ptr_nonnull(strstr(seen.body, "PUT /ok HTTP/1.1\r\n"));
	ck_assert_ptr_nonnull(strstr(seen.body, "\r\nContent-Length: 0\r\n"));

	/* The same handle again: nothing of the last request is left on it. */
	get("/ok", SOON, &seen);
	await(&seen, 2);
	ck_assert_ptr_nonnull(strstr(seen.body, "GET /ok HTTP/1.1\r\n"));
	ck_assert_ptr_null(strstr(seen.body, "Content-Length"));
}
END_TEST

START_TEST(a_megabyte_goes_out_without_asking_for_leave)
{
	static char body[(1 << 20) + 1];
	struct seen seen = {0};
	struct http_request request = {
		.method = "POST",
		.url = url("/404"),
		.body = body,
		.body_len = sizeof body,
		.timeout = SOON,
		.max_answer = 2 << 20,
	};

	memset(body, 'x', sizeof body);
	ck_assert_int_eq(http_start(http, &request, test_seen_done, &seen, NULL), 0);
	await(&seen, 1);
	ck_assert_uint_eq(seen.status, 404);
	ck_assert_uint_gt(seen.body_len, sizeof body);
	ck_assert_ptr_null(strstr(seen.body, "Expect"));
}
END_TEST

START_TEST(the_callback_does_not_come_from_inside_start)
{
	struct seen seen = {0};

	get("/ok", SOON, &seen);
	ck_assert_uint_eq(seen.n_callbacks, 0);
	await(&seen, 1);
}
END_TEST

START_TEST(a_connection_serves_many_requests)
{
	struct seen seen = {0};

	for (unsigned i = 1; i <= 20; i++) {
		get("/ok", SOON, &seen);
		await(&seen, i);
		ck_assert_int_eq(seen.error, 0);
	}
	ck_assert_uint_eq(test_server_connections(server), 1);
	ck_assert_uint_eq(test_server_requests(server), 20);
}
END_TEST

START_TEST(many_requests_are_out_at_once_and_all_come_back)
{
	struct seen seen = {0};

	for (unsigned round = 1; round <= 3; round++) {
		for (unsigned i = 0; i < 100; i++)
			get("/ok", SOON, &seen);
		await(&seen, round * 100);
	}
	ck_assert_uint_le(test_server_connections(server), 100);
}
END_TEST

/* Cancels the other from inside its callback, and starts another request. */
struct pair {
	struct seen seen;
	struct http_call *other;
};

static void on_first_of_pair(void *userdata, const struct http_response *response)
{
	struct pair *pair = userdata;

	test_seen_done(&pair->seen, response);
	if (pair->other) {
		http_cancel(pair->other);
		pair->other = NULL;
		get("/ok", SOON, &pair->seen);
	}
}

START_TEST(a_callback_may_cancel_and_start_others)
{
	struct pair pair = {0};
	struct http_request request = {.method = "GET", .timeout = SOON, .max_answer = 4000};
	struct seen never = {0};

	pair.other = get("/never", SOON, &never);
	request.url = url("/ok");
	ck_assert_int_eq(http_start(http, &request, on_first_of_pair, &pair, NULL), 0);
	await(&pair.seen, 2);
	ck_assert_uint_eq(never.n_callbacks, 0);
}
END_TEST

START_TEST(after_cancel_no_callback_comes)
{
	struct seen seen = {0}, other = {0};

	struct http_call *unsent = get("/ok", SOON, &seen);
	http_cancel(unsent);
	struct http_call *out = get("/never", SOON, &seen);
	while (test_server_requests(server) == 0)
		ck_assert_int_ge(sd_event_run(event, 1000), 0);
	http_cancel(out);

	get("/ok", SOON, &other);
	await(&other, 1);
	ck_assert_uint_eq(seen.n_callbacks, 0);
	/* The connection that the answer might still come on was not used again. */
	ck_assert_uint_eq(test_server_connections(server), 2);
}
END_TEST

START_TEST(a_deadline_ends_what_is_not_answered)
{
	struct seen seen = {0};
	usec_t before = clock_monotonic();

	get("/never", 50 * USEC_PER_MSEC, &seen);
	await(&seen, 1);
	ck_assert_int_eq(seen.error, -ETIMEDOUT);
	ck_assert_str_eq(seen.error_text, "no answer in time");
	ck_assert_uint_ge(clock_monotonic() - before, 50 * USEC_PER_MSEC);
	ck_assert_uint_ne(seen.sent_at, 0);
	ck_assert_uint_eq(seen.first_byte_at, 0);

	get("/stall", 50 * USEC_PER_MSEC, &seen);
	await(&seen, 2);
	ck_assert_int_eq(seen.error, -ETIMEDOUT);
	ck_assert_str_eq(seen.error_text, "the answer did not end in time");
}
END_TEST

START_TEST(each_deadline_is_kept_whatever_the_order)
{
	struct seen late = {0}, early = {0}, answered = {0};

	get("/never", 80 * USEC_PER_MSEC, &late);
	get("/never", 20 * USEC_PER_MSEC, &early);
	get("/ok", 40 * USEC_PER_MSEC, &answered);
	await(&answered, 1);
	ck_assert_int_eq(answered.error, 0);
	await(&early, 1);
	ck_assert_uint_eq(late.n_callbacks, 0);
	await(&late, 1);
	ck_assert_int_eq(late.error, -ETIMEDOUT);
}
END_TEST

START_TEST(who_does_not_connect_in_time_is_given_up_before_who_does_not_answer)
{
	struct seen silent = {0}, unanswered = {0};
	char over_tls[160];

	/* The server waits for a request in plain, the client for an answer to its greeting. */
	snprintf(over_tls, sizeof over_tls, "https%s", url("/never") + strlen("http"));
	struct http_request request = {
		.method = "GET",
		.url = over_tls,
		.timeout = 4 * SOON,
		.connect_timeout = 20 * USEC_PER_MSEC,
		.max_answer = 4000,
	};
	get("/never", SOON, &unanswered);
	ck_assert_int_eq(http_start(http, &request, test_seen_done, &silent, NULL), 0);
	await(&silent, 1);
	ck_assert_int_eq(silent.error, -ETIMEDOUT);
	ck_assert_str_eq(silent.error_text, "no connection in time");
	ck_assert_uint_eq(unanswered.n_callbacks, 0);
}
END_TEST

START_TEST(a_direct_request_passes_every_proxy_by)
{
	struct seen seen = {0};
	struct http_request request = {
		.method = "GET",
		.url = url("/ok"),
		.timeout = SOON,
		.max_answer = 4000,
	};

	/* Nobody listens there. */
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	for (unsigned i = 1; i <= 4; i++) {
		request.direct = i % 2 == 1;
		ck_assert_int_eq(http_start(http, &request, test_seen_done, &seen, NULL), 0);
		await(&seen, i);
		ck_assert_int_eq(seen.error, request.direct ? 0 : -ECONNREFUSED);
	}
}
END_TEST

START_TEST(a_cut_is_an_error)
{
	static const char *const paths[] = {"/cut", "/reset", "/part"};

	for (unsigned i = 0; i < 3; i++) {
		struct seen seen = {0};

		get(paths[i], SOON, &seen);
		await(&seen, 1);
		ck_assert_int_eq(seen.error, -ECONNRESET);
		ck_assert_str_ne(seen.error_text, "");
		ck_assert_uint_eq(seen.body_len, 0);
	}
}
END_TEST

START_TEST(a_connection_that_the_server_closed_is_not_used_again)
{
	struct seen seen = {0};

	for (unsigned i = 1; i <= 3; i++) {
		get("/last", SOON, &seen);
		await(&seen, i);
		ck_assert_int_eq(seen.error, 0);
	}
	ck_assert_uint_eq(test_server_connections(server), 3);
}
END_TEST

static usec_t skewed_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (usec_t)ts.tv_sec * USEC_PER_SEC + (usec_t)ts.tv_nsec / 1000 + clock_ahead;
}

START_TEST(a_kept_connection_that_proves_closed_is_tried_once_more_but_only_at_once)
{
	struct seen seen = {0};

	get("/ok", SOON, &seen);
	await(&seen, 1);
	get("/cut", SOON, &seen);
	await(&seen, 2);
	ck_assert_int_eq(seen.error, -ECONNRESET);
	ck_assert_uint_eq(test_server_requests(server), 3);

	clock_replace(skewed_clock);
	get("/ok", SOON, &seen);
	await(&seen, 3);
	get("/late-cut", SOON, &seen);
	await(&seen, 4);
	clock_replace(NULL);
	ck_assert_int_eq(seen.error, -ECONNRESET);
	ck_assert_str_eq(seen.error_text, "the connection was closed without an answer");
	ck_assert_uint_eq(test_server_requests(server), 5);
}
END_TEST

START_TEST(after_a_failure_idle_connections_are_not_trusted)
{
	static const char *const paths[] = {"/never", "/reset", "/nonsense"};
	struct seen seen = {0};

	for (unsigned i = 0; i < N_OF(paths); i++) {
		struct seen failure = {0};
		get("/ok", SOON, &seen);
		get("/ok", SOON, &seen);
		await(&seen, 3 * i + 2);
		get(paths[i], strcmp(paths[i], "/never") == 0 ? 50 * USEC_PER_MSEC : SOON,
			&failure);
		await(&failure, 1);
		ck_assert_int_lt(failure.error, 0);
		unsigned n_before = test_server_connections(server);
		get("/ok", SOON, &seen);
		await(&seen, 3 * i + 3);
		ck_assert_int_eq(seen.error, 0);
		ck_assert_uint_eq(test_server_connections(server), n_before + 1);
	}
}
END_TEST

/* libcurl's clock, and with it how long a connection has lain idle. */
static _Atomic time_t libcurl_ahead;
/* What only CLOCK_BOOTTIME counts. */
static _Atomic time_t asleep;

int clock_gettime(clockid_t id, struct timespec *ret)
{
	static int (*real)(clockid_t, struct timespec *);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	int r = real(id, ret);
	ret->tv_sec += libcurl_ahead + (id == CLOCK_BOOTTIME ? asleep : 0);
	return r;
}

START_TEST(a_connection_that_lay_idle_for_long_is_not_used_again)
{
	struct seen seen = {0};

	get("/ok", SOON, &seen);
	await(&seen, 1);
	libcurl_ahead = 100;
	get("/ok", SOON, &seen);
	await(&seen, 2);
	ck_assert_uint_eq(test_server_connections(server), 1);
	libcurl_ahead = 100 + 300;
	get("/ok", SOON, &seen);
	await(&seen, 3);
	ck_assert_int_eq(seen.error, 0);
	ck_assert_uint_eq(test_server_connections(server), 2);
}
END_TEST

/* The value of a TCP option on the connection to the server. */
static int tcp_option(int level, int option)
{
	for (int fd = 0; fd < 256; fd++) {
		struct sockaddr_in peer = {0};
		socklen_t len = sizeof peer;
		int value = -1;

		if (getpeername(fd, (struct sockaddr *)&peer, &len) < 0 ||
			ntohs(peer.sin_port) != test_server_port(server))
			continue;
		len = sizeof value;
		ck_assert_int_eq(getsockopt(fd, level, option, &value, &len), 0);
		return value;
	}
	ck_abort_msg("no connection");
}

START_TEST(a_nat_on_the_way_is_kept_awake)
{
	struct seen seen = {0};

	get("/never", SOON, &seen);
	while (test_server_requests(server) == 0)
		ck_assert_int_ge(sd_event_run(event, 1000), 0);
	ck_assert_int_eq(tcp_option(SOL_SOCKET, SO_KEEPALIVE), 1);
	ck_assert_int_lt(tcp_option(IPPROTO_TCP, TCP_KEEPIDLE), 350);
	ck_assert_int_gt(tcp_option(IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
}
END_TEST

START_TEST(a_sleep_of_the_machine_counts_for_deadlines_and_for_idle_connections)
{
	struct seen seen = {0}, over = {0}, within = {0};

	get("/ok", SOON, &seen);
	await(&seen, 1);
	get("/never", 60 * USEC_PER_SEC, &over);
	get("/never", 200 * USEC_PER_SEC, &within);
	while (test_server_requests(server) < 3)
		ck_assert_int_ge(sd_event_run(event, 1000), 0);
	get("/ok", SOON, &seen);
	await(&seen, 2);
	unsigned n_before = test_server_connections(server);

	usec_t woke_at = clock_monotonic();
	asleep = 100;
	get("/ok", SOON, &seen);
	await(&over, 1);
	ck_assert_int_eq(over.error, -ETIMEDOUT);
	/* Not when a timer that had slept too comes to it. */
	ck_assert_uint_lt(clock_monotonic() - woke_at, SOON / 2);
	await(&seen, 3);
	ck_assert_int_eq(seen.error, 0);
	ck_assert_uint_eq(test_server_connections(server), n_before + 1);
	ck_assert_uint_eq(within.n_callbacks, 0);
}
END_TEST

START_TEST(a_sleep_closes_idle_connections_and_is_noticed_once)
{
	struct seen seen = {0};

	for (unsigned i = 1; i <= 4; i++) {
		get("/ok", SOON, &seen);
		await(&seen, i);
		ck_assert_int_eq(seen.error, 0);
		ck_assert_uint_eq(test_server_connections(server), i <= 2 ? 1 : 2);
		asleep = i >= 2 ? 100 : 0;
	}
}
END_TEST

START_TEST(past_the_ceiling_is_an_error)
{
	struct http_request request = {.method = "GET", .timeout = SOON};
	/* The last one is known to be too large before it has come. */
	static const struct {
		const char *path;
		size_t max_answer;
	} cases[] = {{"/chunked", 9}, {"/stall", 9}, {"/stall", 99}};

	for (unsigned i = 0; i < 3; i++) {
		struct seen seen = {0};

		request.url = url(cases[i].path);
		request.max_answer = cases[i].max_answer;
		ck_assert_int_eq(http_start(http, &request, test_seen_done, &seen, NULL), 0);
		await(&seen, 1);
		ck_assert_int_eq(seen.error, -EMSGSIZE);
		ck_assert_str_eq(seen.error_text, "the answer is larger than expected");
		ck_assert_uint_eq(seen.body_len, 0);
	}

	struct seen seen = {0};
	request.url = url("/chunked");
	request.max_answer = 10;
	ck_assert_int_eq(http_start(http, &request, test_seen_done, &seen, NULL), 0);
	await(&seen, 1);
	ck_assert_str_eq(seen.body, "1234567890");
}
END_TEST

START_TEST(what_is_not_http_is_an_error)
{
	struct seen seen = {0};

	get("/nonsense", SOON, &seen);
	await(&seen, 1);
	ck_assert_int_eq(seen.error, -EBADMSG);
}
END_TEST

START_TEST(a_redirect_is_an_answer_and_takes_nothing_anywhere_else)
{
	static const unsigned statuses[] = {301, 302, 303, 307, 308};
	const struct http_header headers[] = {{"Authorization", "AWS4-HMAC-SHA256 secret"}};
	_cleanup_(test_server_freep) struct test_server *other =
		test_server_new(TEST_PLAIN, answer, NULL);
	char path[128];
	struct seen seen = {0};

	for (unsigned i = 0; i < N_OF(statuses); i++) {
		snprintf(path, sizeof path, "/redirect/%u/%s", statuses[i], test_server_url(other));
		struct http_request request = {
			.method = "POST",
			.url = url(path),
			.headers = headers,
			.n_headers = 1,
			.body = "body",
			.body_len = 4,
			.timeout = SOON,
			.max_answer = 4000,
		};
		ck_assert_int_eq(http_start(http, &request, test_seen_done, &seen, NULL), 0);
		await(&seen, i + 1);
		ck_assert_int_eq(seen.error, 0);
		ck_assert_uint_eq(seen.status, statuses[i]);
		ck_assert_uint_eq(test_server_requests(server), i + 1);
	}
	ck_assert_uint_eq(test_server_connections(other), 0);
}
END_TEST

START_TEST(a_deadline_holds_for_an_answer_that_comes_byte_by_byte)
{
	struct seen seen = {0};

	get("/drip", 300 * USEC_PER_MSEC, &seen);
	await(&seen, 1);
	ck_assert_int_eq(seen.error, -ETIMEDOUT);
	ck_assert_str_eq(seen.error_text, "the answer did not end in time");
	ck_assert_uint_eq(seen.body_len, 0);
}
END_TEST

START_TEST(headers_of_an_interim_answer_do_not_count)
{
	const char *const wanted[] = {"X-One", "X-Early"};
	struct http_request request = {.method = "GET",
		.url = url("/interim"),
		.wanted = wanted,
		.n_wanted = 2,
		.timeout = SOON,
		.max_answer = 4000};
	struct seen seen = {0};

	ck_assert_int_eq(http_start(http, &request, test_seen_done, &seen, NULL), 0);
	await(&seen, 1);
	ck_assert_uint_eq(seen.status, 200);
	ck_assert_str_eq(seen.headers[0], "first value");
	ck_assert_str_eq(seen.headers[1], "-");
}
END_TEST

START_TEST(nobody_listening_is_an_error)
{
	struct seen seen = {0};
	char gone[128];

	snprintf(gone, sizeof gone, "%s", url("/ok"));
	server = test_server_free(server);
	struct http_request request = {
		.method = "GET", .url = gone, .timeout = SOON, .max_answer = 4000};
	ck_assert_int_eq(http_start(http, &request, test_seen_done, &seen, NULL), 0);
	ck_assert_uint_eq(seen.n_callbacks, 0);
	await(&seen, 1);
	ck_assert_int_eq(seen.error, -ECONNREFUSED);
	ck_assert_uint_eq(seen.sent_at, 0);
}
END_TEST

START_TEST(bad_requests_are_refused_at_once)
{
	struct http_request request = {.method = "GET", .timeout = SOON, .max_answer = 4000};
	const struct http_header split = {"X-A", "b\r\nX-C: d"};
	struct http_call *call = (void *)&split;
	static const struct {
		const char *url;
		int error;
	} cases[] = {
		{"", -EINVAL},
		{"nonsense", -EINVAL},
		{"http://192.0.2.1/", -EPERM},
		{"http://localhost.example/", -EPERM},
		{"ftp://127.0.0.1/", -EPROTONOSUPPORT},
		{"gopher7://127.0.0.1/", -EPROTONOSUPPORT},
		{"https://user:word@127.0.0.1/", -EINVAL},
		{"http://127.0.0.1\r\n/", -EINVAL},
	};

	for (size_t i = 0; i < N_OF(cases); i++) {
		request.url = cases[i].url;
		ck_assert_int_eq(http_check_url(cases[i].url, false), cases[i].error);
		ck_assert_int_eq(
			http_start(http, &request, test_seen_done, NULL, &call), cases[i].error);
	}
	request.url = url("/ok");
	request.headers = &split;
	request.n_headers = 1;
	ck_assert_int_eq(http_start(http, &request, test_seen_done, NULL, &call), -EINVAL);
	ck_assert_ptr_eq(call, &split);
	ck_assert_int_eq(http_check_url("http://127.9.9.9:1/", false), 0);
	ck_assert_int_eq(http_check_url("http://[::1]:1/", false), 0);
	ck_assert_int_eq(http_check_url("http://localhost:1/", false), 0);
	ck_assert_int_eq(http_check_url("https://example.com/", false), 0);
}
END_TEST

START_TEST(tear_down_with_requests_out_gives_no_callback)
{
	struct seen seen = {0};

	get("/ok", SOON, &seen);
	await(&seen, 1);
	for (unsigned i = 0; i < 10; i++)
		get("/never", SOON, &seen);
	while (test_server_requests(server) < 11)
		ck_assert_int_ge(sd_event_run(event, 1000), 0);
	http = http_free(http);
	while (sd_event_run(event, 0) > 0)
		;
	ck_assert_uint_eq(seen.n_callbacks, 1);
}
END_TEST

/*
 * libcurl's lookups come here instead of to the C library: counted, and held up where a test wants
 * that.
 */
static atomic_uint n_lookups;
static pthread_mutex_t lookup_gate = PTHREAD_MUTEX_INITIALIZER;

int getaddrinfo(
	const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **ret)
{
	static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

	atomic_fetch_add(&n_lookups, 1);
	pthread_mutex_lock(&lookup_gate);
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	pthread_mutex_unlock(&lookup_gate);
	return real(strcmp(host, "sqs.example") == 0 ? "127.0.0.1" : host, service, hints, ret);
}

static int start_by_name(
	const char *path, usec_t timeout, bool plain, struct seen *seen, struct http_call **ret)
{
	char named[128];
	struct http_request request = {
		.method = "GET",
		.url = named,
		.timeout = timeout,
		.max_answer = 4000,
		.plain = plain,
	};

	snprintf(named, sizeof named, "http://sqs.example:%u%s", test_server_port(server), path);
	return http_start(http, &request, test_seen_done, seen, ret);
}

static struct http_call *get_by_name(const char *path, usec_t timeout, struct seen *seen)
{
	struct http_call *call;

	ck_assert_int_eq(start_by_name(path, timeout, true, seen, &call), 0);
	return call;
}

START_TEST(leave_for_plain_http_is_one_requests_and_not_the_next_ones)
{
	struct seen seen = {0};
	struct http_call *call = (void *)&seen;

	get_by_name("/last", SOON, &seen);
	await(&seen, 1);
	ck_assert_int_eq(seen.error, 0);
	ck_assert_int_eq(start_by_name("/last", SOON, false, &seen, &call), -EPERM);
	ck_assert_ptr_eq(call, &seen);
}
END_TEST

START_TEST(a_name_is_looked_up_once_until_the_transport_fails)
{
	struct seen seen = {0};

	for (unsigned i = 1; i <= 3; i++) {
		get_by_name("/last", SOON, &seen);
		await(&seen, i);
		ck_assert_int_eq(seen.error, 0);
	}
	ck_assert_uint_eq(n_lookups, 1);

	get_by_name("/cut", SOON, &seen);
	await(&seen, 4);
	ck_assert_int_eq(seen.error, -ECONNRESET);
	ck_assert_uint_eq(n_lookups, 1);
	for (unsigned i = 5; i <= 7; i++) {
		get_by_name("/last", SOON, &seen);
		await(&seen, i);
		ck_assert_int_eq(seen.error, 0);
	}
	ck_assert_uint_eq(n_lookups, 2);
}
END_TEST

START_TEST(a_silent_name_server_holds_nothing_up)
{
	struct seen named = {0}, other = {0};

	pthread_mutex_lock(&lookup_gate);
	struct http_call *cancelled = get_by_name("/ok", SOON, &named);
	get_by_name("/ok", 50 * USEC_PER_MSEC, &named);
	while (n_lookups < 2)
		ck_assert_int_ge(sd_event_run(event, 1000), 0);
	http_cancel(cancelled);
	await(&named, 1);
	ck_assert_int_eq(named.error, -ETIMEDOUT);
	ck_assert_str_eq(named.error_text, "the name servers do not answer for its name");

	get("/ok", SOON, &other);
	await(&other, 1);
	ck_assert_int_eq(other.error, 0);
	pthread_mutex_unlock(&lookup_gate);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("http");
	TCase *plain = tcase_create("plain");

	tcase_add_checked_fixture(plain, setup_plain, teardown);
	tcase_add_test(plain, request_and_answer_arrive_whole);
	tcase_add_test(plain, other_methods_and_empty_bodies_go_out_as_said);
	tcase_add_test(plain, a_megabyte_goes_out_without_asking_for_leave);
	tcase_add_test(plain, the_callback_does_not_come_from_inside_start);
	tcase_add_test(plain, a_connection_serves_many_requests);
	tcase_add_test(plain, many_requests_are_out_at_once_and_all_come_back);
	tcase_add_test(plain, a_callback_may_cancel_and_start_others);
	tcase_add_test(plain, after_cancel_no_callback_comes);
	tcase_add_test(plain, a_deadline_ends_what_is_not_answered);
	tcase_add_test(plain, each_deadline_is_kept_whatever_the_order);
	tcase_add_test(plain, who_does_not_connect_in_time_is_given_up_before_who_does_not_answer);
	tcase_add_test(plain, a_direct_request_passes_every_proxy_by);
	tcase_add_test(plain, a_cut_is_an_error);
	tcase_add_test(plain, a_connection_that_the_server_closed_is_not_used_again);
	tcase_add_test(
		plain, a_kept_connection_that_proves_closed_is_tried_once_more_but_only_at_once);
	tcase_add_test(plain, after_a_failure_idle_connections_are_not_trusted);
	tcase_add_test(plain, a_connection_that_lay_idle_for_long_is_not_used_again);
	tcase_add_test(plain, a_nat_on_the_way_is_kept_awake);
	tcase_add_test(plain, a_sleep_of_the_machine_counts_for_deadlines_and_for_idle_connections);
	tcase_add_test(plain, a_sleep_closes_idle_connections_and_is_noticed_once);
	tcase_add_test(plain, past_the_ceiling_is_an_error);
	tcase_add_test(plain, what_is_not_http_is_an_error);
	tcase_add_test(plain, a_redirect_is_an_answer_and_takes_nothing_anywhere_else);
	tcase_add_test(plain, a_deadline_holds_for_an_answer_that_comes_byte_by_byte);
	tcase_add_test(plain, headers_of_an_interim_answer_do_not_count);
	tcase_add_test(plain, nobody_listening_is_an_error);
	tcase_add_test(plain, bad_requests_are_refused_at_once);
	tcase_add_test(plain, leave_for_plain_http_is_one_requests_and_not_the_next_ones);
	tcase_add_test(plain, tear_down_with_requests_out_gives_no_callback);
	tcase_add_test(plain, a_name_is_looked_up_once_until_the_transport_fails);
	tcase_add_test(plain, a_silent_name_server_holds_nothing_up);
	suite_add_tcase(s, plain);
	return s;
}

int main(void)
{
	return test_suite_run(suite());
}

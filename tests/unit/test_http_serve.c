#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>

#include "../support/test_suite.h"
#include "base/strbuf.h"
#include "net/http_serve.h"
#include "wiped.h"

#define SOON       (5 * USEC_PER_SEC)
#define A_MOMENT   (50 * USEC_PER_MSEC)
#define ANSWER_MAX ((size_t)32 << 20)
#define HELD_MAX   8

#define GET(path) "GET " path " HTTP/1.1\r\nHost: here\r\n\r\n"

static sd_event *event;
static struct http_serve *serve;

/* What the callbacks saw. */
static unsigned n_requests, n_gone, n_too_large;
static struct serve_request *held[HELD_MAX];
static size_t n_held;
static struct serve_request *gone;
static char said[1024];
static size_t body_len;

static bool freeing; /* the server, as soon as one is called */

static void answer_text(struct serve_request *request, unsigned status, const char *text)
{
	serve_answer(request,
		&(struct serve_answer){.status = status, .body = text, .body_len = strlen(text)});
}

static void on_request(void *userdata, struct serve_request *request)
{
	const char *mark = serve_header(request, "X-Mark");
	const char *body = serve_body(request, &body_len);

	ck_assert_ptr_eq(userdata, said);
	n_requests++;
	if (freeing) {
		serve = http_serve_free(serve);
		return;
	}
	if (strcmp(serve_path(request), "/later") == 0) {
		ck_assert_uint_lt(n_held, HELD_MAX);
		held[n_held++] = request;
		return;
	}
	snprintf(said, sizeof said, "%s %s [%s] %zu:%.16s", serve_method(request),
		serve_path(request), mark ? mark : "", body_len, body);
	answer_text(request, 200, said);
}

static void on_too_large(void *userdata, struct serve_request *request)
{
	ck_assert_ptr_eq(userdata, said);
	serve_body(request, &body_len);
	n_too_large++;
	answer_text(request, 413, "too large, we say");
}

static void on_gone(void *userdata, struct serve_request *request)
{
	ck_assert_ptr_eq(userdata, said);
	ck_assert_str_eq(serve_path(request), "/later");
	gone = request;
	n_gone++;
	if (freeing)
		serve = http_serve_free(serve);
}

static bool admit_nobody(void *userdata, const struct sockaddr *client)
{
	ck_assert_ptr_eq(userdata, said);
	ck_assert_int_eq(client->sa_family, AF_INET);
	return false;
}

static void setup(void)
{
	ck_assert_int_ge(sd_event_new(&event), 0);
}

static void teardown(void)
{
	http_serve_free(serve);
	sd_event_unref(event);
}

static void start(struct http_serve_options options)
{
	options.request = on_request;
	options.userdata = said;
	ck_assert_int_eq(http_serve_new(event, &options, &serve), 0);
}

/* ---- Clients ---- */

static int client_new(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(http_serve_port(serve)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

static void turn(void)
{
	ck_assert_int_ge(sd_event_run(event, 10 * USEC_PER_MSEC), 0);
}

/* While the loop runs: the server may have to read first. */
static void client_say(int fd, const char *text, size_t len)
{
	usec_t until = clock_monotonic() + SOON;

	while (len > 0 && clock_monotonic() < until) {
		ssize_t n = send(fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0)
			ck_assert_int_eq(errno, EAGAIN);
		else
			text += n, len -= (size_t)n;
		turn();
	}
	ck_assert_uint_eq(len, 0);
}

static void client_ask(int fd, const char *text)
{
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static int client_asks(const char *text)
{
	int fd = client_new();

	client_ask(fd, text);
	return fd;
}

/* What comes, until last has come (NULL: nothing is the last), or the end; owned. */
static char *client_hear(int fd, const char *last, bool *ret_end)
{
	struct strbuf heard;
	usec_t until = clock_monotonic() + SOON;
	char data[65536];

	strbuf_init(&heard, ANSWER_MAX);
	*ret_end = false;
	while (!*ret_end && !(last && strstr(strbuf_str(&heard), last))) {
		ck_assert_uint_lt(clock_monotonic(), until);
		ssize_t n = recv(fd, data, sizeof data, MSG_DONTWAIT);
		if (n > 0)
			strbuf_append(&heard, data, (size_t)n);
		else if (n == 0 || errno == ECONNRESET)
			*ret_end = true;
		else
			turn();
	}
	strbuf_putc(&heard, '\0');
	return strbuf_take(&heard);
}

static void client_expect(int fd, const char *text)
{
	bool end;
	_cleanup_free_ char *heard = client_hear(fd, text, &end);

	ck_assert_msg(!end, "the connection ended; it said: %s", heard);
}

/* It ends, and this was said before; NULL: whatever. */
static void client_expect_end(int fd, const char *text)
{
	bool end;
	_cleanup_free_ char *heard = client_hear(fd, NULL, &end);

	if (text && *text == '\0')
		ck_assert_str_eq(heard, "");
	else if (text)
		ck_assert_ptr_nonnull(strstr(heard, text));
	close(fd);
}

static void await(const unsigned *counter, unsigned n)
{
	usec_t until = clock_monotonic() + SOON;

	while (*counter < n) {
		ck_assert_uint_lt(clock_monotonic(), until);
		turn();
	}
	ck_assert_uint_eq(*counter, n);
}

/* The loop has nothing to do, and has nothing to do for a while. */
static void expect_rest(void)
{
	unsigned n_turns = 0;

	while (sd_event_run(event, 0) > 0)
		ck_assert_uint_lt(n_turns++, 1000);
	/* A deadline that was put off may still fire, once. */
	if (sd_event_run(event, 2 * A_MOMENT) > 0)
		ck_assert_int_eq(sd_event_run(event, 2 * A_MOMENT), 0);
}

/* ---- Requests and answers ---- */

START_TEST(a_request_is_handed_over_whole_and_answered)
{
	start((struct http_serve_options){.max_body = 64});
	_cleanup_close_ int fd = client_new();

	client_ask(fd, "POST /a%2Fb/c?query=1 HTTP/1.1\r\nHost: here\r\nx-mark: one\r\n"
		       "Content-Length: 10\r\n\r\nhello");
	expect_rest();
	ck_assert_uint_eq(n_requests, 0);
	client_ask(fd, "12345");
	client_expect(fd, "POST /a%2Fb/c [one] 10:hello12345");
}
END_TEST

START_TEST(one_connection_carries_many_requests_also_at_once)
{
	start((struct http_serve_options){.max_body = 64});
	_cleanup_close_ int fd = client_asks(GET("/1"));

	client_expect(fd, "GET /1 [] 0:");
	client_ask(fd, GET("/2") "PUT /3 HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n"
				 "\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n" GET("/4"));
	client_expect(fd, "GET /4 [] 0:");
	ck_assert_uint_eq(n_requests, 4);
}
END_TEST

START_TEST(an_answer_may_come_later_and_in_any_order)
{
	start((struct http_serve_options){.gone = on_gone});
	_cleanup_close_ int first = client_asks(GET("/later"));
	await(&n_requests, 1);
	_cleanup_close_ int second = client_asks(GET("/later"));
	await(&n_requests, 2);

	/* Who does not wait for the answer with the next request has not hung up. */
	client_ask(first, GET("/again"));
	expect_rest();
	answer_text(held[1], 202, "the second");
	client_expect(second, "HTTP/1.1 202 Accepted\r\n");
	answer_text(held[0], 200, "the first");
	client_expect(first, "\r\n\r\nthe first");
	await(&n_requests, 3);
	ck_assert_str_eq(said, "GET /again [] 0:");
	ck_assert_uint_eq(n_gone, 0);
}
END_TEST

START_TEST(headers_of_an_answer_are_sent)
{
	const struct http_header headers[] = {{"X-One", "1"}, {"Content-Type", "text/plain"}};

	start((struct http_serve_options){0});
	_cleanup_close_ int fd = client_asks(GET("/later"));
	await(&n_requests, 1);
	serve_answer(
		held[0], &(struct serve_answer){.status = 200, .headers = headers, .n_headers = 2});
	client_expect(fd, "X-One: 1\r\nContent-Type: text/plain\r\n");
}
END_TEST

START_TEST(a_header_with_a_line_break_is_not_sent)
{
	const struct http_header bad = {"X-One", "1\r\nX-Two: 2"};

	start((struct http_serve_options){0});
	int fd = client_asks(GET("/later"));
	await(&n_requests, 1);
	serve_answer(
		held[0], &(struct serve_answer){.status = 200, .headers = &bad, .n_headers = 1});
	client_expect_end(fd, "");
}
END_TEST

START_TEST(a_large_body_arrives_whole)
{
	static const char head[] = "POST /large HTTP/1.1\r\nHost: here\r\nContent-Length: 6291456"
				   "\r\nExpect: 100-continue\r\n\r\n";
	size_t len = (size_t)6 << 20;
	_cleanup_free_ char *body = malloc(len);

	memset(body, 'x', len);
	memcpy(body, "0123456789abcdef", 16);
	start((struct http_serve_options){.max_body = len});
	_cleanup_close_ int fd = client_asks(head);
	client_expect(fd, "HTTP/1.1 100 Continue\r\n\r\n");
	client_say(fd, body, len);
	client_expect(fd, "POST /large [] 6291456:0123456789abcdef");
}
END_TEST

START_TEST(a_large_answer_arrives_whole)
{
	size_t len = (size_t)6 << 20;
	_cleanup_free_ char *body = malloc(len);

	memset(body, 'x', len);
	memcpy(body + len - 5, "last!", 5);
	start((struct http_serve_options){0});
	_cleanup_close_ int fd = client_asks(GET("/later"));
	await(&n_requests, 1);
	serve_answer(held[0], &(struct serve_answer){.status = 200, .body = body, .body_len = len});
	client_expect(fd, "last!");
}
END_TEST

START_TEST(a_secret_answer_is_wiped_when_it_was_sent)
{
	start((struct http_serve_options){0});
	_cleanup_close_ int fd = client_asks(GET("/later"));
	await(&n_requests, 1);
	answer_text(held[0], 200, SECRET);
	client_expect(fd, SECRET);
	client_ask(fd, GET("/later"));
	await(&n_requests, 2);
	ck_assert_uint_eq(n_wiped, 0);
	serve_answer(held[1],
		&(struct serve_answer){
			.status = 200, .body = SECRET, .body_len = strlen(SECRET), .secret = true});
	client_expect(fd, SECRET);
	await(&n_wiped, 1);
}
END_TEST

START_TEST(what_is_not_http_is_refused_and_not_handed_over)
{
	start((struct http_serve_options){0});
	/* To this libmicrohttpd 1.0 says nothing any more. */
	client_expect_end(client_asks("what do you want?\r\n\r\n"), NULL);
	client_expect_end(client_asks("GET / HTTP/1.1\r\n\r\n"), "HTTP/1.1 400 ");
	client_expect_end(client_asks("GET / HTTP/1.1\r\nHost: here\r\nContent-Length: -1\r\n\r\n"),
		"HTTP/1.1 400 ");
	ck_assert_uint_eq(n_requests, 0);
}
END_TEST

/* ---- Ceilings ---- */

START_TEST(a_body_that_is_too_large_is_answered_with_413)
{
	start((struct http_serve_options){.max_body = 4});
	_cleanup_close_ int fd =
		client_asks("POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\n\r\n12345");

	client_expect(fd, "HTTP/1.1 413 ");
	client_ask(fd, "POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n"
		       "3\r\n123\r\n2\r\n45\r\n0\r\n\r\n");
	client_expect(fd, "HTTP/1.1 413 ");
	ck_assert_uint_eq(n_requests, 0);
	client_ask(fd, "POST /fits HTTP/1.1\r\nHost: here\r\nContent-Length: 4\r\n\r\n1234");
	client_expect(fd, "POST /fits [] 4:1234");
}
END_TEST

START_TEST(who_wants_to_know_of_a_body_that_is_too_large_is_told)
{
	start((struct http_serve_options){.max_body = 4, .too_large = on_too_large});
	_cleanup_close_ int fd =
		client_asks("POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\n\r\n12345");

	body_len = 1;
	client_expect(fd, "too large, we say");
	ck_assert_uint_eq(n_too_large, 1);
	ck_assert_uint_eq(body_len, 0);
	ck_assert_uint_eq(n_requests, 0);
}
END_TEST

START_TEST(a_head_that_is_too_long_is_refused)
{
	_cleanup_free_ char *head = malloc(20000);

	start((struct http_serve_options){.max_head = 16384});
	snprintf(head, 20000, "GET / HTTP/1.1\r\nHost: here\r\nX-Mark: %018000d\r\n\r\n", 0);
	client_expect_end(client_asks(head), "HTTP/1.1 431 ");
	ck_assert_uint_eq(n_requests, 0);
}
END_TEST

START_TEST(who_comes_when_there_are_too_many_waits)
{
	start((struct http_serve_options){.max_connections = 2, .gone = on_gone});
	int first = client_asks(GET("/later"));
	_cleanup_close_ int second = client_asks(GET("/later"));
	await(&n_requests, 2);

	_cleanup_close_ int third = client_asks(GET("/third"));
	expect_rest();
	ck_assert_uint_eq(n_requests, 2);
	close(first);
	client_expect(third, "GET /third");
	ck_assert_uint_eq(n_gone, 1);
	answer_text(held[1], 200, "at last");
	client_expect(second, "at last");
}
END_TEST

START_TEST(who_is_not_admitted_is_not_heard)
{
	start((struct http_serve_options){.max_connections = 1, .admit = admit_nobody});
	for (unsigned i = 0; i < 3; i++)
		client_expect_end(client_asks(GET("/")), "");
	ck_assert_uint_eq(n_requests, 0);
	expect_rest();
}
END_TEST

/* ---- Time ---- */

START_TEST(waiting_costs_no_turn_of_the_loop)
{
	start((struct http_serve_options){.gone = on_gone, .patience = A_MOMENT});
	int silent = client_new();
	_cleanup_close_ int fd = client_asks(GET("/later"));
	_cleanup_close_ int idle = client_asks(GET("/now"));
	client_expect(idle, "GET /now");
	await(&n_requests, 2);
	expect_rest();
	/* Longer than our patience, which is not for who waits for us. */
	answer_text(held[0], 200, "after all");
	client_expect(fd, "after all");
	expect_rest();
	close(silent);
	expect_rest();
}
END_TEST

START_TEST(a_client_that_does_not_get_on_is_cut_off)
{
	static const char *const parts[] = {
		"GET / HTTP/1.1\r\nHost: he",
		"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\n\r\n123",
		"POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n123\r\n",
	};

	start((struct http_serve_options){.max_body = 64, .patience = A_MOMENT});
	for (size_t i = 0; i < N_OF(parts); i++)
		client_expect_end(client_asks(parts[i]), "");
	ck_assert_uint_eq(n_requests, 0);
	expect_rest();
}
END_TEST

START_TEST(an_answer_that_nobody_takes_is_not_kept)
{
	size_t len = (size_t)24 << 20;
	_cleanup_free_ char *body = malloc(len);
	bool end;

	memset(body, 'x', len);
	start((struct http_serve_options){.max_connections = 1, .patience = A_MOMENT});
	_cleanup_close_ int fd = client_asks(GET("/later"));
	await(&n_requests, 1);
	serve_answer(held[0], &(struct serve_answer){.status = 200, .body = body, .body_len = len});
	/* There is room for another client: the first one was let go. */
	_cleanup_close_ int next = client_asks(GET("/next"));
	client_expect(next, "GET /next");
	_cleanup_free_ char *heard = client_hear(fd, NULL, &end);
	ck_assert_uint_lt(strlen(heard), len);
}
END_TEST

START_TEST(a_connection_without_requests_is_closed)
{
	start((struct http_serve_options){.idle = A_MOMENT});
	client_expect_end(client_new(), "");
	int fd = client_asks(GET("/once"));
	client_expect(fd, "GET /once");
	client_expect_end(fd, "");
	fd = client_asks(GET("/later"));
	await(&n_requests, 2);
	expect_rest();
	answer_text(held[0], 200, "not idle");
	client_expect_end(fd, "not idle");
}
END_TEST

/* ---- Who hangs up ---- */

static void hang_up(int fd)
{
	close(fd);
}

static void reset(int fd)
{
	setsockopt(
		fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
	close(fd);
}

static void half_close(int fd)
{
	shutdown(fd, SHUT_WR);
	client_expect_end(fd, "");
}

static void hang_up_with_more_to_read(int fd)
{
	client_ask(fd, GET("/never"));
	close(fd);
}

static void (*const ways_to_go[])(int) = {hang_up, reset, half_close, hang_up_with_more_to_read};

START_TEST(a_client_that_hangs_up_is_noticed)
{
	start((struct http_serve_options){.gone = on_gone});
	int fd = client_asks(GET("/later"));
	await(&n_requests, 1);
	ways_to_go[_i](fd);
	await(&n_gone, 1);
	ck_assert_ptr_eq(gone, held[0]);
	expect_rest();
	ck_assert_uint_eq(n_requests, 1);
}
END_TEST

START_TEST(a_client_that_hung_up_at_once_leaves_nothing_in_hand)
{
	start((struct http_serve_options){.gone = on_gone});
	hang_up(client_asks(GET("/later")));
	reset(client_asks(GET("/later")));
	hang_up(client_asks("GET /later HTTP/1.1\r\nHost"));
	hang_up(client_new());
	expect_rest();
	ck_assert_uint_eq(n_gone, n_requests);
}
END_TEST

static const char *const beginnings[] = {
	"",
	"GET",
	"GET /later HTTP/1.1\r\nHost",
	"POST /later HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\n\r\n123",
	"POST /later HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n123\r\n",
};

START_TEST(a_client_that_hung_up_before_its_request_was_whole_keeps_no_connection)
{
	start((struct http_serve_options){.max_connections = 1, .gone = on_gone, .max_body = 64});
	hang_up(client_asks(beginnings[_i]));
	_cleanup_close_ int next = client_asks(GET("/next"));
	client_expect(next, "GET /next");
	ck_assert_uint_eq(n_requests, 1);
	expect_rest();
}
END_TEST

START_TEST(an_answer_to_who_hung_up_is_dropped_where_nobody_wants_to_know)
{
	start((struct http_serve_options){.max_connections = 1});
	hang_up(client_asks(GET("/later")));
	await(&n_requests, 1);
	expect_rest();
	answer_text(held[0], 200, "anybody there?");
	_cleanup_close_ int next = client_asks(GET("/next"));
	client_expect(next, "GET /next");
}
END_TEST

/* ---- The end ---- */

START_TEST(nothing_is_called_after_the_end)
{
	start((struct http_serve_options){.gone = on_gone, .max_body = 64});
	int waiting = client_asks(GET("/later"));
	await(&n_requests, 1);
	int idle = client_asks(GET("/now"));
	client_expect(idle, "GET /now");
	int arriving = client_asks("POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\n\r\n123");
	expect_rest();
	int unheard = client_asks(GET("/now"));

	serve = http_serve_free(serve);
	ck_assert_ptr_null(serve);
	client_expect_end(waiting, "");
	client_expect_end(idle, "");
	client_expect_end(arriving, "");
	client_expect_end(unheard, "");
	expect_rest();
	ck_assert_uint_eq(n_requests, 2);
	ck_assert_uint_eq(n_gone, 0);
}
END_TEST

START_TEST(it_may_be_freed_when_a_request_is_handed_over)
{
	freeing = true;
	start((struct http_serve_options){.gone = on_gone});
	int first = client_asks(GET("/1"));
	int second = client_asks(GET("/2"));
	await(&n_requests, 1);
	client_expect_end(first, "");
	client_expect_end(second, "");
	expect_rest();
	ck_assert_uint_eq(n_requests, 1);
}
END_TEST

START_TEST(it_may_be_freed_when_a_client_hangs_up)
{
	start((struct http_serve_options){.gone = on_gone});
	int first = client_asks(GET("/later"));
	int second = client_asks(GET("/later"));
	await(&n_requests, 2);
	freeing = true;
	hang_up(first);
	await(&n_gone, 1);
	client_expect_end(second, "");
	expect_rest();
	ck_assert_uint_eq(n_gone, 1);
}
END_TEST

/* ---- Addresses ---- */

START_TEST(an_address_in_use_is_said_to_be)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct http_serve *other = NULL;

	start((struct http_serve_options){0});
	address.sin_port = htons(http_serve_port(serve));
	struct http_serve_options options = {.address = (struct sockaddr *)&address,
		.address_len = sizeof address,
		.request = on_request};
	ck_assert_int_eq(http_serve_new(event, &options, &other), -EADDRINUSE);
	ck_assert_ptr_null(other);

	/* Free again as soon as it was given up, though a connection has only just ended. */
	int fd = client_asks(GET("/"));
	client_expect(fd, "GET /");
	serve = http_serve_free(serve);
	close(fd);
	options.userdata = said;
	ck_assert_int_eq(http_serve_new(event, &options, &serve), 0);
	ck_assert_uint_eq(http_serve_port(serve), ntohs(address.sin_port));
	fd = client_asks(GET("/again"));
	client_expect(fd, "GET /again");
	close(fd);
}
END_TEST

START_TEST(ipv6_is_served_too)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};

	start((struct http_serve_options){
		.address = (struct sockaddr *)&address, .address_len = sizeof address});
	address.sin6_port = htons(http_serve_port(serve));
	_cleanup_close_ int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	client_ask(fd, GET("/six"));
	client_expect(fd, "GET /six");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("http_serve");
	TCase *c = tcase_create("serving");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_request_is_handed_over_whole_and_answered);
	tcase_add_test(c, one_connection_carries_many_requests_also_at_once);
	tcase_add_test(c, an_answer_may_come_later_and_in_any_order);
	tcase_add_test(c, headers_of_an_answer_are_sent);
	tcase_add_test(c, a_header_with_a_line_break_is_not_sent);
	tcase_add_test(c, a_large_body_arrives_whole);
	tcase_add_test(c, a_large_answer_arrives_whole);
	tcase_add_test(c, a_secret_answer_is_wiped_when_it_was_sent);
	tcase_add_test(c, what_is_not_http_is_refused_and_not_handed_over);
	tcase_add_test(c, a_body_that_is_too_large_is_answered_with_413);
	tcase_add_test(c, who_wants_to_know_of_a_body_that_is_too_large_is_told);
	tcase_add_test(c, a_head_that_is_too_long_is_refused);
	tcase_add_test(c, who_comes_when_there_are_too_many_waits);
	tcase_add_test(c, who_is_not_admitted_is_not_heard);
	tcase_add_test(c, waiting_costs_no_turn_of_the_loop);
	tcase_add_test(c, a_client_that_does_not_get_on_is_cut_off);
	tcase_add_test(c, an_answer_that_nobody_takes_is_not_kept);
	tcase_add_test(c, a_connection_without_requests_is_closed);
	tcase_add_loop_test(c, a_client_that_hangs_up_is_noticed, 0, N_OF(ways_to_go));
	tcase_add_test(c, a_client_that_hung_up_at_once_leaves_nothing_in_hand);
	tcase_add_loop_test(c,
		a_client_that_hung_up_before_its_request_was_whole_keeps_no_connection, 0,
		N_OF(beginnings));
	tcase_add_test(c, an_answer_to_who_hung_up_is_dropped_where_nobody_wants_to_know);
	tcase_add_test(c, nothing_is_called_after_the_end);
	tcase_add_test(c, it_may_be_freed_when_a_request_is_handed_over);
	tcase_add_test(c, it_may_be_freed_when_a_client_hangs_up);
	tcase_add_test(c, an_address_in_use_is_said_to_be);
	tcase_add_test(c, ipv6_is_served_too);
	suite_add_tcase(s, c);
	return test_suite_run(s);
}

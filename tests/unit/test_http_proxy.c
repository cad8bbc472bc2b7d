#include <check.h>
#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/test_seen.h"
#include "../support/test_server.h"
#include "../support/test_suite.h"
#include "net/http.h"
#include "net/http_proxy.h"

static const char *const variables[] = {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY",
	"all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"};

static void forget_environment(void)
{
	for (size_t i = 0; i < N_OF(variables); i++)
		unsetenv(variables[i]);
}

/* The proxy's name for a URL, "" for none. */
static const char *proxy_for(const char *text)
{
	static struct http_proxy proxy;
	struct http_url url;

	ck_assert_int_eq(http_url_parse(text, &url), 0);
	http_proxy_find(&url, &proxy);
	return proxy.url ? proxy.name : "";
}

START_TEST(without_variables_there_is_no_proxy)
{
	ck_assert_str_eq(proxy_for("https://sqs.example/"), "");
	setenv("https_proxy", "", 1);
	setenv("HTTPS_PROXY", "", 1);
	ck_assert_str_eq(proxy_for("https://sqs.example/"), "");
}
END_TEST

START_TEST(each_scheme_has_its_variable_and_lower_case_wins)
{
	setenv("ALL_PROXY", "a.example:1", 1);
	ck_assert_str_eq(proxy_for("https://sqs.example/"), "proxy a.example:1 of ALL_PROXY");
	ck_assert_str_eq(proxy_for("http://sqs.example/"), "proxy a.example:1 of ALL_PROXY");
	setenv("HTTPS_PROXY", "http://b.example:2", 1);
	ck_assert_str_eq(proxy_for("https://sqs.example/"), "proxy b.example:2 of HTTPS_PROXY");
	setenv("https_proxy", "http://c.example:3/", 1);
	ck_assert_str_eq(proxy_for("https://sqs.example/"), "proxy c.example:3 of https_proxy");
	ck_assert_str_eq(proxy_for("http://sqs.example/"), "proxy a.example:1 of ALL_PROXY");
	setenv("http_proxy", "http://d.example:4", 1);
	ck_assert_str_eq(proxy_for("http://sqs.example/"), "proxy d.example:4 of http_proxy");
}
END_TEST

START_TEST(http_proxy_in_capitals_may_come_from_a_stranger)
{
	setenv("HTTP_PROXY", "http://evil.example:1", 1);
	ck_assert_str_eq(proxy_for("http://sqs.example/"), "");
}
END_TEST

START_TEST(a_proxy_is_named_without_its_password)
{
	setenv("https_proxy", "http://user:word@p.example", 1);
	ck_assert_str_eq(proxy_for("https://sqs.example/"), "proxy p.example:1080 of https_proxy");
	setenv("https_proxy", "socks5h://user:word@[::1]:9", 1);
	ck_assert_str_eq(proxy_for("https://sqs.example/"), "proxy [::1]:9 of https_proxy");
	setenv("https_proxy", "http://user:wo rd@:::", 1);
	ck_assert_str_eq(proxy_for("https://sqs.example/"), "the proxy of https_proxy");
}
END_TEST

START_TEST(who_is_listed_is_asked_without)
{
	static const struct {
		const char *list;
		const char *url;
		bool excepted;
	} cases[] = {
		{"*", "https://sqs.example/", true},
		{"sqs.example", "https://sqs.example/", true},
		{"SQS.Example.", "https://sqs.example./", true},
		{"example", "https://sqs.example/", true},
		{".example", "https://sqs.example/", true},
		{"qs.example", "https://sqs.example/", false},
		{"sqs.example.com", "https://sqs.example/", false},
		{"a.test, ,b.test\texample", "https://sqs.example/", true},
		{"a.test,b.test", "https://sqs.example/", false},
		{".", "https://sqs.example/", false},
		{"127.0.0.1", "https://127.0.0.1:4566/", true},
		{"127.0.0.2", "https://127.0.0.1:4566/", false},
		{"10.0.0.0/8", "https://10.9.8.7/", true},
		{"10.0.0.0/15", "https://10.1.8.7/", true},
		{"10.0.0.0/15", "https://10.2.8.7/", false},
		{"0.0.0.0/0", "https://10.2.8.7/", true},
		{"10.2.8.7/33", "https://10.2.8.7/", false},
		{"10.0.0.0/", "https://10.2.8.7/", false},
		{"10.0.0.0/x", "https://10.2.8.7/", false},
		{"10.0.0.0/8x", "https://10.2.8.7/", false},
		{"8.7", "https://10.2.8.7/", false},
		{"::1", "https://[::1]:1/", true},
		{"fd00::/8", "https://[fd12::1]/", true},
		{"fd00::/8", "https://[fe80::1]/", false},
		{"0.0.0.0/0", "https://[fe80::1]/", false},
	};

	setenv("https_proxy", "http://p.example:1", 1);
	for (size_t i = 0; i < N_OF(cases); i++) {
		setenv("NO_PROXY", cases[i].list, 1);
		ck_assert_msg((proxy_for(cases[i].url)[0] == '\0') == cases[i].excepted,
			"NO_PROXY=%s %s", cases[i].list, cases[i].url);
	}
	setenv("no_proxy", "other.example", 1);
	setenv("NO_PROXY", "*", 1);
	ck_assert_str_ne(proxy_for("https://sqs.example/"), "");
}
END_TEST

/* ---- Asked through one ---- */

static sd_event *event;
static struct http *http;
static struct test_server *server;
static unsigned status; /* what it answers; 0: nothing */

static enum test_then answer(void *userdata, const struct test_request *request, struct strbuf *out)
{
	(void)userdata;
	if (strcmp(request->method, "CONNECT") != 0)
		test_answer(out, 200, "text/plain", request->path);
	else if (status > 0)
		test_answer(out, status, "text/plain", "no");
	return TEST_KEEP;
}

static void setup(void)
{
	char proxy[128];

	forget_environment();
	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(curl_global_init(CURL_GLOBAL_DEFAULT), 0);
	ck_assert_int_ge(sd_event_new(&event), 0);
	ck_assert_int_eq(http_new(event, &(struct http_options){0}, &http), 0);
	server = test_server_new(TEST_PLAIN, answer, NULL);
	snprintf(proxy, sizeof proxy, "http://user:word@127.0.0.1:%u", test_server_port(server));
	setenv("https_proxy", proxy, 1);
	setenv("http_proxy", proxy, 1);
}

static void teardown(void)
{
	http = http_free(http);
	server = test_server_free(server);
	event = sd_event_unref(event);
	curl_global_cleanup();
}

static void get(const char *url, usec_t timeout, struct seen *seen)
{
	const struct http_request request = {
		.method = "GET",
		.url = url,
		.timeout = timeout,
		.max_answer = 1000,
		.plain = true,
	};

	*seen = (struct seen){0};
	ck_assert_int_eq(http_start(http, &request, test_seen_done, seen, NULL), 0);
	test_seen_await(event, seen, 1);
}

START_TEST(plain_requests_go_to_the_proxy_with_their_whole_url)
{
	struct seen seen;

	get("http://sqs.example/queue", 5 * USEC_PER_SEC, &seen);
	ck_assert_int_eq(seen.error, 0);
	ck_assert_str_eq(seen.body, "http://sqs.example/queue");
}
END_TEST

START_TEST(a_proxy_that_refuses_is_named_with_the_cure)
{
	static const struct {
		unsigned status;
		const char *text;
	} cases[] = {
		{407, "wants a user and a password (407): write them into it, or correct them"},
		{403, "refuses to connect (403): have it allowed there, or add sqs.example to "
		      "NO_PROXY"},
		{503, "cannot connect to sqs.example (503)"},
	};
	char expected[256];
	struct seen seen;

	for (size_t i = 0; i < N_OF(cases); i++) {
		status = cases[i].status;
		get("https://sqs.example/", 5 * USEC_PER_SEC, &seen);
		ck_assert_int_eq(seen.error, -ECONNRESET);
		snprintf(expected, sizeof expected, "proxy 127.0.0.1:%u of https_proxy %s",
			test_server_port(server), cases[i].text);
		ck_assert_str_eq(seen.error_text, expected);
		ck_assert_uint_eq(seen.sent_at, 0);
	}
}
END_TEST

START_TEST(a_proxy_that_is_silent_is_named)
{
	char expected[256];
	struct seen seen;

	get("https://sqs.example/", 20 * USEC_PER_MSEC, &seen);
	ck_assert_int_eq(seen.error, -ETIMEDOUT);
	snprintf(expected, sizeof expected,
		"no connection in time through proxy 127.0.0.1:%u of https_proxy",
		test_server_port(server));
	ck_assert_str_eq(seen.error_text, expected);
}
END_TEST

START_TEST(a_proxy_that_is_not_spoken_to_over_tls_is_named)
{
	char proxy[64], expected[256];
	struct seen seen;

	server = test_server_free(server);
	server = test_server_new(TEST_NO_TLS, answer, NULL);
	snprintf(proxy, sizeof proxy, "https://127.0.0.1:%u", test_server_port(server));
	setenv("https_proxy", proxy, 1);
	get("https://sqs.example/", 5 * USEC_PER_SEC, &seen);
	ck_assert_int_eq(seen.error, -EKEYREJECTED);
	snprintf(expected, sizeof expected,
		"TLS fails at proxy 127.0.0.1:%u of https_proxy: is it one for http://, or does "
		"something in between answer, or cut the connection?",
		test_server_port(server));
	ck_assert_str_eq(seen.error_text, expected);
}
END_TEST

START_TEST(a_proxy_that_is_away_is_named)
{
	struct seen seen;

	setenv("https_proxy", "http://user:word@127.0.0.1:1", 1);
	get("https://sqs.example/", 5 * USEC_PER_SEC, &seen);
	ck_assert_int_eq(seen.error, -ECONNREFUSED);
	ck_assert_str_eq(seen.error_text,
		"cannot connect to proxy 127.0.0.1:1 of https_proxy: Connection refused");
}
END_TEST

START_TEST(a_proxy_that_cannot_be_one_shows_no_password)
{
	static const char *const urls[] = {
		"http://user:wo rd@:::", "carrier-pigeon://user:word@127.0.0.1:1"};
	struct seen seen;

	for (size_t i = 0; i < N_OF(urls); i++) {
		char url[64];
		/* Another URL each time: with it the environment is asked anew. */
		snprintf(url, sizeof url, "https://sqs.example/%zu", i);
		setenv("https_proxy", urls[i], 1);
		get(url, 5 * USEC_PER_SEC, &seen);
		ck_assert_int_lt(seen.error, 0);
		ck_assert_ptr_nonnull(strstr(seen.error_text, "https_proxy"));
		ck_assert_ptr_null(strstr(seen.error_text, "wo"));
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("http-proxy");
	TCase *choice = tcase_create("choice");
	TCase *use = tcase_create("use");

	tcase_add_checked_fixture(choice, forget_environment, NULL);
	tcase_add_test(choice, without_variables_there_is_no_proxy);
	tcase_add_test(choice, each_scheme_has_its_variable_and_lower_case_wins);
	tcase_add_test(choice, http_proxy_in_capitals_may_come_from_a_stranger);
	tcase_add_test(choice, a_proxy_is_named_without_its_password);
	tcase_add_test(choice, who_is_listed_is_asked_without);
	suite_add_tcase(s, choice);

	tcase_add_checked_fixture(use, setup, teardown);
	tcase_add_test(use, plain_requests_go_to_the_proxy_with_their_whole_url);
	tcase_add_test(use, a_proxy_that_refuses_is_named_with_the_cure);
	tcase_add_test(use, a_proxy_that_is_silent_is_named);
	tcase_add_test(use, a_proxy_that_is_not_spoken_to_over_tls_is_named);
	tcase_add_test(use, a_proxy_that_is_away_is_named);
	tcase_add_test(use, a_proxy_that_cannot_be_one_shows_no_password);
	suite_add_tcase(s, use);
	return s;
}

int main(void)
{
	return test_suite_run(suite());
}

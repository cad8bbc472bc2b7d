#include <check.h>
#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../support/test_folder.h"
#include "../support/test_seen.h"
#include "../support/test_server.h"
#include "../support/test_suite.h"
#include "base/strbuf.h"
#include "net/ca_bundle.h"
#include "net/http.h"

static sd_event *event;
static struct http *http;
static struct test_server *server;
static const char path[] = "bundle.pem";

static void setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(curl_global_init(CURL_GLOBAL_DEFAULT), 0);
	ck_assert_int_ge(sd_event_new(&event), 0);
	test_folder_enter();
}

static void teardown(void)
{
	http = http_free(http);
	server = test_server_free(server);
	event = sd_event_unref(event);
	curl_global_cleanup();
	test_folder_leave();
}

static enum test_then answer(void *userdata, const struct test_request *request, struct strbuf *out)
{
	(void)userdata;
	(void)request;
	test_answer(out, 200, "text/plain", "hello");
	return TEST_KEEP;
}

enum trust {
	TRUST_SYSTEM,
	TRUST_BUNDLE, /* that makes the server's certificate a good one */
	TRUST_OTHER,  /* a bundle with somebody else's */
};

static void start(enum test_tls kind, enum trust trust)
{
	server = test_server_new(kind, answer, NULL);
	if (trust == TRUST_BUNDLE && test_server_certificate(server)) {
		test_write(path, test_server_certificate(server));
	} else if (trust == TRUST_OTHER) {
		struct test_server *other = test_server_new(TEST_TLS, answer, NULL);
		test_write(path, test_server_certificate(other));
		test_server_free(other);
	}
	const struct http_options options = {.ca_bundle = trust == TRUST_SYSTEM ? NULL : path};
	ck_assert_int_eq(http_new(event, &options, &http), 0);
}

static void get(struct seen *seen)
{
	const struct http_request request = {
		.method = "GET",
		.url = test_server_url(server),
		.timeout = 5 * USEC_PER_SEC,
		.max_answer = 1000,
	};
	unsigned n_before = seen->n_callbacks;

	ck_assert_int_eq(http_start(http, &request, test_seen_done, seen, NULL), 0);
	test_seen_await(event, seen, n_before + 1);
}

/* Twice, for what was learnt with the first must not let the second pass. */
static void is_refused(enum test_tls kind, enum trust trust, const char *text)
{
	struct seen seen = {0};

	start(kind, trust);
	for (unsigned i = 0; i < 2; i++) {
		get(&seen);
		ck_assert_int_eq(seen.error, -EKEYREJECTED);
		ck_assert_str_eq(seen.error_text, text);
		ck_assert_uint_eq(seen.sent_at, 0);
	}
	ck_assert_uint_eq(test_server_requests(server), 0);
}

START_TEST(a_certificate_from_the_bundle_is_good)
{
	struct seen seen = {0};

	start(TEST_TLS, TRUST_BUNDLE);
	for (unsigned i = 0; i < 2; i++) {
		get(&seen);
		ck_assert_int_eq(seen.error, 0);
		ck_assert_uint_eq(seen.status, 200);
	}
	ck_assert_uint_eq(test_server_connections(server), 1);
}
END_TEST

START_TEST(a_certificate_of_an_authority_in_the_bundle_is_good)
{
	struct seen seen = {0};

	start(TEST_TLS_ISSUED, TRUST_BUNDLE);
	get(&seen);
	ck_assert_int_eq(seen.error, 0);
}
END_TEST

START_TEST(a_self_signed_certificate_is_refused)
{
	is_refused(TEST_TLS, TRUST_SYSTEM,
		"its certificate is signed by itself only, which this machine does not know: "
		"install that certificate, or set AWS_CA_BUNDLE");
}
END_TEST

START_TEST(a_certificate_of_an_unknown_authority_is_refused)
{
	is_refused(TEST_TLS_ISSUED, TRUST_SYSTEM,
		"its certificate is signed by an authority, which this machine does not know: "
		"install that certificate, or set AWS_CA_BUNDLE");
}
END_TEST

START_TEST(a_certificate_of_an_authority_that_is_not_in_the_bundle_is_refused)
{
	char text[256];

	snprintf(text, sizeof text,
		"its certificate is signed by an authority, which is not in %s: add it to that "
		"file",
		path);
	is_refused(TEST_TLS_ISSUED, TRUST_OTHER, text);
}
END_TEST

START_TEST(a_certificate_for_another_host_is_refused)
{
	is_refused(TEST_TLS_FOREIGN, TRUST_BUNDLE,
		"its certificate is for another name: the endpoint is wrong, or something in "
		"between answers");
}
END_TEST

START_TEST(a_certificate_that_has_expired_is_refused)
{
	is_refused(TEST_TLS_EXPIRED, TRUST_BUNDLE,
		"its certificate has expired, or this machine's clock is wrong");
}
END_TEST

START_TEST(a_certificate_that_is_not_valid_yet_is_refused)
{
	is_refused(TEST_TLS_EARLY, TRUST_BUNDLE,
		"its certificate is not valid yet, or this machine's clock is wrong");
}
END_TEST

START_TEST(what_else_is_wrong_with_a_certificate_is_said_in_openssl_s_words)
{
	is_refused(TEST_TLS_WEAK, TRUST_BUNDLE,
		"its certificate is refused: EE certificate key too weak");
}
END_TEST

START_TEST(a_server_that_knows_only_old_tls_is_refused)
{
	is_refused(TEST_TLS_OLD, TRUST_BUNDLE,
		"it offers TLS 1.1 or older only, and 1.2 is the least that is safe");
}
END_TEST

START_TEST(a_port_without_tls_is_named_in_one_line_however_it_ends_the_handshake)
{
	static const enum test_tls kinds[] = {
		TEST_NO_TLS, TEST_NO_TLS_CUT, TEST_NO_TLS_RESET, TEST_NO_TLS_CLOSE};
	char text[256];
	struct seen seen = {0};

	start(kinds[_i], TRUST_SYSTEM);
	snprintf(text, sizeof text,
		"TLS fails at its port %u: is it one for http://, or does something in between "
		"answer, or cut the connection?",
		test_server_port(server));
	get(&seen);
	ck_assert_int_eq(seen.error, -EKEYREJECTED);
	ck_assert_str_eq(seen.error_text, text);
}
END_TEST

START_TEST(a_bundle_that_goes_away_later_is_named)
{
	struct seen seen = {0};
	char text[256];

	start(TEST_TLS, TRUST_BUNDLE);
	unlink(path);
	get(&seen);
	ck_assert_int_eq(seen.error, -EKEYREJECTED);
	snprintf(text, sizeof text, "AWS_CA_BUNDLE: no certificates can be read from %s", path);
	ck_assert_str_eq(seen.error_text, text);
}
END_TEST

/* libcurl's clock. */
static _Atomic time_t ahead;

int clock_gettime(clockid_t id, struct timespec *ret)
{
	static int (*real)(clockid_t, struct timespec *);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	int r = real(id, ret);
	ret->tv_sec += ahead;
	return r;
}

START_TEST(a_bundle_that_is_replaced_counts_a_minute_later_at_the_latest)
{
	struct seen seen = {0};

	start(TEST_TLS, TRUST_OTHER);
	get(&seen);
	ck_assert_int_eq(seen.error, -EKEYREJECTED);
	test_write(path, test_server_certificate(server));
	ahead = 61;
	get(&seen);
	ck_assert_int_eq(seen.error, 0);
}
END_TEST

START_TEST(a_bundle_is_looked_at_before_it_is_used)
{
	server = test_server_new(TEST_TLS, answer, NULL);
	_cleanup_strbuf_ struct strbuf two = STRBUF_INIT;

	strbuf_printf(&two, "# ours\n%s\n# theirs\n%s", test_server_certificate(server),
		test_server_certificate(server));
	test_write(path, strbuf_str(&two));
	ck_assert_int_eq(ca_bundle_check(path), 0);
	test_write(path, "-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n");
	ck_assert_int_eq(ca_bundle_check(path), -EBADMSG);
	test_write(path, "no certificate\n");
	ck_assert_int_eq(ca_bundle_check(path), -EBADMSG);
	test_write(path, "");
	ck_assert_int_eq(ca_bundle_check(path), -EBADMSG);
	ck_assert_int_eq(ca_bundle_check("/"), -EISDIR);
	ck_assert_int_eq(ca_bundle_check("/dev/zero"), -EFBIG);
	unlink(path);
	ck_assert_int_eq(ca_bundle_check(path), -ENOENT);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("http-tls");
	TCase *tls = tcase_create("tls");

	tcase_add_checked_fixture(tls, setup, teardown);
	tcase_add_test(tls, a_certificate_from_the_bundle_is_good);
	tcase_add_test(tls, a_certificate_of_an_authority_in_the_bundle_is_good);
	tcase_add_test(tls, a_self_signed_certificate_is_refused);
	tcase_add_test(tls, a_certificate_of_an_unknown_authority_is_refused);
	tcase_add_test(tls, a_certificate_of_an_authority_that_is_not_in_the_bundle_is_refused);
	tcase_add_test(tls, a_certificate_for_another_host_is_refused);
	tcase_add_test(tls, a_certificate_that_has_expired_is_refused);
	tcase_add_test(tls, a_certificate_that_is_not_valid_yet_is_refused);
	tcase_add_test(tls, what_else_is_wrong_with_a_certificate_is_said_in_openssl_s_words);
	tcase_add_test(tls, a_server_that_knows_only_old_tls_is_refused);
	tcase_add_loop_test(
		tls, a_port_without_tls_is_named_in_one_line_however_it_ends_the_handshake, 0, 4);
	tcase_add_test(tls, a_bundle_that_goes_away_later_is_named);
	tcase_add_test(tls, a_bundle_that_is_replaced_counts_a_minute_later_at_the_latest);
	tcase_add_test(tls, a_bundle_is_looked_at_before_it_is_used);
	suite_add_tcase(s, tls);
	return s;
}

int main(void)
{
	return test_suite_run(suite());
}

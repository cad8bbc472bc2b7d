#include <check.h>
#include <curl/curl.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "../support/test_environment.h"
#include "../support/test_sts.h"
#include "../support/test_suite.h"
#include "aws/sigv4.h"
#include "aws/sts_codec.h"

#define FORM   "application/x-www-form-urlencoded"
#define ROLE   "arn:aws:iam::123456789012:role/team/worker"
#define TOKEN  "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ0ZXN0In0.c2lnbmF0dXJl"
#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

static sd_event *event;
static struct http *http;
static struct skew skew;
static struct credential_means means;
static struct credentials *keys;
static struct sts_request role, web;

static struct credentials *make_keys(const char *token)
{
	const struct credentials fields = {
		.access_key_id = "AKIDEXAMPLE",
		.secret_access_key = SECRET,
		.session_token = token,
		.source = "profile base",
		.expires_at = USEC_INFINITY,
	};
	char text[CREDENTIALS_TEXT_MAX];
	struct credentials *made;

	ck_assert_int_eq(credentials_new(&fields, text, &made), 0);
	return made;
}

static void setup(void)
{
	const struct http_options options = {.user_agent = "nexus-worker/test"};

	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(curl_global_init(CURL_GLOBAL_DEFAULT), 0);
	ck_assert_int_ge(sd_event_new(&event), 0);
	ck_assert_int_eq(http_new(event, &options, &http), 0);
	test_sts_start();
	test_environment_set("AWS_ENDPOINT_URL_STS", test_sts_url());
	means = (struct credential_means){
		.getenv = test_environment_get,
		.http = http,
		.skew = &skew,
		.region = "eu-west-1",
	};
	keys = make_keys(NULL);
	role = (struct sts_request){
		.role_arn = ROLE,
		.session_name = "session",
		.signed_by = keys,
		.source = "profile role",
	};
	web = (struct sts_request){
		.role_arn = ROLE,
		.session_name = "session",
		.web_identity_token = TOKEN,
		.source = "web identity",
	};
}

static void teardown(void)
{
	http = http_free(http);
	test_sts_stop();
	keys = credentials_unref(keys);
	event = sd_event_unref(event);
	curl_global_cleanup();
}

static struct {
	unsigned n_callbacks;
	int r;
	char text[CREDENTIALS_TEXT_MAX];
	struct credentials *found;
} seen;

/* What every text keeps to. */
static void assert_line(const char *text)
{
	for (const char *c = text; *c; c++)
		ck_assert_msg(*c >= ' ' && *c <= '~', "%s", text);
	ck_assert_ptr_null(strstr(text, SECRET));
	ck_assert_ptr_null(strstr(text, TOKEN));
}

static void on_done(void *userdata, int r, const char *text, struct credentials *found)
{
	ck_assert_ptr_eq(userdata, &seen);
	seen.n_callbacks++;
	seen.r = r;
	snprintf(seen.text, sizeof seen.text, "%s", text);
	credentials_unref(seen.found);
	seen.found = found;
	ck_assert((r == 0) == (found != NULL));
	ck_assert((r == 0) == (*text == '\0'));
	assert_line(text);
}

static void ask(const struct sts_request *request)
{
	unsigned n = seen.n_callbacks;
	struct sts_call *call = NULL;
	char text[CREDENTIALS_TEXT_MAX] = "";

	ck_assert_msg(sts_start(&means, request, on_done, &seen, &call, text) == 0, "%s", text);
	ck_assert_uint_eq(seen.n_callbacks, n);
	while (seen.n_callbacks == n) {
		int r = sd_event_run(event, 10 * USEC_PER_SEC);
		ck_assert_msg(r > 0, "nothing happened for 10 s");
	}
}

static void forget_found(void)
{
	seen.found = credentials_unref(seen.found);
}

/* Signs what arrived on the wire once more and compares. */
static void assert_signed(const char *session_token)
{
	_cleanup_(sigv4_freep) struct sigv4 *s = NULL;
	char date[32], host[64];

	snprintf(date, sizeof date, "%s", test_sts_header("X-Amz-Date"));
	snprintf(host, sizeof host, "%s", test_sts_header("Host"));
	ck_assert_str_eq(test_sts_header("Content-Type"), FORM);
	const struct sigv4_header headers[] = {{"content-type", FORM}, {"host", host}};
	const struct sigv4_request request = {
		.method = "POST",
		.path = "/",
		.headers = headers,
		.n_headers = 2,
		.body = test_sts_form(),
		.body_len = strlen(test_sts_form()),
	};
	const struct sigv4_keys with = {"AKIDEXAMPLE", SECRET, session_token};
	const struct sigv4_scope scope = {date, "eu-west-1", "sts"};
	struct sigv4_signed want;

	ck_assert_int_eq(sigv4_new(&s), 0);
	ck_assert_int_eq(sigv4_sign(s, &with, &scope, &request, &want), 0);
	for (size_t i = 0; i < want.n_headers; i++)
		ck_assert_str_eq(test_sts_header(want.headers[i].name), want.headers[i].value);
}

/* ---- Questions ---- */

START_TEST(assume_role_is_signed_and_gives_the_roles_keys)
{
	test_sts_answers(200, "", TEST_STS_KEYS("AssumeRole", "ASIAROLE", "secret", "tok+en/=="));
	ask(&role);
	ck_assert_str_eq(seen.text, "");
	ck_assert_str_eq(seen.found->access_key_id, "ASIAROLE");
	ck_assert_str_eq(seen.found->secret_access_key, "secret");
	ck_assert_str_eq(seen.found->session_token, "tok+en/==");
	ck_assert_str_eq(seen.found->source, "profile role");
	ck_assert_uint_eq(seen.found->expires_at, 2114478245 * USEC_PER_SEC);
	ck_assert(!seen.found->on_disk);
	forget_found();

	ck_assert_str_eq(test_sts_form(),
		"Action=AssumeRole&Version=2011-06-15"
		"&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fteam%2Fworker"
		"&RoleSessionName=session");
	ck_assert_ptr_null(test_sts_header("X-Amz-Security-Token"));
	assert_signed(NULL);
}
END_TEST

START_TEST(the_session_token_of_the_keys_that_sign_is_sent_and_signed)
{
	keys = credentials_unref(keys);
	role.signed_by = keys = make_keys("AQoDYXdzEXAMPLETOKEN==");
	test_sts_answers(200, "", TEST_STS_KEYS("AssumeRole", "ASIAROLE", "secret", "token"));
	ask(&role);
	forget_found();
	ck_assert_str_eq(test_sts_header("X-Amz-Security-Token"), "AQoDYXdzEXAMPLETOKEN==");
	assert_signed("AQoDYXdzEXAMPLETOKEN==");
}
END_TEST

START_TEST(a_web_identity_is_not_signed_and_its_token_arrives_byte_for_byte)
{
	web.web_identity_token = "a+b/c= &%\n\xc3\xa4~";
	test_sts_answers(
		200, "", TEST_STS_KEYS("AssumeRoleWithWebIdentity", "ASIAWEB", "secret", "token"));
	ask(&web);
	ck_assert_str_eq(seen.found->access_key_id, "ASIAWEB");
	ck_assert_str_eq(seen.found->source, "web identity");
	forget_found();
	ck_assert_str_eq(test_sts_form(),
		"Action=AssumeRoleWithWebIdentity&Version=2011-06-15"
		"&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fteam%2Fworker"
		"&RoleSessionName=session"
		"&WebIdentityToken=a%2Bb%2Fc%3D%20%26%25%0A%C3%A4~");
	ck_assert_str_eq(test_sts_header("Content-Type"), FORM);
	ck_assert_ptr_null(test_sts_header("Authorization"));
	ck_assert_ptr_null(test_sts_header("X-Amz-Date"));
}
END_TEST

START_TEST(duration_and_external_id_are_sent_when_given)
{
	role.duration = 900 * USEC_PER_SEC;
	role.external_id = "they:us/1";
	test_sts_answers(200, "", TEST_STS_KEYS("AssumeRole", "ASIAROLE", "secret", "token"));
	ask(&role);
	forget_found();
	ck_assert_ptr_nonnull(strstr(test_sts_form(),
		"&RoleSessionName=session&DurationSeconds=900&ExternalId=they%3Aus%2F1"));
	assert_signed(NULL);
}
END_TEST

START_TEST(a_session_has_this_machines_name_where_none_is_given)
{
	char name[STS_SESSION_NAME_MAX + 1], host[HOST_NAME_MAX + 1], want[256];

	web.session_name = NULL;
	test_sts_answers(200, "", TEST_STS_KEYS("A", "ASIAWEB", "secret", "token"));
	ask(&web);
	forget_found();
	ck_assert_int_eq(gethostname(host, sizeof host), 0);
	sts_codec_name_session(host, name);
	snprintf(want, sizeof want, "&RoleSessionName=%s&", name);
	ck_assert_ptr_nonnull(strstr(test_sts_form(), want));
}
END_TEST

/* ---- Answers ---- */

START_TEST(an_answer_that_is_none_gives_no_keys)
{
	test_sts_answers(200, "", "<!DOCTYPE html><html>Please log in</html>");
	ask(&role);
	ck_assert_str_eq(seen.text, "127.0.0.1 answered AssumeRole with HTTP 200, and the answer "
				    "is an HTML page: is a proxy or portal in between?");
	ck_assert_int_eq(seen.r, -EBADMSG);
}
END_TEST

START_TEST(a_refusal_is_said_with_its_cure_and_without_what_was_sent)
{
	test_sts_answers(400, "", TEST_STS_ERROR("ValidationError", "Value '" TOKEN "' at"));
	ask(&web);
	ck_assert_str_eq(seen.text,
		"127.0.0.1 refuses AssumeRoleWithWebIdentity of " ROLE " (ValidationError)");
	ck_assert_int_eq(seen.r, -EACCES);

	test_sts_forget();
	test_sts_answers(403, "", TEST_STS_ERROR("AccessDenied", "your key is " SECRET));
	ask(&role);
	ck_assert_str_eq(seen.text,
		"127.0.0.1 denies AssumeRole of " ROLE " with the keys of profile base "
		"(AccessDenied): have the role's trust policy name who asks, and grant that one "
		"sts:AssumeRole");
	ck_assert_int_eq(seen.r, -EACCES);
}
END_TEST

START_TEST(an_answer_that_is_too_large_is_not_read)
{
	static char large[(256u << 10) + 2];

	memset(large, ' ', sizeof large - 1);
	test_sts_answers(200, "", large);
	ask(&web);
	ck_assert_int_eq(seen.r, -EBADMSG);
	ck_assert_ptr_nonnull(strstr(seen.text,
		"no answer of the token service's from 127.0.0.1 to AssumeRoleWithWebIdentity: "));
	ck_assert_uint_eq(test_sts_requests(), 1);
}
END_TEST

START_TEST(nobody_there_is_no_answer)
{
	static char gone[128];

	snprintf(gone, sizeof gone, "%s", test_sts_url());
	test_environment_set("AWS_ENDPOINT_URL_STS", gone);
	test_sts_stop();
	ask(&role);
	ck_assert_int_eq(seen.r, -ECONNREFUSED);
	ck_assert_ptr_nonnull(strstr(seen.text, "no answer from 127.0.0.1 to AssumeRole: "));
}
END_TEST

/* ---- The clock ---- */

static const char *date_in(long seconds, char *line, size_t size)
{
	time_t then = time(NULL) + seconds;

	strftime(line, size, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", gmtime(&then));
	return line;
}

static const char too_old[] = TEST_STS_ERROR("SignatureDoesNotMatch", "Signature expired: 1");

START_TEST(a_clock_that_is_off_is_corrected_and_the_question_asked_once_more)
{
	char line[64];

	test_sts_answers(403, date_in(1200, line, sizeof line), too_old);
	test_sts_answers(200, "", TEST_STS_KEYS("AssumeRole", "ASIAROLE", "secret", "token"));
	ask(&role);
	ck_assert_int_eq(seen.r, 0);
	forget_found();
	ck_assert_uint_eq(seen.n_callbacks, 1);
	ck_assert_uint_eq(test_sts_requests(), 2);
	ck_assert_int_gt(skew.usec, 1100 * (int64_t)USEC_PER_SEC);
	assert_signed(NULL);
}
END_TEST

START_TEST(it_is_asked_no_third_time)
{
	char one[64], other[64];

	test_sts_answers(403, date_in(1200, one, sizeof one), too_old);
	test_sts_answers(403, date_in(2400, other, sizeof other), too_old);
	ask(&role);
	ck_assert_int_eq(seen.r, -EACCES);
	ck_assert_ptr_nonnull(strstr(seen.text, "this machine's clock is 40min behind AWS's"));
	ck_assert_uint_eq(test_sts_requests(), 2);
}
END_TEST

START_TEST(a_refusal_that_teaches_nothing_is_the_end)
{
	char right[64], wrong[64];

	test_sts_answers(403, date_in(0, right, sizeof right), too_old);
	ask(&role);
	ck_assert_int_eq(seen.r, -EACCES);
	ck_assert_uint_eq(test_sts_requests(), 1);

	/* Nor one of another kind, nor where nobody keeps the time. */
	test_sts_forget();
	test_sts_answers(
		403, date_in(1200, wrong, sizeof wrong), TEST_STS_ERROR("AccessDenied", ""));
	ask(&role);
	ck_assert_uint_eq(test_sts_requests(), 2);
	means.skew = NULL;
	test_sts_forget();
	test_sts_answers(403, wrong, too_old);
	ask(&role);
	ck_assert_uint_eq(test_sts_requests(), 3);
	ck_assert_int_eq(skew.usec, 0);
}
END_TEST

START_TEST(the_date_of_a_cached_answer_teaches_nothing)
{
	char lines[96];

	date_in(1200, lines, sizeof lines);
	strcat(lines, "Age: 7\r\n");
	test_sts_answers(403, lines, too_old);
	ask(&role);
	ck_assert_int_eq(seen.r, -EACCES);
	ck_assert_uint_eq(test_sts_requests(), 1);
	ck_assert_int_eq(skew.usec, 0);
	ck_assert_ptr_nonnull(strstr(seen.text, "this machine's clock is wrong"));
}
END_TEST

START_TEST(a_clock_beyond_correction_is_said_with_its_size)
{
	char line[64];

	test_sts_answers(403, date_in(-50 * 3600, line, sizeof line), too_old);
	ask(&role);
	ck_assert_int_eq(seen.r, -EACCES);
	ck_assert_ptr_nonnull(strstr(seen.text,
		"(SignatureDoesNotMatch): this machine's clock is 50h ahead of AWS's, too far to "
		"be corrected: have it set (timedatectl set-ntp true)"));
	ck_assert_uint_eq(test_sts_requests(), 1);
}
END_TEST

/* ---- Its end ---- */

START_TEST(after_cancel_no_callback_comes)
{
	char text[CREDENTIALS_TEXT_MAX];
	struct sts_call *call;

	test_sts_answers(0, "", "");
	ck_assert_int_eq(sts_start(&means, &web, on_done, &seen, &call, text), 0);
	while (test_sts_requests() == 0)
		ck_assert_int_ge(sd_event_run(event, 1000), 0);
	sts_cancel(call);
	test_sts_forget();
	test_sts_answers(200, "", TEST_STS_KEYS("A", "ASIA", "secret", "token"));
	ask(&role);
	forget_found();
	ck_assert_uint_eq(seen.n_callbacks, 1);
}
END_TEST

START_TEST(cancelled_before_it_is_sent_nothing_is_sent)
{
	char text[CREDENTIALS_TEXT_MAX];
	struct sts_call *call;

	ck_assert_int_eq(sts_start(&means, &role, on_done, &seen, &call, text), 0);
	sts_cancel(call);
	while (sd_event_run(event, 0) > 0)
		;
	ck_assert_uint_eq(seen.n_callbacks, 0);
	ck_assert_uint_eq(test_sts_requests(), 0);
}
END_TEST

/* ---- What is not asked ---- */

static void assert_not_asked(const struct sts_request *request, int r, const char *why)
{
	struct sts_call *call = (void *)&seen;
	char text[CREDENTIALS_TEXT_MAX] = "";

	ck_assert_int_eq(sts_start(&means, request, on_done, &seen, &call, text), r);
	ck_assert_ptr_eq(call, &seen);
	ck_assert_msg(strstr(text, why), "%s", text);
	assert_line(text);
	ck_assert_uint_eq(test_sts_requests(), 0);
}

START_TEST(a_request_that_cannot_be_right_is_not_sent)
{
	role.role_arn = "worker";
	assert_not_asked(&role, -EINVAL, "profile role: the role's ARN is none");
}
END_TEST

START_TEST(the_longest_token_is_sent)
{
	static char token[STS_TOKEN_MAX + 1];

	memset(token, '=', sizeof token - 1);
	web.web_identity_token = token;
	test_sts_answers(200, "", TEST_STS_KEYS("A", "ASIA", "secret", "token"));
	ask(&web);
	forget_found();
	ck_assert_uint_eq(strlen(strstr(test_sts_form(), "&WebIdentityToken=")),
		strlen("&WebIdentityToken=") + 3 * STS_TOKEN_MAX);
}
END_TEST

START_TEST(without_a_place_to_ask_at_nothing_is_asked)
{
	test_environment_set("AWS_ENDPOINT_URL_STS", NULL);
	test_environment_set("AWS_ENDPOINT_URL", "http://sts.example.com");
	assert_not_asked(&web, -EINVAL, "the token service is asked over https only");
	test_environment_set("AWS_ENDPOINT_URL", "ftp://user:" TOKEN "@example.com");
	assert_not_asked(&web, -EINVAL, "the token service's endpoint is no URL like https://sts.");
	test_environment_set("AWS_ENDPOINT_URL", "https://user:" TOKEN "@example.com");
	assert_not_asked(&web, -EINVAL, "the token service's endpoint is no URL like https://sts.");
	test_environment_set("AWS_ENDPOINT_URL", NULL);
	means.region = NULL;
	assert_not_asked(&web, -EAGAIN, "set AWS_REGION, ");
}
END_TEST

START_TEST(with_an_endpoint_the_region_need_not_be_known)
{
	means.region = "";
	test_sts_answers(200, "", TEST_STS_KEYS("A", "ASIA", "secret", "token"));
	ask(&role);
	forget_found();
	ck_assert_ptr_nonnull(strstr(test_sts_header("Authorization"), "/us-east-1/sts/"));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("sts");
	TCase *c = tcase_create("sts");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, assume_role_is_signed_and_gives_the_roles_keys);
	tcase_add_test(c, the_session_token_of_the_keys_that_sign_is_sent_and_signed);
	tcase_add_test(c, a_web_identity_is_not_signed_and_its_token_arrives_byte_for_byte);
	tcase_add_test(c, duration_and_external_id_are_sent_when_given);
	tcase_add_test(c, a_session_has_this_machines_name_where_none_is_given);
	tcase_add_test(c, an_answer_that_is_none_gives_no_keys);
	tcase_add_test(c, a_refusal_is_said_with_its_cure_and_without_what_was_sent);
	tcase_add_test(c, an_answer_that_is_too_large_is_not_read);
	tcase_add_test(c, nobody_there_is_no_answer);
	tcase_add_test(c, a_clock_that_is_off_is_corrected_and_the_question_asked_once_more);
	tcase_add_test(c, it_is_asked_no_third_time);
	tcase_add_test(c, a_refusal_that_teaches_nothing_is_the_end);
	tcase_add_test(c, the_date_of_a_cached_answer_teaches_nothing);
	tcase_add_test(c, a_clock_beyond_correction_is_said_with_its_size);
	tcase_add_test(c, after_cancel_no_callback_comes);
	tcase_add_test(c, cancelled_before_it_is_sent_nothing_is_sent);
	tcase_add_test(c, a_request_that_cannot_be_right_is_not_sent);
	tcase_add_test(c, the_longest_token_is_sent);
	tcase_add_test(c, without_a_place_to_ask_at_nothing_is_asked);
	tcase_add_test(c, with_an_endpoint_the_region_need_not_be_known);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return test_suite_run(suite());
}

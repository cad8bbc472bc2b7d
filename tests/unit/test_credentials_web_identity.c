#include <check.h>
#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-event.h>

#include "../support/test_environment.h"
#include "../support/test_folder.h"
#include "../support/test_sts.h"
#include "../support/test_suite.h"
#include "aws/credential_store.h"
#include "aws/credentials_web_identity.h"

#define ROLE  "arn:aws:iam::123456789012:role/worker"
#define FIRST "eyJhbGciOiJSUzI1NiJ9.eyJqdGkiOiIxIn0.Zmlyc3Q"
#define NEXT  "eyJhbGciOiJSUzI1NiJ9.eyJqdGkiOiIyIn0.bmV4dA"

#define ANSWER(id) TEST_STS_KEYS("AssumeRoleWithWebIdentity", id, "secret", "token")

static char token_file[64];

static sd_event *event;
static struct http *http;
static struct credential_store *store;

/* What the store said of its last search. */
static struct {
	unsigned n;
	int r;
	char text[CREDENTIALS_TEXT_MAX];
} seen;

static void note(int r, const char *text)
{
	seen.n++;
	seen.r = r;
	snprintf(seen.text, sizeof seen.text, "%s", text);
	ck_assert_ptr_null(strstr(text, FIRST));
	ck_assert_ptr_null(strstr(text, NEXT));
}

static void on_ended(void *userdata, int r, const char *text)
{
	(void)userdata;
	note(r, text);
}

static struct credential_watcher watcher = {.ended = on_ended};

static void setup(void)
{
	const struct http_options http_options = {.user_agent = "nexus-worker/test"};

	signal(SIGPIPE, SIG_IGN);
	snprintf(token_file, sizeof token_file, "%s/token", test_folder_enter());
	ck_assert_int_eq(curl_global_init(CURL_GLOBAL_DEFAULT), 0);
	ck_assert_int_ge(sd_event_new(&event), 0);
	ck_assert_int_eq(http_new(event, &http_options, &http), 0);
	test_sts_start();
	test_environment_set("AWS_WEB_IDENTITY_TOKEN_FILE", token_file);
	test_environment_set("AWS_ROLE_ARN", ROLE);
	test_environment_set("AWS_ENDPOINT_URL_STS", test_sts_url());
	/* No shared files: what is there is nobody's business. */
	test_environment_set("HOME", "/nonexistent");

	const struct credential_store_options options = {
		.means = {.getenv = test_environment_get, .http = http, .region = "eu-west-1"},
	};
	ck_assert_int_eq(credential_store_new(&options, &store), 0);
	credential_store_watch(store, &watcher);
}

static void teardown(void)
{
	if (store) {
		credential_store_unwatch(store, &watcher);
		store = credential_store_free(store);
	}
	http = http_free(http);
	test_sts_stop();
	event = sd_event_unref(event);
	curl_global_cleanup();
	test_folder_leave();
}

static void await(unsigned n)
{
	while (seen.n < n) {
		int r = sd_event_run(event, 10 * USEC_PER_SEC);
		ck_assert_msg(r > 0, "nothing happened for 10 s");
	}
}

/* Has the store look again, to the end. */
static void look(void)
{
	unsigned n = seen.n;
	char text[CREDENTIALS_TEXT_MAX] = "";

	int r = credential_store_reload(store, text);
	ck_assert_uint_eq(seen.n, n);
	if (r == -EINPROGRESS)
		await(n + 1);
	else
		note(r, text);
}

static void assert_token_sent(const char *encoded)
{
	const char *at = strstr(test_sts_form(), "&WebIdentityToken=");

	ck_assert_ptr_nonnull(at);
	ck_assert_str_eq(at + strlen("&WebIdentityToken="), encoded);
}

START_TEST(the_files_token_is_what_the_role_is_given_for)
{
	test_environment_set("AWS_ROLE_SESSION_NAME", "me");
	test_write(token_file, FIRST "\n");
	test_sts_answers(200, "", ANSWER("ASIAONE"));
	look();
	ck_assert_int_eq(seen.r, 0);
	const struct credentials *c = credential_store_current(store);
	ck_assert_str_eq(c->access_key_id, "ASIAONE");
	ck_assert_str_eq(c->source, "web identity as " ROLE);
	ck_assert_uint_eq(c->expires_at, 2114478245 * USEC_PER_SEC);
	assert_token_sent(FIRST);
	ck_assert_ptr_nonnull(strstr(test_sts_form(), "&RoleSessionName=me&"));
	ck_assert_ptr_nonnull(strstr(test_sts_form(), "%3Arole%2Fworker&"));
	ck_assert_ptr_null(test_sts_header("Authorization"));
}
END_TEST

START_TEST(a_token_that_was_renewed_is_sent_the_next_time)
{
	test_write(token_file, FIRST);
	test_sts_answers(200, "", ANSWER("ASIAONE"));
	test_sts_answers(200, "", ANSWER("ASIATWO"));
	look();
	assert_token_sent(FIRST);
	test_write(token_file, NEXT);
	look();
	assert_token_sent(NEXT);
	ck_assert_str_eq(credential_store_current(store)->access_key_id, "ASIATWO");
}
END_TEST

START_TEST(only_line_ends_behind_the_token_are_taken_off)
{
	test_write(token_file, " a b \r\n\n\r\n");
	test_sts_answers(200, "", ANSWER("ASIAONE"));
	look();
	assert_token_sent("%20a%20b%20");

	/* The longest token has room for them. */
	char longest[20000 + 3];
	memset(longest, 'x', 20000);
	strcpy(longest + 20000, "\r\n");
	test_write(token_file, longest);
	look();
	ck_assert_int_eq(seen.r, 0);
	ck_assert_uint_eq(strlen(strstr(test_sts_form(), "&WebIdentityToken=")), 18 + 20000);
}
END_TEST

START_TEST(while_the_file_is_away_the_keys_stay)
{
	char want[CREDENTIALS_TEXT_MAX];

	test_write(token_file, FIRST);
	test_sts_answers(200, "", ANSWER("ASIAONE"));
	look();
	ck_assert_int_eq(unlink(token_file), 0);
	look();
	snprintf(want, sizeof want,
		"web identity as " ROLE
		": the token file %s cannot be read: No such file or directory: "
		"correct its path or mode, or see to what writes it",
		token_file);
	ck_assert_int_eq(seen.r, -EAGAIN);
	ck_assert_str_eq(seen.text, want);
	ck_assert_str_eq(credential_store_current(store)->access_key_id, "ASIAONE");
	ck_assert_uint_eq(test_sts_requests(), 1);
}
END_TEST

START_TEST(a_refusal_ends_the_search_with_what_cures_it)
{
	test_write(token_file, FIRST);
	test_sts_answers(403, "", TEST_STS_ERROR("AccessDenied", "Not authorized, says " FIRST));
	look();
	ck_assert_int_eq(seen.r, -EACCES);
	ck_assert_str_eq(seen.text,
		"127.0.0.1 denies AssumeRoleWithWebIdentity of " ROLE
		" (AccessDenied): have the role's trust policy name the token's issuer, audience "
		"and subject");
	ck_assert_str_eq(credential_store_complaint(store), seen.text);
	ck_assert_ptr_null(credential_store_current(store));
	ck_assert(!credential_store_is_searching(store));
}
END_TEST

START_TEST(a_token_that_is_too_old_is_read_again_when_the_store_asks_again)
{
	test_write(token_file, FIRST);
	test_sts_answers(400, "", TEST_STS_ERROR("ExpiredTokenException", "Token expired"));
	test_sts_answers(200, "", ANSWER("ASIATWO"));
	look();
	ck_assert_int_eq(seen.r, -EAGAIN);
	test_write(token_file, NEXT);
	/* By itself, after its pause. */
	await(2);
	ck_assert_int_eq(seen.r, 0);
	assert_token_sent(NEXT);
}
END_TEST

START_TEST(a_store_that_ends_takes_the_question_back)
{
	char text[CREDENTIALS_TEXT_MAX];

	test_write(token_file, FIRST);
	test_sts_answers(0, "", "");
	ck_assert_int_eq(credential_store_reload(store, text), -EINPROGRESS);
	while (test_sts_requests() == 0)
		ck_assert_int_ge(sd_event_run(event, 1000), 0);
	credential_store_unwatch(store, &watcher);
	store = credential_store_free(store);
	while (sd_event_run(event, 0) > 0)
		;
	ck_assert_uint_eq(seen.n, 0);
}
END_TEST

/* ---- For other sources ---- */

static struct credentials *found;

static void on_search_ended(
	struct credential_search *search, int r, struct credentials *credentials)
{
	ck_assert_ptr_null(search->state);
	found = credentials;
	note(r, search->text);
}

START_TEST(another_source_may_bring_its_own_file_role_and_name)
{
	const struct credential_means means = {
		.getenv = test_environment_get, .http = http, .region = "eu-west-1"};
	struct credential_search search = {.means = &means, .ended = on_search_ended};
	const struct web_identity identity = {
		.token_file = token_file,
		.role_arn = "arn:aws:iam::123456789012:role/other",
		.session_name = "other",
		.source = "profile other",
	};

	test_environment_set("AWS_ROLE_SESSION_NAME", "unused");
	test_write(token_file, NEXT);
	test_sts_answers(200, "", ANSWER("ASIAOTHER"));
	ck_assert_int_eq(credentials_web_identity_start(&search, &identity), -EINPROGRESS);
	await(1);
	ck_assert_int_eq(seen.r, 0);
	ck_assert_str_eq(seen.text, "");
	ck_assert_str_eq(found->access_key_id, "ASIAOTHER");
	ck_assert_str_eq(found->source, "profile other");
	found = credentials_unref(found);
	assert_token_sent(NEXT);
	ck_assert_ptr_nonnull(strstr(test_sts_form(), "%3Arole%2Fother&RoleSessionName=other&"));

	ck_assert_int_eq(credentials_web_identity_start(&search, &identity), -EINPROGRESS);
	credential_search_cancel(&search);
	ck_assert_int_eq(credentials_web_identity_start(&search, &identity), -EINPROGRESS);
	await(2);
	found = credentials_unref(found);
	ck_assert_uint_eq(test_sts_requests(), 2);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("credentials web identity");
	TCase *c = tcase_create("web identity");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, the_files_token_is_what_the_role_is_given_for);
	tcase_add_test(c, a_token_that_was_renewed_is_sent_the_next_time);
	tcase_add_test(c, only_line_ends_behind_the_token_are_taken_off);
	tcase_add_test(c, while_the_file_is_away_the_keys_stay);
	tcase_add_test(c, a_refusal_ends_the_search_with_what_cures_it);
	tcase_add_test(c, a_token_that_is_too_old_is_read_again_when_the_store_asks_again);
	tcase_add_test(c, a_store_that_ends_takes_the_question_back);
	tcase_add_test(c, another_source_may_bring_its_own_file_role_and_name);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return test_suite_run(suite());
}

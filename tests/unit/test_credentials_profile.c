/*
 * Profiles for which somebody has to be asked: a token service of the test's own, which remembers
 * every question, and programs. What the files alone decide is in tests/data/credentials.
 */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>

#include "../support/test_environment.h"
#include "../support/test_folder.h"
#include "../support/test_search.h"
#include "../support/test_server.h"
#include "../support/test_sts.h"
#include "../support/test_suite.h"
#include "aws/credential_store.h"

#define WAIT_MAX   (20 * USEC_PER_SEC)
#define QUESTIONS  8
#define ROLE(name) "arn:aws:iam::123456789012:role/" name
#define KEYS(name) "[" name "]\naws_access_key_id = AKID" name "\naws_secret_access_key = secret\n"

/* What a container's agent says. */
#define CONTAINER                                                                                  \
	"{\"AccessKeyId\":\"ASIACONTAINER\",\"SecretAccessKey\":\"secret\",\"Token\":\"task\","    \
	"\"Expiration\":\"2037-01-02T03:04:05Z\"}"

static struct test_server *server;

/* ---- The token service ---- */

static struct {
	char form[1024];
	char head[4096];
} questions[QUESTIONS];
static unsigned n_questions;
/* The question, counted from 1, to which it says no; 0: none. And that which it leaves open. */
static unsigned refused, unanswered;
static unsigned container_status = 200;

static enum test_then answer(void *userdata, const struct test_request *request, struct strbuf *out)
{
	char body[2048];
	unsigned n = n_questions + 1;

	(void)userdata;
	if (strcmp(request->path, "/container") == 0) {
		test_answer(out, container_status, "application/json", CONTAINER);
		return TEST_KEEP;
	}
	ck_assert_uint_lt(n_questions, QUESTIONS);
	snprintf(questions[n_questions].form, sizeof questions->form, "%s", request->body);
	snprintf(questions[n_questions].head, sizeof questions->head, "%s", request->head);
	n_questions++;
	if (n == unanswered)
		return TEST_KEEP;
	if (n == refused) {
		test_answer(out, 403, "text/xml", TEST_STS_ERROR("AccessDenied", "not you"));
		return TEST_KEEP;
	}
	snprintf(body, sizeof body, TEST_STS_KEYS("AssumeRole", "ASIA%u", "secret%u", "token%u"), n,
		n, n);
	if (strstr(request->body, "Action=AssumeRoleWithWebIdentity&"))
		snprintf(body, sizeof body,
			TEST_STS_KEYS("AssumeRoleWithWebIdentity", "ASIA%u", "secret%u", "token%u"),
			n, n, n);
	test_answer(out, 200, "text/xml", body);
	return TEST_KEEP;
}

/* Who has signed a question, for which region. */
static void assert_signed(unsigned question, const char *key, const char *region, const char *token)
{
	const char *head = questions[question].head;
	char needle[128];
	const char *at = strstr(head, "Credential=");

	ck_assert_ptr_nonnull(at);
	snprintf(needle, sizeof needle, "Credential=%s/", key);
	ck_assert_msg(strncmp(at, needle, strlen(needle)) == 0, "%s", at);
	snprintf(needle, sizeof needle, "/%s/sts/aws4_request,", region);
	ck_assert_msg(strstr(at, needle), "%s", at);
	if (token) {
		snprintf(needle, sizeof needle, "\r\nX-Amz-Security-Token: %s\r\n", token);
		ck_assert_msg(strcasestr(head, needle), "%s", head);
	} else {
		ck_assert_ptr_null(strcasestr(head, "X-Amz-Security-Token"));
	}
}

static void assert_asked(unsigned question, const char *role, const char *rest)
{
	_cleanup_strbuf_ struct strbuf form = STRBUF_INIT;

	strbuf_printf(&form,
		"Action=AssumeRole&Version=2011-06-15"
		"&RoleArn=arn%%3Aaws%%3Aiam%%3A%%3A123456789012%%3Arole%%2F%s%s",
		role, rest);
	ck_assert_str_eq(questions[question].form, strbuf_str(&form));
}

/* ---- A search ---- */

static struct test_search t;

static void setup(void)
{
	test_search_init(&t);
	t.means.region = "eu-west-1";
	test_folder_enter();
	server = test_server_new(TEST_PLAIN, answer, NULL);
	test_environment_set("AWS_CONFIG_FILE", "config");
	test_environment_set("AWS_SHARED_CREDENTIALS_FILE", "credentials");
	test_environment_set("AWS_PROFILE", "worker");
	test_environment_set("AWS_ENDPOINT_URL_STS", test_server_url(server));
}

static void teardown(void)
{
	test_search_done(&t);
	server = test_server_free(server);
	test_folder_leave();
}

static void start(void)
{
	int r = test_search_start(&t, &credentials_profile);

	ck_assert_msg(r == -EINPROGRESS, "%d: %s", r, t.search.text);
}

static int look(void)
{
	start();
	return test_search_await(&t);
}

/* ---- One role ---- */

START_TEST(a_role_is_assumed_with_the_keys_of_another_profile)
{
	test_write("config",
		"[profile worker]\nrole_arn = " ROLE("w") "\nsource_profile = base\n"
							  "role_session_name = session\n");
	test_write("credentials", KEYS("base"));
	ck_assert_int_eq(look(), 0);
	ck_assert_str_eq(t.found->access_key_id, "ASIA1");
	ck_assert_str_eq(t.found->secret_access_key, "secret1");
	ck_assert_str_eq(t.found->session_token, "token1");
	ck_assert_str_eq(t.found->source, "role " ROLE("w") " of profile worker in config, assumed "
							    "with profile base in credentials");
	ck_assert_uint_lt(t.found->expires_at, USEC_INFINITY);
	ck_assert_uint_eq(n_questions, 1);
	assert_asked(0, "w", "&RoleSessionName=session");
	assert_signed(0, "AKIDbase", "eu-west-1", NULL);
}
END_TEST

START_TEST(all_that_the_profile_says_of_the_role_is_asked_for_in_its_own_region)
{
	test_write("config", "[profile worker]\nrole_arn = " ROLE(
				     "w") "\nsource_profile = base\n"
					  "role_session_name = session\nexternal_id = outside\n"
					  "duration_seconds = 43200\nregion = us-east-2\n");
	test_write("credentials", KEYS("base") "region = ap-south-1\n");
	ck_assert_int_eq(look(), 0);
	ck_assert_ptr_nonnull(strstr(questions[0].form, "&RoleSessionName=session"));
	ck_assert_ptr_nonnull(strstr(questions[0].form, "&ExternalId=outside"));
	ck_assert_ptr_nonnull(strstr(questions[0].form, "&DurationSeconds=43200"));
	assert_signed(0, "AKIDbase", "us-east-2", NULL);
}
END_TEST

START_TEST(a_region_of_the_profiles_own_is_enough)
{
	t.means.region = NULL;
	test_write("config", "[profile worker]\nrole_arn = " ROLE("w") "\nsource_profile = base\n");
	test_write("credentials", KEYS("base"));
	/* The region's own service is meant, as long as no endpoint is set. */
	test_environment_set("AWS_ENDPOINT_URL_STS", NULL);
	ck_assert_int_eq(test_search_start(&t, &credentials_profile), -EAGAIN);
	ck_assert_ptr_nonnull(strstr(t.search.text, "region"));

	test_environment_set("AWS_ENDPOINT_URL_STS", test_server_url(server));
	test_write("credentials", "[worker]\nregion = us-east-2\n" KEYS("base"));
	ck_assert_int_eq(look(), 0);
	assert_signed(0, "AKIDbase", "us-east-2", NULL);
}
END_TEST

START_TEST(a_role_is_assumed_with_the_keys_in_the_environment)
{
	test_write("config",
		"[profile worker]\nrole_arn = " ROLE("w") "\n"
							  "credential_source = Environment\n");
	test_write("credentials", KEYS("worker"));
	test_environment_set("AWS_ACCESS_KEY_ID", "AKIDENV");
	test_environment_set("AWS_SECRET_ACCESS_KEY", "secret");
	test_environment_set("AWS_SESSION_TOKEN", "env");
	ck_assert_int_eq(look(), 0);
	ck_assert_str_eq(t.found->access_key_id, "ASIA1");
	ck_assert_str_eq(t.found->source,
		"role " ROLE("w") " of profile worker in config, assumed with environment");
	assert_signed(0, "AKIDENV", "eu-west-1", "env");
}
END_TEST

START_TEST(a_role_is_assumed_with_the_role_of_a_container)
{
	_cleanup_free_ char *uri = NULL;

	test_write("config",
		"[profile worker]\nrole_arn = " ROLE("w") "\n"
							  "credential_source = EcsContainer\n");
	ck_assert_int_gt(asprintf(&uri, "%s/container", test_server_url(server)), 0);
	test_environment_set("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri);
	ck_assert_int_eq(look(), 0);
	ck_assert_str_eq(t.found->access_key_id, "ASIA1");
	ck_assert_str_eq(t.found->source,
		"role " ROLE("w") " of profile worker in config, assumed with container role");
	assert_signed(0, "ASIACONTAINER", "eu-west-1", "task");

	container_status = 500;
	ck_assert_int_eq(look(), -EAGAIN);
	ck_assert_ptr_eq(strstr(t.search.text, "container role: "), t.search.text);
	ck_assert_uint_eq(n_questions, 1);
}
END_TEST

START_TEST(keys_of_a_source_profile_are_read_anew_for_every_search)
{
	test_write("config", "[profile worker]\nrole_arn = " ROLE("w") "\nsource_profile = base\n");
	test_write("credentials", KEYS("base"));
	ck_assert_int_eq(look(), 0);
	test_write("credentials",
		"[base]\naws_access_key_id = AKIDrotated\naws_secret_access_key = secret\n");
	ck_assert_int_eq(look(), 0);
	ck_assert_str_eq(t.found->access_key_id, "ASIA2");
	assert_signed(0, "AKIDbase", "eu-west-1", NULL);
	assert_signed(1, "AKIDrotated", "eu-west-1", NULL);
}
END_TEST

/* ---- Others that hand out the first keys ---- */

START_TEST(a_program_may_give_the_profiles_keys)
{
	test_write("config", "[profile worker]\ncredential_process = ./script\n");
	test_write_program("script",
		"#!/bin/sh\necho '{\"Version\":1,\"AccessKeyId\":\"AKIDPROCESS\","
		"\"SecretAccessKey\":\"secret\"}'\n");
	ck_assert_int_eq(look(), 0);
	ck_assert_str_eq(t.found->access_key_id, "AKIDPROCESS");
	ck_assert_str_eq(t.found->source, "credential_process of profile worker in config");
	ck_assert_uint_eq(n_questions, 0);
}
END_TEST

START_TEST(a_program_may_give_the_keys_that_assume_the_role)
{
	test_write("config", "[profile worker]\nrole_arn = " ROLE(
				     "w") "\nsource_profile = base\n"
					  "[profile base]\ncredential_process = ./script\n");
	test_write_program("script",
		"#!/bin/sh\necho '{\"Version\":1,\"AccessKeyId\":\"AKIDPROCESS\","
		"\"SecretAccessKey\":\"secret\",\"SessionToken\":\"t\"}'\n");
	ck_assert_int_eq(look(), 0);
	ck_assert_str_eq(t.found->access_key_id, "ASIA1");
	assert_signed(0, "AKIDPROCESS", "eu-west-1", "t");
}
END_TEST

START_TEST(a_program_that_fails_is_the_end_of_the_search)
{
	test_write("config", "[profile worker]\nrole_arn = " ROLE(
				     "w") "\nsource_profile = base\n"
					  "[profile base]\ncredential_process = ./script\n");
	test_write_program("script", "#!/bin/sh\necho no >&2; exit 1\n");
	ck_assert_int_eq(look(), -EIO);
	ck_assert_str_eq(t.search.text,
		"credential_process of profile base in config: ./script ended "
		"with status 1: no");
	ck_assert_uint_eq(n_questions, 0);
}
END_TEST

START_TEST(a_web_identity_may_be_the_profiles_or_assume_its_role)
{
	test_write("token", "identity\n");
	test_write("config", "[profile worker]\nrole_arn = " ROLE(
				     "w") "\n"
					  "web_identity_token_file = token\nregion = us-east-2\n"
					  "role_session_name = session\nduration_seconds = 900\n");
	ck_assert_int_eq(look(), 0);
	ck_assert_str_eq(t.found->access_key_id, "ASIA1");
	ck_assert_str_eq(t.found->source,
		"role " ROLE("w") " of profile worker in config, for its web identity");
	ck_assert_ptr_nonnull(strstr(questions[0].form, "&RoleSessionName=session"));
	ck_assert_ptr_nonnull(strstr(questions[0].form, "&DurationSeconds=900"));
	ck_assert_ptr_nonnull(strstr(questions[0].form, "&WebIdentityToken=identity"));
	ck_assert_ptr_null(strstr(questions[0].head, "Authorization"));

	test_write("config", "[profile worker]\nrole_arn = " ROLE(
				     "w") "\nsource_profile = base\n"
					  "[profile base]\nrole_arn = " ROLE(
						  "b") "\n"
						       "web_identity_token_file = token\n");
	ck_assert_int_eq(look(), 0);
	ck_assert_str_eq(t.found->access_key_id, "ASIA3");
	assert_signed(2, "ASIA2", "eu-west-1", "token2");
}
END_TEST

START_TEST(the_region_of_the_profile_is_that_of_its_web_identity_too)
{
	/* One that cannot be, so that nobody is asked. */
	t.means.region = NULL;
	test_environment_set("AWS_ENDPOINT_URL_STS", NULL);
	test_write("token", "identity\n");
	test_write("config", "[profile worker]\nrole_arn = " ROLE(
				     "w") "\n"
					  "web_identity_token_file = token\nregion = north pole\n");
	ck_assert_int_eq(test_search_start(&t, &credentials_profile), -EINVAL);
	ck_assert_str_eq(t.search.text, "the token service's region has a name that no region has: "
					"correct the profile's region or AWS_REGION");
}
END_TEST

/* ---- Roles one after the other ---- */

#define CHAIN                                                                                      \
	"[profile worker]\nrole_arn = " ROLE(                                                      \
		"w") "\nsource_profile = middle\n"                                                 \
		     "role_session_name = session\n"                                               \
		     "[profile middle]\nrole_arn = " ROLE(                                         \
			     "m") "\nsource_profile = base\nregion = us-east-2\n"                  \
				  "role_session_name = session\n"

START_TEST(each_role_is_assumed_with_the_keys_of_the_one_before)
{
	test_write("config", CHAIN);
	test_write("credentials", KEYS("base"));
	ck_assert_int_eq(look(), 0);
	ck_assert_str_eq(t.found->access_key_id, "ASIA2");
	ck_assert_str_eq(t.found->source,
		"role " ROLE("w") " of profile worker in config, assumed with role " ROLE(
			"m") " of profile middle in config, assumed with profile base in "
			     "credentials");
	ck_assert_uint_eq(n_questions, 2);
	assert_asked(0, "m", "&RoleSessionName=session");
	assert_signed(0, "AKIDbase", "us-east-2", NULL);
	assert_asked(1, "w", "&RoleSessionName=session");
	assert_signed(1, "ASIA1", "eu-west-1", "token1");
}
END_TEST

START_TEST(a_role_that_is_refused_ends_the_search_and_is_named)
{
	refused = 2;
	test_write("config", CHAIN);
	test_write("credentials", KEYS("base"));
	ck_assert_int_eq(look(), -EACCES);
	ck_assert_msg(strstr(t.search.text, ROLE("w")), "%s", t.search.text);
	ck_assert_uint_eq(n_questions, 2);

	refused = 3;
	ck_assert_int_eq(look(), -EACCES);
	ck_assert_msg(strstr(t.search.text, ROLE("m")), "%s", t.search.text);
	ck_assert_uint_eq(n_questions, 3);
}
END_TEST

/* ---- Cancelled ---- */

START_TEST(a_cancel_reaches_the_program)
{
	siginfo_t info;

	test_write("config", "[profile worker]\ncredential_process = ./script\n");
	test_write_program("script", "#!/bin/sh\nexec sleep 30\n");
	start();
	credential_search_cancel(&t.search);
	ck_assert_int_eq(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
	ck_assert_int_eq(info.si_status, SIGKILL);
	ck_assert_int_ge(sd_event_run(t.event, WAIT_MAX), 0);
	ck_assert_uint_eq(t.n_ended, 0);
}
END_TEST

START_TEST(a_cancel_reaches_the_role_that_is_asked_for)
{
	test_write("config", CHAIN);
	test_write("credentials", KEYS("base"));
	unanswered = (unsigned)_i;
	start();
	while (test_server_requests(server) < unanswered)
		ck_assert_int_gt(sd_event_run(t.event, WAIT_MAX), 0);
	credential_search_cancel(&t.search);
	/* A question that is still out ends now. */
	server = test_server_free(server);
	while (sd_event_run(t.event, 0) > 0)
		;
	ck_assert_uint_eq(t.n_ended, 0);
}
END_TEST

/* ---- In the store ---- */

static unsigned n_told;

static void on_told(void *userdata, int r, const char *text)
{
	(void)userdata;
	ck_assert_msg(r == 0, "%s", text);
	n_told++;
}

START_TEST(the_store_finds_a_roles_keys_by_itself)
{
	_cleanup_(credential_store_freep) struct credential_store *store = NULL;
	struct credential_watcher watcher = {.ended = on_told};
	struct credential_store_options options = {.means = t.means};
	char text[CREDENTIALS_TEXT_MAX] = "";

	test_write("config", CHAIN);
	test_write("credentials", KEYS("base"));
	ck_assert_int_eq(credential_store_new(&options, &store), 0);
	credential_store_watch(store, &watcher);
	ck_assert_int_eq(credential_store_reload(store, text), -EINPROGRESS);
	while (n_told == 0)
		ck_assert_int_gt(sd_event_run(t.event, WAIT_MAX), 0);
	ck_assert_str_eq(credential_store_current(store)->access_key_id, "ASIA2");
	credential_store_unwatch(store, &watcher);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("credentials profile");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, a_role_is_assumed_with_the_keys_of_another_profile);
	tcase_add_test(all, all_that_the_profile_says_of_the_role_is_asked_for_in_its_own_region);
	tcase_add_test(all, a_region_of_the_profiles_own_is_enough);
	tcase_add_test(all, a_role_is_assumed_with_the_keys_in_the_environment);
	tcase_add_test(all, a_role_is_assumed_with_the_role_of_a_container);
	tcase_add_test(all, keys_of_a_source_profile_are_read_anew_for_every_search);
	tcase_add_test(all, a_program_may_give_the_profiles_keys);
	tcase_add_test(all, a_program_may_give_the_keys_that_assume_the_role);
	tcase_add_test(all, a_program_that_fails_is_the_end_of_the_search);
	tcase_add_test(all, a_web_identity_may_be_the_profiles_or_assume_its_role);
	tcase_add_test(all, the_region_of_the_profile_is_that_of_its_web_identity_too);
	tcase_add_test(all, each_role_is_assumed_with_the_keys_of_the_one_before);
	tcase_add_test(all, a_role_that_is_refused_ends_the_search_and_is_named);
	tcase_add_test(all, a_cancel_reaches_the_program);
	tcase_add_loop_test(all, a_cancel_reaches_the_role_that_is_asked_for, 1, 3);
	tcase_add_test(all, the_store_finds_a_roles_keys_by_itself);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../support/test_environment.h"
#include "../support/test_imds.h"
#include "../support/test_search.h"
#include "../support/test_suite.h"

#define ENDPOINT "AWS_EC2_METADATA_SERVICE_ENDPOINT"
#define ROLES    "/latest/meta-data/iam/security-credentials/"

#define KEYS_FROM                                                                                  \
	"{\"Code\":\"Success\",\"LastUpdated\":\"2026-01-01T00:00:00Z\",\"Type\":\"AWS-HMAC\","
#define KEYS_TO                                                                                    \
	"\"AccessKeyId\":\"ASIAROLE\",\"SecretAccessKey\":\"hush/role\",\"Token\":\"hush-token\"," \
	"\"Expiration\":\"2026-01-02T03:04:05Z\"}"

static struct test_search t;
static struct test_server *server;
static struct test_imds service;

static void setup(void)
{
	test_search_init(&t);
	service.token_status = 200;
	test_imds_set(&service, ROLES, 200, "worker\n");
	test_imds_set(&service, ROLES "worker", 200, KEYS_FROM KEYS_TO);
	server = test_server_new(TEST_PLAIN, test_imds_answer, &service);
	test_environment_set(ENDPOINT, test_server_url(server));
}

static void teardown(void)
{
	test_search_done(&t);
	server = test_server_free(server);
}

static void run(void)
{
	test_search_run(&t, &credentials_metadata);
	ck_assert_ptr_null(strstr(t.search.text, "hush"));
	ck_assert_ptr_null(strstr(t.search.text, "token-"));
}

START_TEST(the_role_is_asked_for_and_then_its_keys)
{
	run();
	ck_assert_int_eq(t.r, 0);
	ck_assert_uint_eq(t.n_ended, 1);
	ck_assert_str_eq(t.found->access_key_id, "ASIAROLE");
	ck_assert_str_eq(t.found->secret_access_key, "hush/role");
	ck_assert_str_eq(t.found->session_token, "hush-token");
	ck_assert_uint_eq(t.found->expires_at, 1767323045 * USEC_PER_SEC);
	ck_assert_str_eq(t.found->source, "instance metadata, role worker");
	ck_assert_uint_eq(service.n_tokens, 1);
	ck_assert_str_eq(service.asked_path, ROLES "worker");
}
END_TEST

START_TEST(the_role_is_asked_for_at_every_search)
{
	run();
	test_imds_set(&service, ROLES, 200, "other,role@x_1.0+=-");
	test_imds_set(&service, ROLES "other,role@x_1.0+=-", 200,
		"{"
		"\"AccessKeyId\":\"ASIAOTHER\",\"SecretAccessKey\":\"hush/other\",\"Token\":"
		"\"hush-other\",\"Expiration\":\"2026-01-02T03:04:05Z\"}");
	run();
	ck_assert_int_eq(t.r, 0);
	ck_assert_str_eq(t.found->access_key_id, "ASIAOTHER");
	ck_assert_str_eq(t.found->source, "instance metadata, role other,role@x_1.0+=-");
}
END_TEST

START_TEST(keys_that_have_expired_are_taken)
{
	test_imds_set(&service, ROLES "worker", 200,
		KEYS_FROM "\"AccessKeyId\":\"ASIAOLD\",\"SecretAccessKey\":\"hush/old\","
			  "\"Token\":\"hush-old\",\"Expiration\":\"2016-01-02T03:04:05Z\"}");
	run();
	ck_assert_int_eq(t.r, 0);
	ck_assert_uint_eq(t.found->expires_at, 1451703845 * USEC_PER_SEC);
}
END_TEST

/* ---- What goes wrong ---- */

static const struct {
	const char *path;
	unsigned status;
	const char *body;
	int r;
	const char *text; /* "%s": the endpoint */
} FAILURES[] = {
	{ROLES, 404, "", -ENODATA,
		"instance metadata: this instance has no role: attach an instance profile to it "
		"(IamInstanceProfile)"},
	{ROLES, 200, "", -ENODATA,
		"instance metadata: this instance has no role: attach an instance profile to it "
		"(IamInstanceProfile)"},
	{ROLES, 200, "<html>\n", -EBADMSG, "instance metadata: the role's name is not one"},
	{ROLES, 200, "../user-data", -EBADMSG, "instance metadata: the role's name is not one"},
	{ROLES, 200, "..", -EBADMSG, "instance metadata: the role's name is not one"},
	{ROLES, 200, "\nworker", -EBADMSG, "instance metadata: the role's name is not one"},
	{ROLES, 503, "", -EAGAIN, "instance metadata: %s is in trouble: HTTP 503"},
	{ROLES "worker", 404, "", -EAGAIN, "instance metadata, role worker: %s has nothing there"},
	{ROLES "worker", 500, "", -EAGAIN,
		"instance metadata, role worker: %s is in trouble: HTTP 500"},
	{ROLES "worker", 200,
		"{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"Message\":\"EC2 cannot assume the "
		"role \\u001b[31mworker\"}",
		-EACCES,
		"instance metadata, role worker: AssumeRoleUnauthorizedAccess: EC2 cannot assume "
		"the role ?[31mworker"},
	{ROLES "worker", 200, "<html>", -EBADMSG,
		"instance metadata, role worker: the answer is not JSON"},
	{ROLES "worker", 200, "{\"AccessKeyId\":\"ASIAROLE\",\"SecretAccessKey\":\"hush/role\"}",
		-EBADMSG, "instance metadata, role worker: the answer has no Token"},
	{ROLES "worker", 200,
		"{\"AccessKeyId\":\"ASIAROLE\",\"SecretAccessKey\":\"hush role\",\"Token\":"
		"\"hush\",\"Expiration\":\"2026-01-02T03:04:05Z\"}",
		-EBADMSG,
		"instance metadata, role worker: the secret access key holds a blank, a quote, a "
		"line end "
		"or another character that none has, or is far too long"},
};

START_TEST(what_goes_wrong_is_a_failure_and_says_why)
{
	test_imds_set(&service, FAILURES[_i].path, FAILURES[_i].status, FAILURES[_i].body);
	run();
	ck_assert_int_eq(t.r, FAILURES[_i].r);
	test_search_assert_text(&t, FAILURES[_i].text, test_server_url(server));
}
END_TEST

START_TEST(a_role_whose_name_has_no_end_is_none)
{
	char role[200];

	memset(role, 'r', sizeof role - 1);
	role[sizeof role - 1] = '\0';
	test_imds_set(&service, ROLES, 200, role);
	run();
	ck_assert_int_eq(t.r, -EBADMSG);
	ck_assert_uint_eq(service.n_gets, 1);
}
END_TEST

START_TEST(without_a_service_nothing_is_configured_here_but_only_if_there_never_was_one)
{
	char url[64];

	snprintf(url, sizeof url, "%s", test_server_url(server));
	server = test_server_free(server);
	test_environment_set(ENDPOINT, url);
	run();
	ck_assert_int_eq(t.r, -ENOENT);
	ck_assert_ptr_eq(strstr(t.search.text, "instance metadata: nobody is at http://127.0.0.1:"),
		t.search.text);
}
END_TEST

START_TEST(once_there_were_keys_silence_is_an_outage)
{
	char url[64];

	run();
	ck_assert_int_eq(t.r, 0);
	snprintf(url, sizeof url, "%s", test_server_url(server));
	server = test_server_free(server);
	run();
	ck_assert_int_eq(t.r, -EHOSTUNREACH);
	ck_assert_ptr_nonnull(strstr(t.search.text, " does not answer any more: "));
}
END_TEST

START_TEST(disabled_it_is_not_configured_here)
{
	test_environment_set("AWS_EC2_METADATA_DISABLED", "true");
	run();
	ck_assert_int_eq(t.r, -ENOENT);
	ck_assert_uint_eq(t.n_ended, 0);
	ck_assert_str_eq(t.search.text, "AWS_EC2_METADATA_DISABLED is set");
	ck_assert_uint_eq(test_server_requests(server), 0);
}
END_TEST

START_TEST(a_wrong_variable_can_be_mended_here)
{
	test_environment_set("AWS_METADATA_SERVICE_TIMEOUT", "soon");
	run();
	ck_assert_int_eq(t.r, -EINVAL);
	ck_assert_uint_eq(t.n_ended, 0);
	ck_assert_str_eq(
		t.search.text, "AWS_METADATA_SERVICE_TIMEOUT is not a whole number from 1 to 60");
}
END_TEST

/* While it asks for the token, for the role and for the keys. */
START_TEST(a_search_can_be_cancelled_at_any_time)
{
	ck_assert_int_eq(test_search_start(&t, &credentials_metadata), -EINPROGRESS);
	while (test_server_requests(server) < (unsigned)_i)
		ck_assert_int_ge(sd_event_run(t.event, 10 * USEC_PER_MSEC), 0);
	ck_assert_uint_eq(t.n_ended, 0);
	credential_search_cancel(&t.search);
	while (sd_event_run(t.event, 0) > 0)
		;
	ck_assert_uint_eq(t.n_ended, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("credentials metadata");
	TCase *c = tcase_create("metadata");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, the_role_is_asked_for_and_then_its_keys);
	tcase_add_test(c, the_role_is_asked_for_at_every_search);
	tcase_add_test(c, keys_that_have_expired_are_taken);
	tcase_add_loop_test(c, what_goes_wrong_is_a_failure_and_says_why, 0, N_OF(FAILURES));
	tcase_add_test(c, a_role_whose_name_has_no_end_is_none);
	tcase_add_test(
		c, without_a_service_nothing_is_configured_here_but_only_if_there_never_was_one);
	tcase_add_test(c, once_there_were_keys_silence_is_an_outage);
	tcase_add_test(c, disabled_it_is_not_configured_here);
	tcase_add_test(c, a_wrong_variable_can_be_mended_here);
	tcase_add_loop_test(c, a_search_can_be_cancelled_at_any_time, 0, 4);
	suite_add_tcase(suite, c);
	return test_suite_run(suite);
}

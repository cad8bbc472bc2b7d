#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../support/test_connect.h"
#include "../support/test_environment.h"
#include "../support/test_folder.h"
#include "../support/test_search.h"
#include "../support/test_server.h"
#include "../support/test_suite.h"

#define FULL       "AWS_CONTAINER_CREDENTIALS_FULL_URI"
#define TOKEN      "AWS_CONTAINER_AUTHORIZATION_TOKEN"
#define TOKEN_FILE "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"

#define KEYS(id)                                                                                   \
	"{\"RoleArn\":\"TASK_ROLE\",\"AccessKeyId\":\"" id "\",\"SecretAccessKey\":\"hush/role\"," \
	"\"Token\":\"hush-token\",\"Expiration\":\"2026-01-02T03:04:05Z\"}"

static struct test_search t;
static struct test_server *server;
static char full[128];

/* What the agent answers, and what it was asked; set while it has nothing to do. */
static unsigned status;
static const char *body;
static char asked_path[256], asked_head[1024];

static enum test_then answer(void *userdata, const struct test_request *request, struct strbuf *out)
{
	(void)userdata;
	snprintf(asked_path, sizeof asked_path, "%s %s", request->method, request->path);
	snprintf(asked_head, sizeof asked_head, "%s", request->head);
	if (status > 0)
		test_answer(out, status, "application/json", body);
	return TEST_KEEP;
}

static void setup(void)
{
	test_search_init(&t);
	status = 200;
	body = KEYS("ASIATASK");
	server = test_server_new(TEST_PLAIN, answer, NULL);
	snprintf(full, sizeof full, "%s/v2/hidden?x", test_server_url(server));
	test_environment_set(FULL, full);
}

static void teardown(void)
{
	test_search_done(&t);
	server = test_server_free(server);
}

static void run(void)
{
	test_search_run(&t, &credentials_container);
	ck_assert_ptr_null(strstr(t.search.text, "hush"));
	ck_assert_ptr_null(strstr(t.search.text, "hidden"));
}

/* Behind "container role: ", with the agent's place for "%s". */
static void assert_text(const char *format)
{
	_cleanup_strbuf_ struct strbuf whole = STRBUF_INIT;

	strbuf_printf(&whole, "container role: %s", format);
	test_search_assert_text(&t, strbuf_str(&whole), test_server_url(server));
}

START_TEST(the_agent_is_asked_for_json_and_gives_the_keys)
{
	run();
	ck_assert_int_eq(t.r, 0);
	ck_assert_uint_eq(t.n_ended, 1);
	ck_assert_str_eq(t.found->access_key_id, "ASIATASK");
	ck_assert_str_eq(t.found->secret_access_key, "hush/role");
	ck_assert_str_eq(t.found->session_token, "hush-token");
	ck_assert_uint_eq(t.found->expires_at, 1767323045 * USEC_PER_SEC);
	ck_assert_str_eq(t.found->source, "container role");
	ck_assert_str_eq(asked_path, "GET /v2/hidden?x");
	ck_assert_ptr_nonnull(strstr(asked_head, "\r\nAccept: application/json\r\n"));
	ck_assert_ptr_null(strstr(asked_head, "Authorization"));
}
END_TEST

START_TEST(no_proxy_is_asked)
{
	/* Nobody listens there. */
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	run();
	ck_assert_int_eq(t.r, 0);
}
END_TEST

/* ---- Authorization ---- */

static const char path[] = "token";

static void setup_file(void)
{
	setup();
	test_folder_enter();
	test_environment_set(TOKEN_FILE, path);
	test_environment_set(TOKEN, "hush-variable");
}

static void teardown_file(void)
{
	test_folder_leave();
	teardown();
}

START_TEST(the_token_of_the_variable_is_sent)
{
	test_environment_set(TOKEN, "Bearer hush-variable\n");
	run();
	ck_assert_int_eq(t.r, 0);
	ck_assert_ptr_nonnull(strstr(asked_head, "\r\nAuthorization: Bearer hush-variable\r\n"));
}
END_TEST

START_TEST(the_token_file_beats_the_variable_and_is_read_again_for_every_search)
{
	test_write(path, "hush-first");
	run();
	ck_assert_int_eq(t.r, 0);
	ck_assert_ptr_nonnull(strstr(asked_head, "\r\nAuthorization: hush-first\r\n"));
	test_write(path, "hush-second\r\n\n");
	run();
	ck_assert_int_eq(t.r, 0);
	ck_assert_ptr_nonnull(strstr(asked_head, "\r\nAuthorization: hush-second\r\n"));
}
END_TEST

START_TEST(a_token_file_that_is_not_there_is_no_reason_to_ask_elsewhere)
{
	static char absent[] = "/tmp/test_container/not-there";

	test_environment_set(TOKEN_FILE, absent);
	run();
	ck_assert_int_eq(t.r, -EAGAIN);
	ck_assert_str_eq(t.search.text,
		TOKEN_FILE ": the token file /tmp/test_container/not-there cannot be read: No such "
			   "file or directory: correct its path or mode, or see to what writes it");
	ck_assert_uint_eq(test_server_requests(server), 0);
}
END_TEST

START_TEST(a_token_file_that_is_empty_is_said)
{
	_cleanup_strbuf_ struct strbuf expected = STRBUF_INIT;

	test_write(path, "\r\n");
	run();
	ck_assert_int_eq(t.r, -EAGAIN);
	strbuf_printf(
		&expected, TOKEN_FILE ": the token file %s is empty: see to what writes it", path);
	ck_assert_str_eq(t.search.text, strbuf_str(&expected));
}
END_TEST

static void assert_no_token_in_file(void)
{
	_cleanup_strbuf_ struct strbuf expected = STRBUF_INIT;

	run();
	ck_assert_int_eq(t.r, -EINVAL);
	strbuf_printf(&expected,
		TOKEN_FILE ": the token file %s holds a line end or another character that no "
			   "token has",
		path);
	ck_assert_str_eq(t.search.text, strbuf_str(&expected));
}

START_TEST(a_token_file_of_nothing_but_nuls_is_not_called_empty)
{
	/* As it is left behind where it was never written out. */
	test_write_bytes(path, (const char[40]){0}, 40);
	assert_no_token_in_file();
}
END_TEST

START_TEST(a_token_that_is_refused_is_named_and_not_repeated)
{
	test_write(path, "hush-hush-hush");
	status = 403;
	body = "{\"code\":\"AccessDenied\",\"message\":\"hush-hush-hush is not valid\"}";
	run();
	ck_assert_int_eq(t.r, -EACCES);
	assert_text("%s says HTTP 403 to the token of " TOKEN_FILE ": AccessDenied");
	body = "{\"code\":\"hush-hush-hush\"}";
	run();
	assert_text("%s says HTTP 403 to the token of " TOKEN_FILE ": refused");
}
END_TEST

static const char *const BROKEN_TOKENS[] = {
	"hush\r\nX-Injected: yes",
	"hush\nmore",
	"\rhush",
	"hush\x7f",
};

START_TEST(a_token_with_a_line_end_in_it_is_refused)
{
	test_environment_set(TOKEN_FILE, NULL);
	test_environment_set(TOKEN, BROKEN_TOKENS[_i]);
	run();
	ck_assert_int_eq(t.r, -EINVAL);
	ck_assert_str_eq(
		t.search.text, TOKEN " holds a line end or another character that no token has");

	test_write(path, BROKEN_TOKENS[_i]);
	test_environment_set(TOKEN_FILE, path);
	assert_no_token_in_file();
	ck_assert_uint_eq(test_server_requests(server), 0);
}
END_TEST

/* ---- What goes wrong ---- */

static const struct {
	unsigned status;
	const char *body;
	int r;
	const char *text;
} FAILURES[] = {
	{400, "{\"code\":\"InvalidToken\",\"message\":\"The token\\nhas expired\"}", -EACCES,
		"%s says HTTP 400: InvalidToken: The token?has expired"},
	{404, "", -EACCES, "%s says HTTP 404"},
	{403, KEYS("ASIATASK"), -EACCES, "%s says HTTP 403"},
	{429, "{}", -EAGAIN, "%s says HTTP 429"},
	{500, "<html>", -EAGAIN, "%s says HTTP 500"},
	{503, "{\"code\":\"Unavailable\"}", -EAGAIN, "%s says HTTP 503: Unavailable"},
	{200, "{\"code\":\"NoRole\"}", -EACCES, "NoRole"},
	{200, "", -EBADMSG, "the answer ends early"},
	{200, "{\"AccessKeyId\":\"ASIATASK\",\"SecretAccessKey\":\"hush\",\"Token\":\"hush\"}",
		-EBADMSG, "the answer has no Expiration"},
};

START_TEST(what_goes_wrong_is_a_failure_and_says_why)
{
	status = FAILURES[_i].status;
	body = FAILURES[_i].body;
	run();
	ck_assert_int_eq(t.r, FAILURES[_i].r);
	assert_text(FAILURES[_i].text);
}
END_TEST

START_TEST(an_answer_without_an_end_is_too_much)
{
	_cleanup_free_ char *endless = malloc(200001);

	ck_assert_ptr_nonnull(endless);
	memset(endless, ' ', 200000);
	endless[200000] = '\0';
	body = endless;
	run();
	ck_assert_int_eq(t.r, -EMSGSIZE);
	assert_text("no answer from %s: the answer is larger than expected");
}
END_TEST

START_TEST(an_agent_that_is_not_there_is_no_reason_to_ask_elsewhere)
{
	server = test_server_free(server);
	run();
	ck_assert_int_eq(t.r, -ECONNREFUSED);
	ck_assert_ptr_eq(strstr(t.search.text, "container role: no answer from http://127.0.0.1:"),
		t.search.text);
}
END_TEST

START_TEST(an_agent_that_is_silent_has_five_seconds)
{
	usec_t before = clock_monotonic();

	status = 0;
	run();
	ck_assert_int_eq(t.r, -ETIMEDOUT);
	assert_text("no answer from %s: no answer in time");
	ck_assert_uint_ge(clock_monotonic() - before, 5 * USEC_PER_SEC);
}
END_TEST

START_TEST(an_agent_that_cannot_be_connected_to_has_two_seconds)
{
	usec_t before = clock_monotonic();

	/* Nobody ends the handshake. */
	snprintf(full, sizeof full, "https://127.0.0.1:%u/", test_server_port(server));
	run();
	ck_assert_int_eq(t.r, -ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(t.search.text, ": no connection in time"));
	ck_assert_uint_lt(clock_monotonic() - before, 5 * USEC_PER_SEC);
}
END_TEST

START_TEST(the_agents_usual_address_is_asked_though_it_has_no_tls)
{
	test_environment_set(FULL, NULL);
	test_environment_set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/hidden");
	run();
	ck_assert_int_eq(t.r, -ECONNREFUSED);
	ck_assert_str_eq(test_connect_refused(), "169.254.170.2:80");
}
END_TEST

START_TEST(without_the_variables_it_is_not_configured_here)
{
	test_environment_set(FULL, NULL);
	run();
	ck_assert_int_eq(t.r, -ENOENT);
	ck_assert_uint_eq(t.n_ended, 0);
	ck_assert_str_eq(t.search.text, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not set");
}
END_TEST

START_TEST(a_search_can_be_cancelled)
{
	ck_assert_int_eq(test_search_start(&t, &credentials_container), -EINPROGRESS);
	while (test_server_requests(server) == 0)
		ck_assert_int_ge(sd_event_run(t.event, 10 * USEC_PER_MSEC), 0);
	credential_search_cancel(&t.search);
	while (sd_event_run(t.event, 0) > 0)
		;
	ck_assert_uint_eq(t.n_ended, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("credentials container");
	TCase *c = tcase_create("container");
	TCase *token = tcase_create("token");

	tcase_set_timeout(c, 30);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, the_agent_is_asked_for_json_and_gives_the_keys);
	tcase_add_test(c, no_proxy_is_asked);
	tcase_add_test(c, the_token_of_the_variable_is_sent);
	tcase_add_loop_test(c, what_goes_wrong_is_a_failure_and_says_why, 0, N_OF(FAILURES));
	tcase_add_test(c, an_answer_without_an_end_is_too_much);
	tcase_add_test(c, an_agent_that_is_not_there_is_no_reason_to_ask_elsewhere);
	tcase_add_test(c, an_agent_that_is_silent_has_five_seconds);
	tcase_add_test(c, an_agent_that_cannot_be_connected_to_has_two_seconds);
	tcase_add_test(c, the_agents_usual_address_is_asked_though_it_has_no_tls);
	tcase_add_test(c, without_the_variables_it_is_not_configured_here);
	tcase_add_test(c, a_search_can_be_cancelled);
	suite_add_tcase(suite, c);

	tcase_add_checked_fixture(token, setup_file, teardown_file);
	tcase_add_test(token, the_token_file_beats_the_variable_and_is_read_again_for_every_search);
	tcase_add_test(token, a_token_file_that_is_not_there_is_no_reason_to_ask_elsewhere);
	tcase_add_test(token, a_token_file_that_is_empty_is_said);
	tcase_add_test(token, a_token_file_of_nothing_but_nuls_is_not_called_empty);
	tcase_add_test(token, a_token_that_is_refused_is_named_and_not_repeated);
	tcase_add_loop_test(
		token, a_token_with_a_line_end_in_it_is_refused, 0, N_OF(BROKEN_TOKENS));
	suite_add_tcase(suite, token);
	return test_suite_run(suite);
}

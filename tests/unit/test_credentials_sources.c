/*
 * What is found in an environment and two files: one folder a case in tests/data/credentials, with
 * "environment" (NAME=VALUE lines), the files that it names, and "expected", which says what the
 * standard chain finds and then which region the profile names. None of them asks anybody.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../support/test_search.h"
#include "../support/test_suite.h"
#include "aws/credential_store.h"
#include "aws/profile.h"
#include "base/file.h"

#define CASES    "tests/data/credentials"
#define FILE_MAX (64u << 10)

static struct strbuf environment;
static struct test_search t; /* for its loop and its http */

static void setup(void)
{
	test_search_init(&t);
}

static void teardown(void)
{
	test_search_done(&t);
}

/* The environment is the file's lines; each is ended by NUL here. */
static char *case_getenv(const char *name)
{
	size_t len = strlen(name);

	for (char *line = environment.data; line && *line; line += strlen(line) + 1)
		if (strncmp(line, name, len) == 0 && line[len] == '=')
			return line + len + 1;
	return NULL;
}

static void read_environment(void)
{
	ck_assert_int_eq(file_read("environment", FILE_MAX, &environment), 0);
	for (size_t i = 0; i < environment.len; i++)
		if (environment.data[i] == '\n')
			environment.data[i] = '\0';
}

static void tell_failure(struct strbuf *to, const char *what, int r, const char *text)
{
	strbuf_printf(to, "%s %s: %s\n", what, strerrorname_np(-r), text);
}

static void tell_credentials(struct strbuf *to)
{
	_cleanup_(credential_store_freep) struct credential_store *store = NULL;
	_cleanup_(imds_freep) struct imds *imds = NULL;
	char text[CREDENTIALS_TEXT_MAX];

	ck_assert_int_eq(imds_new(t.http, case_getenv, &imds), 0);
	const struct credential_store_options options = {
		.means = {.getenv = case_getenv, .http = t.http, .imds = imds},
	};
	ck_assert_int_eq(credential_store_new(&options, &store), 0);
	int r = credential_store_reload(store, text);
	ck_assert_int_ne(r, -EINPROGRESS);
	const struct credentials *c = credential_store_current(store);
	ck_assert((r == 0) == (c != NULL));
	if (r < 0) {
		tell_failure(to, "credentials", r, text);
		return;
	}
	strbuf_printf(to, "access_key_id %s\nsecret_access_key %s\n", c->access_key_id,
		c->secret_access_key);
	if (c->session_token)
		strbuf_printf(to, "session_token %s\n", c->session_token);
	if (c->expires_at != USEC_INFINITY)
		strbuf_printf(to, "expires_at %llu\n",
			(unsigned long long)(c->expires_at / USEC_PER_SEC));
	strbuf_printf(to, "source %s\n", c->source);
}

static void tell_region(struct strbuf *to)
{
	_cleanup_free_ char *region = NULL;
	char text[CREDENTIALS_TEXT_MAX];

	int r = profile_region(case_getenv, &region, text);
	if (r < 0)
		tell_failure(to, "region", r, text);
	else
		strbuf_printf(to, "region %s\n", region);
}

START_TEST(every_case_gives_the_credentials_and_the_region_that_are_expected)
{
	_cleanup_strbuf_ struct strbuf expected = STRBUF_INIT, actual = STRBUF_INIT;
	const char *name = test_suite_case(_i);

	ck_assert_int_eq(chdir(CASES), 0);
	ck_assert_int_eq(chdir(name), 0);
	read_environment();
	tell_credentials(&actual);
	tell_region(&actual);
	strbuf_done(&environment);

	ck_assert_int_eq(file_read("expected", FILE_MAX, &expected), 0);
	ck_assert_msg(strcmp(strbuf_str(&expected), strbuf_str(&actual)) == 0,
		"%s:\n%sbut expected was\n%s", name, strbuf_str(&actual), strbuf_str(&expected));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("credentials sources");
	TCase *data = tcase_create("data");
	tcase_add_checked_fixture(data, setup, teardown);
	tcase_add_loop_test(data, every_case_gives_the_credentials_and_the_region_that_are_expected,
		0, test_suite_find_cases(CASES));
	suite_add_tcase(suite, data);
	return test_suite_run(suite);
}

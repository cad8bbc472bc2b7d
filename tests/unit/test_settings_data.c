/*
 * One folder per case in tests/data/conf: what stands in for /etc/nexus-worker, beside
 *
 *     environment   NAME=value lines
 *     problems      what is wrong with it all; or else
 *     printed       the settings, as --print-config shows them
 *     warnings      if there are any
 *
 * Whatever happens, the word "secret", which cases use for passwords, comes out nowhere.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/test_suite.h"
#include "base/file.h"
#include "conf/settings.h"

#define DATA          "tests/data/conf"
#define VARIABLES_MAX 16

static struct strbuf read_text(const char *path)
{
	struct strbuf text = STRBUF_INIT;
	int r = file_read(path, STRBUF_CEILING_DEFAULT, &text);

	ck_assert(r == 0 || r == -ENOENT);
	return text;
}

static void assert_is(const char *name, const char *path, const struct strbuf *got)
{
	_cleanup_strbuf_ struct strbuf expected = read_text(path);

	ck_assert_msg(strcmp(strbuf_str(&expected), strbuf_str(got)) == 0,
		"%s/%s: expected:\n%sgot:\n%s", name, path, strbuf_str(&expected), strbuf_str(got));
	ck_assert_ptr_null(strstr(strbuf_str(got), "secret"));
}

START_TEST(each_configuration_gives_what_its_case_says)
{
	_cleanup_strbuf_ struct strbuf problems = STRBUF_INIT, warnings = STRBUF_INIT,
				       printed = STRBUF_INIT;
	_cleanup_(settings_freep) struct settings *settings = NULL;
	const char *environment[VARIABLES_MAX + 1] = {NULL};
	const char *name = test_suite_case(_i);
	size_t n = 0;

	ck_assert_int_eq(chdir(DATA), 0);
	ck_assert_int_eq(chdir(name), 0);
	_cleanup_strbuf_ struct strbuf lines = read_text("environment");
	for (char *line = lines.data ? strtok(lines.data, "\n") : NULL; line;
		line = strtok(NULL, "\n")) {
		ck_assert_uint_lt(n, VARIABLES_MAX);
		environment[n++] = line;
	}

	struct settings_request request = {.environment = environment, .directory = "."};
	int r = settings_load(&request, &problems, &warnings, &settings);
	if (r == 0)
		settings_print(settings, &printed);
	else
		ck_assert_int_eq(r, -EINVAL);
	assert_is(name, "problems", &problems);
	assert_is(name, "warnings", &warnings);
	assert_is(name, "printed", &printed);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("settings_data");
	TCase *tcase = tcase_create("cases");

	tcase_add_loop_test(
		tcase, each_configuration_gives_what_its_case_says, 0, test_suite_find_cases(DATA));
	suite_add_tcase(suite, tcase);
	return test_suite_run(suite);
}

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/test_folder.h"
#include "../support/test_suite.h"
#include "base/strbuf.h"
#include "handler/lambda.h"
#include "handler/runtime_plan.h"

static const char *folder;

static void setup(void)
{
	folder = test_folder_enter();
}

/* A folder, where it ends in a slash; and what is above it. */
static void put(const char *path, mode_t mode)
{
	static char above[64]; /* no case has two */
	const char *slash = strchr(path, '/');

	if (slash && slash[1]) {
		snprintf(above, sizeof above, "%.*s/", (int)(slash - path), path);
		if (access(above, F_OK) < 0)
			put(above, 0755);
	}
	if (path[strlen(path) - 1] == '/')
		ck_assert_int_eq(mkdir(path, mode), 0);
	else
		close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, mode));
}

/* ---- Finding a module ---- */

static const struct {
	const char *file; /* in the bundle; NULL: none */
	const char *handler;
	int result;
} MODULES[] = {
	{"index.js", "index.handler", 0},
	{"index.mjs", "index.handler", 0},
	{"index.cjs", "index.handler", 0},
	{"index", "index.handler", 0},
	{"index.js", "index.handlers.first", 0},
	{"src/index.mjs", "src/index.handler", 0},
	{"node_modules/wrapper/", "wrapper.handler", 0},
	{"node_modules/wrapper.js", "wrapper.handler", 0},
	{"index.ts", "index.handler", -ENOENT},
	{"index.js", "src/index.handler", -ENOENT},
	{"index.js/", "index.handler", -ENOENT},
	{"wrapper/", "wrapper.handler", -ENOENT},
	{NULL, "index.handler", -ENOENT},
	{"index.js", "index", -EINVAL},
	{"index.js", "index.", -EINVAL},
	{"index.js", ".handler", -EINVAL},
	{"index.js", "src/.handler", -EINVAL},
	{"index.js", "../index.handler", -EINVAL},
	{"index.js", "index..handler", -EINVAL},
	{"index.js", "", -EINVAL},
};

START_TEST(a_module_is_looked_for_as_lambda_does)
{
	static char untouched[] = "untouched";
	char *path = untouched, expected[96];
	const char *file = MODULES[_i].file;

	if (file)
		put(file, 0644);
	ck_assert_int_eq(
		runtime_plan_find_module(folder, MODULES[_i].handler, &path), MODULES[_i].result);
	if (MODULES[_i].result < 0) {
		ck_assert_ptr_eq(path, untouched);
		return;
	}
	size_t len = strlen(file) - (file[strlen(file) - 1] == '/');
	snprintf(expected, sizeof expected, "%s/%.*s", folder, (int)len, file);
	ck_assert_str_eq(path, expected);
	free(path);
}
END_TEST

/* ---- A section ---- */

static const struct {
	const char *file;
	mode_t mode;
	const char *bundle; /* below the folder */
	const char *problem;
} PROVIDED[] = {
	{"code/bootstrap", 0755, "code", ""},
	{"code/bootstrap", 0644, "code",
		"bundle: %s/code/bootstrap: not executable, accepted is a bundle with a program of "
		"that name\n"},
	{"code/bootstrap/", 0755, "code",
		"bundle: %s/code/bootstrap: not executable, accepted is a bundle with a program of "
		"that name\n"},
	{"code/", 0755, "code",
		"bundle: %s/code/bootstrap: No such file or directory, accepted is a bundle with a "
		"program of that name\n"},
	{"code", 0644, "code", "bundle: %s/code: not a folder, accepted is an unpacked one\n"},
	{NULL, 0, "code",
		"bundle: %s/code: No such file or directory (the unit hides the machine's /home, "
		"/root and /tmp), accepted is an unpacked bundle's folder (nexusctl deploy resize "
		"ZIP makes it)\n"},
};

START_TEST(a_bundle_that_runs_by_itself_has_a_program_to_run)
{
	_cleanup_strbuf_ struct strbuf problems = STRBUF_INIT;
	char bundle[64], expected[256];
	const struct lambda_options options = {
		.type = "resize",
		.bundle = bundle,
		.handler = "index.handler",
		.runtime = LAMBDA_PROVIDED,
	};

	if (PROVIDED[_i].file)
		put(PROVIDED[_i].file, PROVIDED[_i].mode);
	snprintf(bundle, sizeof bundle, "%s/%s", folder, PROVIDED[_i].bundle);
	int n = lambda_check(&options, &problems);
	const char *form = PROVIDED[_i].problem, *at = strstr(form, "%s");
	snprintf(expected, sizeof expected, "%.*s%s%s", at ? (int)(at - form) : 0, form,
		at ? folder : "", at ? at + 2 : "");
	ck_assert_str_eq(strbuf_str(&problems), expected);
	ck_assert_int_eq(n, *form != '\0');
}
END_TEST

/* Whether there is a node is the machine's. */
START_TEST(a_handler_that_is_not_in_the_bundle_is_named_with_what_may_be)
{
	_cleanup_strbuf_ struct strbuf problems = STRBUF_INIT;
	char expected[256];
	struct lambda_options options = {
		.type = "resize",
		.bundle = folder,
		.handler = "main.handler",
		.runtime = LAMBDA_NODEJS,
	};

	put("index.mjs", 0644);
	ck_assert_int_ge(lambda_check(&options, &problems), 1);
	snprintf(expected, sizeof expected,
		"handler: main.handler: the bundle %s has no such module", folder);
	ck_assert_ptr_nonnull(strstr(strbuf_str(&problems), expected));

	strbuf_reset(&problems);
	options.handler = "index";
	ck_assert_int_ge(lambda_check(&options, &problems), 1);
	ck_assert_ptr_nonnull(
		strstr(strbuf_str(&problems), "handler: index is no handler's name, accepted is"));

	strbuf_reset(&problems);
	options.handler = "index.handler";
	ck_assert_int_ge(lambda_check(&options, &problems), 0);
	ck_assert_ptr_null(strstr(strbuf_str(&problems), "handler:"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lambda check");
	TCase *c = tcase_create("all");
	tcase_add_checked_fixture(c, setup, test_folder_leave);
	tcase_add_loop_test(c, a_module_is_looked_for_as_lambda_does, 0, N_OF(MODULES));
	tcase_add_loop_test(
		c, a_bundle_that_runs_by_itself_has_a_program_to_run, 0, N_OF(PROVIDED));
	tcase_add_test(c, a_handler_that_is_not_in_the_bundle_is_named_with_what_may_be);
	suite_add_tcase(suite, c);
	return test_suite_run(suite);
}

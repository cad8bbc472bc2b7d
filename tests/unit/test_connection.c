#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "job/connection.h"

static struct connection_known known;
static char error[CONNECTION_ERROR_MAX];

static int on_tick(void *userdata)
{
	(void)userdata;
	return 0;
}

static int open_database(const char *url)
{
	const struct patience patience = {.deadline = 0, .tick = on_tick};
	_cleanup_(connection_closep) PGconn *conn = NULL;
	_cleanup_(dsn_freep) struct dsn *dsn = NULL;
	char why[DSN_ERROR_MAX];

	ck_assert_int_eq(dsn_parse(url, &dsn, why), 0);
	return connection_open(dsn, &known, &patience, &conn, error);
}

START_TEST(a_host_that_cannot_be_looked_up_says_why_and_blames_no_name_server)
{
	int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct rlimit before, limit;

	/* No file may be opened beyond those that are, so nothing to wait on. */
	ck_assert_int_ge(next, 0);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	limit.rlim_cur = (rlim_t)next + 1;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	int r = open_database("postgresql://nobody@db.invalid/nothing");
	/* Who looks for leaks at the end opens files. */
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	ck_assert_int_eq(r, -EMFILE);
	ck_assert_str_eq(
		error, "the database's host db.invalid cannot be resolved: Too many open files");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("connection");
	TCase *all = tcase_create("all");

	tcase_add_test(all, a_host_that_cannot_be_looked_up_says_why_and_blames_no_name_server);
	suite_add_tcase(suite, all);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

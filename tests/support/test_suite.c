#include "test_suite.h"

#include <dirent.h>
#include <err.h>
#include <stdlib.h>

static struct dirent **cases;

int test_suite_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_ENV);
	int n_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int is_case(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int test_suite_find_cases(const char *folder)
{
	int n_cases = scandir(folder, &cases, is_case, alphasort);

	if (n_cases <= 0)
		errx(EXIT_FAILURE, "no cases in %s", folder);
	return n_cases;
}

const char *test_suite_case(int i)
{
	return cases[i]->d_name;
}

#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "../support/test_suite.h"
#include "base/exposition.h"

static struct strbuf out;

static void setup(void)
{
	out = STRBUF_INIT;
}

static void teardown(void)
{
	strbuf_done(&out);
}

START_TEST(a_family_says_what_it_is)
{
	exposition_family(&out, "jobs_total", "counter", "Jobs.");
	ck_assert_str_eq(strbuf_str(&out), "# HELP jobs_total Jobs.\n# TYPE jobs_total counter\n");
}
END_TEST

START_TEST(a_labels_value_may_be_anything)
{
	const struct exposition_label labels[] = {{"a", "x\"y\\z\nw"}, {"b", ""}};

	exposition_sample(&out, "n", labels, 2, 1);
	ck_assert_str_eq(strbuf_str(&out), "n{a=\"x\\\"y\\\\z\\nw\",b=\"\"} 1\n");
}
END_TEST

START_TEST(numbers_are_read_back_as_what_they_were)
{
	const double values[] = {0, 1, 0.1, 1e-6, 1.0 / 3, 1795684788.369545, 9007199254740991.0};

	for (size_t i = 0; i < N_OF(values); i++) {
		strbuf_reset(&out);
		exposition_sample(&out, "n", NULL, 0, values[i]);
		ck_assert_double_eq(strtod(strbuf_str(&out) + 2, NULL), values[i]);
	}
}
END_TEST

START_TEST(what_has_no_end_is_infinite)
{
	exposition_sample(&out, "n", NULL, 0, (double)INFINITY);
	exposition_sample(&out, "n", NULL, 0, -(double)INFINITY);
	ck_assert_str_eq(strbuf_str(&out), "n +Inf\nn -Inf\n");
}
END_TEST

START_TEST(a_histogram_counts_up_to_each_bound)
{
	static const uint64_t bounds[] = {500, 1000};
	const struct histogram_bounds b = {bounds, 2};
	const uint64_t values[] = {0, 500, 501, 1000, 1001};
	struct histogram h = {0};

	for (size_t i = 0; i < N_OF(values); i++)
		histogram_observe(&h, &b, values[i]);
	exposition_histogram(&out, "t", &(struct exposition_label){"a", "x"}, &h, &b, 1000);
	ck_assert_str_eq(strbuf_str(&out), "t_bucket{a=\"x\",le=\"0.5\"} 2\n"
					   "t_bucket{a=\"x\",le=\"1\"} 4\n"
					   "t_bucket{a=\"x\",le=\"+Inf\"} 5\n"
					   "t_sum{a=\"x\"} 3.002\n"
					   "t_count{a=\"x\"} 5\n");
	strbuf_reset(&out);
	exposition_histogram(&out, "t", NULL, &h, &(struct histogram_bounds){bounds, 0}, 1);
	ck_assert_str_eq(strbuf_str(&out), "t_bucket{le=\"+Inf\"} 2\nt_sum 3002\nt_count 2\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("exposition");
	TCase *tcase = tcase_create("exposition");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_family_says_what_it_is);
	tcase_add_test(tcase, a_labels_value_may_be_anything);
	tcase_add_test(tcase, numbers_are_read_back_as_what_they_were);
	tcase_add_test(tcase, what_has_no_end_is_infinite);
	tcase_add_test(tcase, a_histogram_counts_up_to_each_bound);
	suite_add_tcase(suite, tcase);
	return test_suite_run(suite);
}

#include <check.h>
#include <string.h>

#include "../support/test_suite.h"
#include "base/utf8.h"
#include "job/job.h"

static struct job job;

static void setup(void)
{
	ck_assert_int_eq(job_init(&job, strdup("{}"), "test-123", "test-echo"), 0);
}

static void teardown(void)
{
	job_done(&job);
}

START_TEST(a_new_job_has_copies_of_its_names_and_no_error)
{
	ck_assert_str_eq(job.id, "test-123");
	ck_assert_str_eq(job.type, "test-echo");
	ck_assert_str_eq(job.body, "{}");
	ck_assert_ptr_null(job.error);
	ck_assert_uint_eq(job.must_end_at, USEC_INFINITY);
}
END_TEST

START_TEST(a_later_error_replaces_the_one_before)
{
	job_set_error(&job, "first %d", 1);
	job_set_error(&job, "second %d", 2);
	ck_assert_str_eq(job.error, "second 2");
}
END_TEST

START_TEST(what_is_not_utf_8_in_an_error_is_replaced)
{
	static const struct {
		const char *said;
		const char *kept;
	} cases[] = {
		{"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
			"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
		{"caf\xe9!", "caf?!"},
		{"\xff\xfe", "??"},
		{"\xed\xa0\x80", "???"},
		{"a\xe2\x82", "a??"},
		{"", ""},
	};

	for (size_t i = 0; i < N_OF(cases); i++) {
		job_set_error(&job, "%s", cases[i].said);
		ck_assert_str_eq(job.error, cases[i].kept);
	}
}
END_TEST

START_TEST(an_endless_error_is_cut_and_still_utf_8)
{
	char text[2 * JOB_ERROR_MAX + 1] = "x";

	while (strlen(text) + 3 < sizeof text)
		strcat(text, "\xe2\x82\xac");
	job_set_error(&job, "%s", text);
	ck_assert_uint_eq(strlen(job.error), JOB_ERROR_MAX);
	for (size_t at = 0; at < JOB_ERROR_MAX;) {
		size_t n = utf8_sequence(job.error + at, JOB_ERROR_MAX - at);
		ck_assert_uint_gt(n, 0);
		at += n;
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("job");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, a_new_job_has_copies_of_its_names_and_no_error);
	tcase_add_test(all, a_later_error_replaces_the_one_before);
	tcase_add_test(all, what_is_not_utf_8_in_an_error_is_replaced);
	tcase_add_test(all, an_endless_error_is_cut_and_still_utf_8);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}

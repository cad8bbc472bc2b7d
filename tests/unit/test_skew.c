#include <check.h>
#include <time.h>

#include "../support/test_suite.h"
#include "aws/skew.h"

#define NOW     ((usec_t)1767323045 * USEC_PER_SEC) /* 2026-01-02T03:04:05Z */
#define MINUTES ((int64_t)USEC_PER_MIN)

static usec_t now = NOW;
static unsigned n_changes;
static struct skew skew;

static usec_t fake_clock(void)
{
	return now;
}

static void on_changed(void *userdata, const struct skew *changed)
{
	ck_assert_ptr_eq(userdata, &n_changes);
	ck_assert_ptr_eq(changed, &skew);
	n_changes++;
}

static void setup(void)
{
	clock_replace(fake_clock);
	skew = (struct skew){.changed = on_changed, .userdata = &n_changes};
}

/* The Date header of a service that is so far ahead of where our clock began. */
static const char *date(int64_t usec)
{
	static char text[64];
	time_t seconds = (time_t)(((int64_t)NOW + usec) / (int64_t)USEC_PER_SEC);

	strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&seconds));
	return text;
}

START_TEST(a_clock_is_corrected_both_ways)
{
	static const int64_t sizes[] = {
		20 * MINUTES, -20 * MINUTES, 5 * MINUTES, -23 * 60 * MINUTES};

	for (unsigned i = 0; i < N_OF(sizes); i++) {
		ck_assert(skew_learn(&skew, date(sizes[i]), NULL));
		ck_assert_int_eq(skew.usec, sizes[i]);
		ck_assert_uint_eq(skew_now(&skew), NOW + (usec_t)sizes[i]);
		ck_assert_uint_eq(n_changes, i + 1);
	}
	ck_assert_uint_eq(skew_now(NULL), NOW);
}
END_TEST

START_TEST(what_is_within_the_tolerance_changes_nothing)
{
	ck_assert(!skew_learn(&skew, date(3 * MINUTES), NULL));
	ck_assert(skew_learn(&skew, date(20 * MINUTES), NULL));
	ck_assert(!skew_learn(&skew, date(22 * MINUTES), NULL));
	ck_assert_int_eq(skew.usec, 20 * MINUTES);
	ck_assert_uint_eq(n_changes, 1);
}
END_TEST

START_TEST(a_clock_that_was_set_right_is_not_corrected_any_more)
{
	ck_assert(skew_learn(&skew, date(20 * MINUTES), NULL));
	now = NOW + 20 * USEC_PER_MIN;
	ck_assert(skew_learn(&skew, date(20 * MINUTES + 1000000), NULL));
	ck_assert_int_eq(skew.usec, 0);
	ck_assert_uint_eq(n_changes, 2);
}
END_TEST

START_TEST(what_is_forgotten_is_learnt_anew)
{
	ck_assert(skew_learn(&skew, date(20 * MINUTES), NULL));
	skew_forget(&skew);
	ck_assert_uint_eq(skew_now(&skew), NOW);
	ck_assert_uint_eq(n_changes, 1);
	ck_assert(skew_learn(&skew, date(20 * MINUTES), NULL));
	ck_assert_int_eq(skew.usec, 20 * MINUTES);
	ck_assert_uint_eq(n_changes, 2);
}
END_TEST

START_TEST(a_clock_that_is_off_by_more_than_a_day_has_to_be_set)
{
	int64_t usec = 7;

	ck_assert(!skew_learn(&skew, date(25 * 60 * MINUTES), NULL));
	ck_assert_int_eq(skew.usec, 0);
	ck_assert(!skew_read("soon", NULL, &usec));
	ck_assert_int_eq(usec, 7);
	ck_assert(skew_read(date(23 * 60 * MINUTES), NULL, &usec));
	ck_assert(skew_matters(usec));
	ck_assert(!skew_is_beyond(usec));
	ck_assert(skew_read(date(-25 * 60 * MINUTES), NULL, &usec));
	ck_assert_int_eq(usec, -25 * 60 * MINUTES);
	ck_assert(skew_is_beyond(usec));
	ck_assert(!skew_matters(3 * MINUTES));
}
END_TEST

START_TEST(what_is_no_date_teaches_nothing)
{
	static const char *const texts[] = {"", "soon", "2026-01-02T03:04:05Z",
		"Fri, 02 Jan 2026 04:04:05 GMT, and more", "Fri, 02 Jan 2026 04:04:05 CET"};

	ck_assert(!skew_learn(&skew, NULL, NULL));
	ck_assert(!skew_learn(&skew, date(20 * MINUTES), "0"));
	for (unsigned i = 0; i < N_OF(texts); i++)
		ck_assert_msg(!skew_learn(&skew, texts[i], NULL), "%s", texts[i]);
	ck_assert_uint_eq(n_changes, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("skew");
	TCase *c = tcase_create("skew");

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, a_clock_is_corrected_both_ways);
	tcase_add_test(c, what_is_within_the_tolerance_changes_nothing);
	tcase_add_test(c, a_clock_that_was_set_right_is_not_corrected_any_more);
	tcase_add_test(c, what_is_forgotten_is_learnt_anew);
	tcase_add_test(c, a_clock_that_is_off_by_more_than_a_day_has_to_be_set);
	tcase_add_test(c, what_is_no_date_teaches_nothing);
	suite_add_tcase(suite, c);
	return test_suite_run(suite);
}

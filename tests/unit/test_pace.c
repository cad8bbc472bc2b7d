#include <check.h>

#include "../support/test_suite.h"
#include "work/pace.h"

#define WINDOW  (250 * USEC_PER_MSEC)
#define STEP    16
#define CEILING 1000

static struct pace pace;
static usec_t now;
static uint64_t n_started;

static void setup(void)
{
	now = USEC_PER_HOUR;
	n_started = 7;
	pace_init(&pace, STEP, CEILING);
	/* The first window is as long as the machine is up: nothing was measured in it. */
	ck_assert_uint_eq(pace_allow(&pace, WINDOW, now, n_started), 0);
}

/* What is allowed after that time, in which so many were begun. */
static unsigned after(usec_t passed, unsigned n)
{
	now += passed;
	n_started += n;
	return pace_allow(&pace, WINDOW, now, n_started);
}

START_TEST(without_a_window_nothing_is_taken_ahead)
{
	ck_assert_uint_eq(pace_allow(&pace, 0, now + WINDOW, n_started + 500), 0);
}
END_TEST

START_TEST(it_begins_with_the_step_and_doubles_each_window)
{
	ck_assert_uint_eq(after(WINDOW, 5000), STEP);
	ck_assert_uint_eq(after(WINDOW, 5000), 2 * STEP);
	ck_assert_uint_eq(after(WINDOW, 5000), 4 * STEP);
}
END_TEST

START_TEST(it_stays_within_a_window_as_it_was)
{
	ck_assert_uint_eq(after(WINDOW, 5000), STEP);
	ck_assert_uint_eq(after(WINDOW / 2, 5000), STEP);
	ck_assert_uint_eq(after(WINDOW / 2 - 1, 5000), STEP);
	ck_assert_uint_eq(after(1, 0), 2 * STEP);
}
END_TEST

START_TEST(it_follows_the_pace_down_at_once)
{
	for (int i = 0; i < 5; i++)
		after(WINDOW, 5000);
	ck_assert_uint_eq(after(WINDOW, 3), 3);
	ck_assert_uint_eq(after(WINDOW, 0), 0);
}
END_TEST

START_TEST(it_never_exceeds_what_was_measured_or_the_ceiling)
{
	for (int i = 0; i < 3; i++)
		after(WINDOW, 20);
	ck_assert_uint_eq(after(WINDOW, 20), 20);
	for (int i = 0; i < 20; i++)
		after(WINDOW, 50000);
	ck_assert_uint_eq(after(WINDOW, 50000), CEILING);
}
END_TEST

START_TEST(a_longer_time_counts_by_its_share)
{
	/* 40 in four windows are 10 in one. */
	ck_assert_uint_eq(after(4 * WINDOW, 40), 10);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pace");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, NULL);
	tcase_add_test(all, without_a_window_nothing_is_taken_ahead);
	tcase_add_test(all, it_begins_with_the_step_and_doubles_each_window);
	tcase_add_test(all, it_stays_within_a_window_as_it_was);
	tcase_add_test(all, it_follows_the_pace_down_at_once);
	tcase_add_test(all, it_never_exceeds_what_was_measured_or_the_ceiling);
	tcase_add_test(all, a_longer_time_counts_by_its_share);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}

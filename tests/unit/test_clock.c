#include <check.h>
#include <time.h>

#include "../support/test_suite.h"
#include "base/clock.h"

static usec_t shown;

static usec_t show(void)
{
	return shown;
}

START_TEST(clocks_run_in_microseconds_and_not_backwards)
{
	usec_t before = clock_monotonic();
	usec_t after = clock_monotonic();
	ck_assert_uint_le(before, after);
	ck_assert_uint_lt(after - before, USEC_PER_SEC);

	before = clock_boottime();
	after = clock_boottime();
	ck_assert_uint_le(before, after);
	ck_assert_uint_lt(after - before, USEC_PER_SEC);
}
END_TEST

START_TEST(real_time_is_the_systems)
{
	usec_t before = (usec_t)time(NULL) * USEC_PER_SEC;
	usec_t now = clock_realtime();

	/* time() may lag a tick behind. */
	ck_assert_uint_ge(now + USEC_PER_SEC, before);
	ck_assert_uint_lt(now, before + 10 * USEC_PER_SEC);
}
END_TEST

START_TEST(a_test_replaces_every_clock_and_gives_them_back)
{
	shown = 42;
	clock_replace(show);
	ck_assert_uint_eq(clock_monotonic(), 42);
	ck_assert_uint_eq(clock_boottime(), 42);
	shown = 43;
	ck_assert_uint_eq(clock_realtime(), 43);
	clock_replace(NULL);
	ck_assert_uint_gt(clock_realtime(), USEC_PER_HOUR);
}
END_TEST

START_TEST(a_difference_is_never_negative)
{
	ck_assert_uint_eq(usec_sub(5, 3), 2);
	ck_assert_uint_eq(usec_sub(3, 3), 0);
	ck_assert_uint_eq(usec_sub(3, 5), 0);
	ck_assert_uint_eq(usec_min(3, 5), 3);
	ck_assert_uint_eq(usec_max(3, 5), 5);
}
END_TEST

START_TEST(durations_are_written_in_the_largest_whole_unit)
{
	static const struct {
		usec_t duration;
		const char *text;
	} cases[] = {
		{0, "0s"},
		{1, "1us"},
		{1001, "1001us"},
		{250 * USEC_PER_MSEC, "250ms"},
		{1500 * USEC_PER_MSEC, "1500ms"},
		{USEC_PER_SEC, "1s"},
		{30 * USEC_PER_SEC, "30s"},
		{90 * USEC_PER_SEC, "90s"},
		{5 * USEC_PER_MIN, "5min"},
		{12 * USEC_PER_HOUR, "12h"},
		{50 * USEC_PER_HOUR, "50h"},
		{14 * 24 * USEC_PER_HOUR, "14d"},
		{USEC_INFINITY, "18446744073709551615us"},
	};
	char buffer[CLOCK_DURATION_MAX];

	for (size_t i = 0; i < N_OF(cases); i++)
		ck_assert_str_eq(clock_format_duration(cases[i].duration, buffer), cases[i].text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("clock");
	TCase *all = tcase_create("all");

	tcase_add_test(all, clocks_run_in_microseconds_and_not_backwards);
	tcase_add_test(all, real_time_is_the_systems);
	tcase_add_test(all, a_test_replaces_every_clock_and_gives_them_back);
	tcase_add_test(all, a_difference_is_never_negative);
	tcase_add_test(all, durations_are_written_in_the_largest_whole_unit);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}

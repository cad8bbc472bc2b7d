#include <check.h>
#include <limits.h>
#include <stdbool.h>

#include "../support/test_suite.h"
#include "base/backoff.h"

/* The n-th pause is in (full / 2, full]. */
static void assert_pause(struct backoff *b, usec_t full)
{
	usec_t pause = backoff_next(b);

	ck_assert_uint_le(pause, full);
	ck_assert_uint_gt(pause, full / 2);
}

START_TEST(pauses_double_up_to_the_cap_and_stay_there)
{
	for (int round = 0; round < 1000; round++) {
		struct backoff b = {.base = 100, .cap = 1000};

		assert_pause(&b, 100);
		assert_pause(&b, 200);
		assert_pause(&b, 400);
		assert_pause(&b, 800);
		for (int i = 0; i < 10; i++)
			assert_pause(&b, 1000);
	}
}
END_TEST

START_TEST(a_reset_begins_anew)
{
	struct backoff b = {.base = 100, .cap = 1000};

	for (int i = 0; i < 5; i++)
		backoff_next(&b);
	backoff_reset(&b);
	assert_pause(&b, 100);
	assert_pause(&b, 200);
}
END_TEST

START_TEST(pauses_are_spread)
{
	bool seen[10] = {false};

	for (int i = 0; i < 10000; i++) {
		struct backoff b = {.base = 1000, .cap = 1000};
		seen[(1000 - backoff_next(&b)) / 50] = true;
	}
	for (int i = 0; i < 10; i++)
		ck_assert(seen[i]);
}
END_TEST

START_TEST(no_pause_is_zero_however_small_the_base)
{
	for (usec_t base = 0; base < 4; base++) {
		struct backoff b = {.base = base, .cap = 3};
		for (int i = 0; i < 100; i++)
			ck_assert_uint_gt(backoff_next(&b), 0);
	}
}
END_TEST

START_TEST(a_cap_below_the_base_is_obeyed)
{
	struct backoff b = {.base = 100, .cap = 10};

	for (int i = 0; i < 10; i++)
		assert_pause(&b, 10);
}
END_TEST

START_TEST(a_cap_without_end_does_not_overflow)
{
	struct backoff b = {.base = 3, .cap = USEC_INFINITY};
	usec_t last = 0;

	for (int i = 0; i < 200; i++) {
		usec_t pause = backoff_next(&b);
		ck_assert_uint_ge(pause, last / 2);
		last = pause;
	}
	assert_pause(&b, USEC_INFINITY);
}
END_TEST

START_TEST(years_of_attempts_do_not_begin_anew)
{
	struct backoff b = {.base = 100, .cap = 1000, .attempt = UINT_MAX};

	assert_pause(&b, 1000);
	assert_pause(&b, 1000);
}
END_TEST

START_TEST(random_numbers_stay_below_the_range_and_reach_all_of_it)
{
	unsigned n_seen[7] = {0};

	ck_assert_uint_eq(backoff_random(0), 0);
	ck_assert_uint_eq(backoff_random(1), 0);
	for (int i = 0; i < 7000; i++) {
		uint64_t r = backoff_random(7);
		ck_assert_uint_lt(r, 7);
		n_seen[r]++;
	}
	/* Each is expected 1000 times; 29 is one standard deviation. */
	for (int i = 0; i < 7; i++) {
		ck_assert_uint_gt(n_seen[i], 700);
		ck_assert_uint_lt(n_seen[i], 1300);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("backoff");
	TCase *all = tcase_create("all");

	tcase_add_test(all, pauses_double_up_to_the_cap_and_stay_there);
	tcase_add_test(all, a_reset_begins_anew);
	tcase_add_test(all, pauses_are_spread);
	tcase_add_test(all, no_pause_is_zero_however_small_the_base);
	tcase_add_test(all, a_cap_below_the_base_is_obeyed);
	tcase_add_test(all, a_cap_without_end_does_not_overflow);
	tcase_add_test(all, years_of_attempts_do_not_begin_anew);
	tcase_add_test(all, random_numbers_stay_below_the_range_and_reach_all_of_it);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}

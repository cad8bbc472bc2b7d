#include <check.h>
#include <time.h>

#include "../support/test_suite.h"
#include "base/jump.h"

#define HOUR ((time_t)3600)

/* What each clock shows, in seconds; and for how long the next reader is held up in between. */
static time_t monotonic, boottime, realtime, held_up;

static void pass(time_t seconds)
{
	monotonic += seconds;
	boottime += seconds;
	realtime += seconds;
}

int clock_gettime(clockid_t id, struct timespec *ret)
{
	time_t shown = id == CLOCK_MONOTONIC  ? monotonic
		       : id == CLOCK_BOOTTIME ? boottime
					      : realtime;

	*ret = (struct timespec){.tv_sec = shown};
	pass(held_up);
	held_up = 0;
	return 0;
}

static struct jump jump, moved;

static void setup(void)
{
	monotonic = HOUR;
	boottime = 3 * HOUR;
	realtime = 500000 * HOUR;
	jump_init(&jump);
	pass(20);
}

START_TEST(what_was_before_and_what_passes_is_no_jump)
{
	ck_assert(!jump_look(&jump, &moved));
	pass(600);
	ck_assert(!jump_look(&jump, &moved));
}
END_TEST

START_TEST(a_suspend_is_seen_once_with_its_length)
{
	boottime += 2 * HOUR;
	realtime += 2 * HOUR;
	ck_assert(jump_look(&jump, &moved));
	ck_assert_uint_eq(moved.slept, 2 * USEC_PER_HOUR);
	ck_assert_int_eq(moved.set, 0);
	ck_assert(!jump_look(&jump, &moved));
}
END_TEST

START_TEST(a_clock_that_is_set_is_seen_once_with_the_way_it_went)
{
	static const int sizes[] = {7200, -7200, 5, -5};

	realtime += sizes[_i];
	ck_assert(jump_look(&jump, &moved));
	ck_assert_uint_eq(moved.slept, 0);
	ck_assert_int_eq(moved.set, sizes[_i] * (int64_t)USEC_PER_SEC);
	ck_assert(!jump_look(&jump, &moved));
}
END_TEST

START_TEST(a_clock_that_is_put_right_little_by_little_does_not_jump)
{
	for (unsigned i = 0; i < 10; i++) {
		pass(20);
		realtime += 4;
		ck_assert(!jump_look(&jump, &moved));
	}
}
END_TEST

START_TEST(a_reader_that_is_held_up_sees_no_jump)
{
	for (unsigned i = 0; i < 3; i++) {
		held_up = 10;
		ck_assert(!jump_look(&jump, &moved));
		ck_assert(!jump_look(&jump, &moved));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("jump");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, NULL);
	tcase_add_test(all, what_was_before_and_what_passes_is_no_jump);
	tcase_add_test(all, a_suspend_is_seen_once_with_its_length);
	tcase_add_loop_test(all, a_clock_that_is_set_is_seen_once_with_the_way_it_went, 0, 4);
	tcase_add_test(all, a_clock_that_is_put_right_little_by_little_does_not_jump);
	tcase_add_test(all, a_reader_that_is_held_up_sees_no_jump);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}

#include <check.h>
#include <stdbool.h>

#include "../support/test_suite.h"
#include "base/loop.h"

#define FAR (clock_monotonic() + USEC_PER_HOUR)

static sd_event *event;
static sd_event_source *timer, *turn;
static unsigned n_times, n_turns;

static int on_time(sd_event_source *source, uint64_t at, void *userdata)
{
	(void)at;
	ck_assert_ptr_eq(source, timer);
	ck_assert_ptr_eq(userdata, &n_times);
	n_times++;
	return 0;
}

static int on_turn(sd_event_source *source, void *userdata)
{
	ck_assert_ptr_eq(source, turn);
	ck_assert_ptr_eq(userdata, &n_turns);
	n_turns++;
	return 0;
}

static void begin(void)
{
	ck_assert_int_ge(sd_event_new(&event), 0);
	ck_assert_int_eq(
		loop_add_timer(event, CLOCK_MONOTONIC, "a timer", on_time, &n_times, &timer), 0);
	ck_assert_int_eq(loop_add_turn(event, "a turn", on_turn, &n_turns, &turn), 0);
}

static void end(void)
{
	sd_event_source_disable_unref(timer);
	sd_event_source_disable_unref(turn);
	sd_event_unref(event);
}

/* Whether there was anything to do at once. */
static bool run(void)
{
	int r = sd_event_run(event, 0);

	ck_assert_int_ge(r, 0);
	return r > 0;
}

static usec_t set_to(void)
{
	usec_t at;

	ck_assert_int_ge(sd_event_source_get_time(timer, &at), 0);
	return at;
}

START_TEST(neither_comes_before_it_is_wanted)
{
	ck_assert(!run());
	ck_assert_uint_eq(n_times + n_turns, 0);
}
END_TEST

START_TEST(each_comes_once)
{
	loop_set_timer(timer, clock_monotonic());
	loop_set_turn(turn);
	ck_assert_uint_eq(n_times + n_turns, 0);
	while (run()) {
	}
	ck_assert_uint_eq(n_times, 1);
	ck_assert_uint_eq(n_turns, 1);
}
END_TEST

START_TEST(a_timer_is_exact)
{
	uint64_t accuracy;

	ck_assert_int_ge(sd_event_source_get_time_accuracy(timer, &accuracy), 0);
	ck_assert_uint_eq(accuracy, 1);
}
END_TEST

START_TEST(a_timer_that_is_set_anew_forgets_what_it_was_set_to)
{
	loop_set_timer(timer, clock_monotonic());
	loop_set_timer(timer, FAR);
	ck_assert(!run());
}
END_TEST

START_TEST(of_many_deadlines_the_timer_follows_the_soonest)
{
	usec_t far = FAR;

	loop_set_timer_by(timer, far);
	loop_set_timer_by(timer, far + 1);
	loop_set_timer_by(timer, USEC_INFINITY);
	ck_assert_uint_eq(set_to(), far);
	loop_set_timer_by(timer, clock_monotonic());
	ck_assert(run());
	ck_assert_uint_eq(n_times, 1);
}
END_TEST

START_TEST(a_timer_that_has_fired_follows_any_deadline_again)
{
	usec_t far = FAR;

	loop_set_timer_by(timer, clock_monotonic());
	ck_assert(run());
	loop_set_timer_by(timer, far);
	ck_assert_uint_eq(set_to(), far);
	ck_assert_int_eq(sd_event_source_get_enabled(timer, NULL), 1);
}
END_TEST

START_TEST(what_never_comes_sets_no_timer)
{
	loop_set_timer_by(timer, USEC_INFINITY);
	ck_assert_int_eq(sd_event_source_get_enabled(timer, NULL), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("loop");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, begin, end);
	tcase_add_test(all, neither_comes_before_it_is_wanted);
	tcase_add_test(all, each_comes_once);
	tcase_add_test(all, a_timer_is_exact);
	tcase_add_test(all, a_timer_that_is_set_anew_forgets_what_it_was_set_to);
	tcase_add_test(all, of_many_deadlines_the_timer_follows_the_soonest);
	tcase_add_test(all, a_timer_that_has_fired_follows_any_deadline_again);
	tcase_add_test(all, what_never_comes_sets_no_timer);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}

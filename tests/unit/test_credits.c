#include <check.h>

#include "../support/test_suite.h"
#include "work/credits.h"

#define N_THREADS 8
#define NOW       USEC_PER_HOUR

static struct credits credits;
static const struct credits_limits limits = {
	.prefetch_time = 250 * USEC_PER_MSEC,
	.prefetch_max = 100,
	.memory = 64 << 10,
};

static void setup(void)
{
	credits_init(&credits, N_THREADS, &limits);
}

static unsigned receive(struct credits_use use)
{
	return credits_receive(&credits, &use, NOW);
}

/* A pace at which a hundred more are got to within the prefetch time. */
static void run_fast(void)
{
	struct credits_use use = {.n_started = 0};

	for (int i = 0; i < 10; i++, use.n_started += 10000)
		credits_receive(&credits, &use, NOW - (10 - i) * limits.prefetch_time);
}

START_TEST(idle_threads_are_credits)
{
	ck_assert_uint_eq(receive((struct credits_use){0}), N_THREADS);
	ck_assert_uint_eq(receive((struct credits_use){.n_holds = 3, .n_need_thread = 3}), 5);
	ck_assert_uint_eq(receive((struct credits_use){.n_holds = 8, .n_need_thread = 8}), 0);
	ck_assert_uint_eq(receive((struct credits_use){.n_holds = 9, .n_need_thread = 9}), 0);
}
END_TEST

START_TEST(what_was_asked_for_is_not_asked_for_again)
{
	ck_assert_uint_eq(receive((struct credits_use){.n_asked = 6}), 2);
	ck_assert_uint_eq(receive((struct credits_use){.n_asked = 8}), 0);
}
END_TEST

START_TEST(what_needs_no_thread_takes_no_credit)
{
	/* Parked, elsewhere, or waiting for its row to be finished. */
	ck_assert_uint_eq(receive((struct credits_use){.n_holds = 20, .n_need_thread = 2}), 6);
}
END_TEST

START_TEST(a_measured_pace_is_taken_ahead_only_where_that_is_allowed)
{
	run_fast();
	struct credits_use use = {.n_started = 110000, .ahead = true};
	ck_assert_uint_gt(receive(use), N_THREADS);
	use.n_need_thread = 50;
	ck_assert_uint_eq(receive(use), N_THREADS + limits.prefetch_max - 50);
	use.n_need_thread = 0;
	use.ahead = false;
	ck_assert_uint_eq(receive(use), N_THREADS);
}
END_TEST

START_TEST(there_are_never_more_in_hand_than_the_maximum)
{
	run_fast();
	struct credits_use use = {.n_started = 110000, .ahead = true};
	ck_assert_uint_le(receive(use), limits.prefetch_max);
	use.n_holds = 95;
	ck_assert_uint_eq(receive(use), 5);
	use.n_undeleted = 2;
	ck_assert_uint_eq(receive(use), 3);
	use.n_asked = 5;
	ck_assert_uint_eq(receive(use), 0);
	use.n_holds = 200;
	ck_assert_uint_eq(receive(use), 0);
}
END_TEST

START_TEST(memory_ends_what_is_asked_for)
{
	/* Two bodies of 30,000 bytes each leave no room for a third. */
	struct credits_use use = {
		.n_holds = 2, .n_need_thread = 2, .n_bodies = 2, .body_bytes = 60000};

	ck_assert_uint_eq(receive(use), 0);
	use.body_bytes = 30000;
	ck_assert_uint_eq(receive(use), 2);
	use.body_bytes = limits.memory + 1;
	ck_assert_uint_eq(receive(use), 0);
}
END_TEST

START_TEST(bodies_of_no_job_in_hand_count_too)
{
	struct credits_use use = {.n_bodies = 2, .body_bytes = 60000};

	ck_assert_uint_eq(receive(use), 0);
	use.n_bodies = 60;
	ck_assert_uint_eq(receive(use), 5);
}
END_TEST

START_TEST(at_least_twice_the_threads_may_be_begun)
{
	ck_assert_uint_eq(credits_begin(&credits, 0, 0), 2 * N_THREADS);
	for (uint64_t turn = 1; turn < 10; turn++)
		ck_assert_uint_eq(credits_begin(&credits, turn, 0), 2 * N_THREADS);
}
END_TEST

START_TEST(what_the_threads_keep_up_with_doubles_up_to_the_maximum)
{
	uint64_t n_started = 0;
	unsigned allowance = credits_begin(&credits, 0, 0);

	for (uint64_t turn = 1; turn < 10; turn++) {
		n_started += allowance;
		unsigned next = credits_begin(&credits, turn, n_started);
		ck_assert_uint_eq(next,
			2 * allowance < limits.prefetch_max ? 2 * allowance : limits.prefetch_max);
		allowance = next;
	}
	/* And falls by halves when they do not. */
	ck_assert_uint_eq(credits_begin(&credits, 10, n_started), limits.prefetch_max / 2);
	ck_assert_uint_eq(credits_begin(&credits, 11, n_started), limits.prefetch_max / 4);
}
END_TEST

START_TEST(between_two_turns_it_stays)
{
	ck_assert_uint_eq(credits_begin(&credits, 1, 100), 4 * N_THREADS);
	ck_assert_uint_eq(credits_begin(&credits, 1, 9999), 4 * N_THREADS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("credits");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, NULL);
	tcase_add_test(all, idle_threads_are_credits);
	tcase_add_test(all, what_was_asked_for_is_not_asked_for_again);
	tcase_add_test(all, what_needs_no_thread_takes_no_credit);
	tcase_add_test(all, a_measured_pace_is_taken_ahead_only_where_that_is_allowed);
	tcase_add_test(all, there_are_never_more_in_hand_than_the_maximum);
	tcase_add_test(all, memory_ends_what_is_asked_for);
	tcase_add_test(all, bodies_of_no_job_in_hand_count_too);
	tcase_add_test(all, at_least_twice_the_threads_may_be_begun);
	tcase_add_test(all, what_the_threads_keep_up_with_doubles_up_to_the_maximum);
	tcase_add_test(all, between_two_turns_it_stays);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}

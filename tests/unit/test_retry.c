#include <check.h>

#include "../support/test_suite.h"
#include "work/retry.h"

#define TIMES 200

static struct registry_entry type;
static struct job job;

static void setup(void)
{
	type = (struct registry_entry){
		.base_delay = 4 * USEC_PER_SEC, .max_delay = 100 * USEC_PER_SEC};
	job = (struct job){.ran = true, .outcome = JOB_FAILED, .attempt = 1};
}

/* In seconds, which it must be a whole number of. */
static usec_t pause_after(usec_t hidden)
{
	usec_t pause = retry_pause(&type, &job, hidden);

	ck_assert_uint_eq(pause % USEC_PER_SEC, 0);
	return pause / USEC_PER_SEC;
}

/* Of many pauses all are within, and both ends are reached. */
static void assert_spread(int attempt, usec_t least, usec_t most)
{
	usec_t shortest = USEC_INFINITY, longest = 0;

	job.attempt = attempt;
	for (int i = 0; i < TIMES; i++) {
		usec_t pause = pause_after(0);
		shortest = usec_min(shortest, pause);
		longest = usec_max(longest, pause);
	}
	ck_assert_uint_eq(longest, most);
	ck_assert_uint_eq(shortest, least);
}

START_TEST(without_a_policy_nothing_is_asked)
{
	type.base_delay = 0;
	ck_assert_uint_eq(pause_after(0), 0);
	job.attempt = 7;
	ck_assert_uint_eq(pause_after(0), 0);
}
END_TEST

START_TEST(the_pause_doubles_with_each_attempt_and_is_spread_over_its_upper_half)
{
	assert_spread(1, 3, 4);
	assert_spread(2, 5, 8);
	assert_spread(3, 9, 16);
}
END_TEST

START_TEST(it_does_not_grow_past_the_longest)
{
	type.max_delay = 6 * USEC_PER_SEC;
	assert_spread(2, 4, 6);
	assert_spread(5, 4, 6);
	assert_spread(INT32_MAX, 4, 6);
}
END_TEST

START_TEST(a_job_whose_attempt_is_not_known_is_taken_for_the_first)
{
	assert_spread(0, 3, 4);
}
END_TEST

START_TEST(less_than_a_second_is_a_second)
{
	type.base_delay = 1;
	ck_assert_uint_eq(pause_after(0), 1);
	job.retry_in = 1;
	ck_assert_uint_eq(pause_after(0), 1);
}
END_TEST

START_TEST(what_the_handler_asks_for_goes_before_the_policy)
{
	job.retry_in = 17 * USEC_PER_SEC;
	ck_assert_uint_eq(pause_after(0), 17);
	job.retry_in++;
	ck_assert_uint_eq(pause_after(0), 18);
	type.base_delay = 0;
	ck_assert_uint_eq(pause_after(0), 18);
}
END_TEST

START_TEST(a_failure_for_good_is_left_to_the_queue)
{
	job.for_good = true;
	ck_assert_uint_eq(pause_after(0), 0);
	job.retry_in = 17 * USEC_PER_SEC;
	ck_assert_uint_eq(pause_after(0), 0);
}
END_TEST

START_TEST(a_job_that_never_ran_has_asked_for_nothing)
{
	job.ran = false;
	job.retry_in = 17 * USEC_PER_SEC;
	ck_assert_uint_le(pause_after(0), 4);
	type.base_delay = 0;
	ck_assert_uint_eq(pause_after(0), 0);
}
END_TEST

START_TEST(no_message_is_hidden_for_longer_than_sqs_allows)
{
	job.retry_in = USEC_INFINITY;
	ck_assert_uint_eq(pause_after(0), 43195);
	ck_assert_uint_eq(pause_after(1), 43194);
	ck_assert_uint_eq(pause_after(USEC_PER_HOUR), 43195 - 3600);
	job.retry_in = 20 * USEC_PER_SEC;
	ck_assert_uint_eq(pause_after(43175 * USEC_PER_SEC), 20);
	ck_assert_uint_eq(pause_after(43176 * USEC_PER_SEC), 19);
	ck_assert_uint_eq(pause_after(43195 * USEC_PER_SEC), 0);
	ck_assert_uint_eq(pause_after(12 * USEC_PER_HOUR + 1), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("retry");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, NULL);
	tcase_add_test(all, without_a_policy_nothing_is_asked);
	tcase_add_test(all, the_pause_doubles_with_each_attempt_and_is_spread_over_its_upper_half);
	tcase_add_test(all, it_does_not_grow_past_the_longest);
	tcase_add_test(all, a_job_whose_attempt_is_not_known_is_taken_for_the_first);
	tcase_add_test(all, less_than_a_second_is_a_second);
	tcase_add_test(all, what_the_handler_asks_for_goes_before_the_policy);
	tcase_add_test(all, a_failure_for_good_is_left_to_the_queue);
	tcase_add_test(all, a_job_that_never_ran_has_asked_for_nothing);
	tcase_add_test(all, no_message_is_hidden_for_longer_than_sqs_allows);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}

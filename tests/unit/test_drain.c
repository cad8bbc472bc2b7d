#include <check.h>

#include "../support/test_suite.h"
#include "work/drain.h"

#define BEGUN   USEC_PER_HOUR
#define TIMEOUT USEC_PER_MIN
#define GRACE   (3 * USEC_PER_SEC)

#define GRACE_OVER (TIMEOUT + GRACE + USEC_PER_SEC)

static struct drain drain;

static void setup(void)
{
	drain_begin(&drain, BEGUN, TIMEOUT, GRACE);
}

/* The verdict so long after the drain began. */
static enum drain_verdict step(usec_t after, uint64_t n_running, uint64_t n_in_hand)
{
	struct drain_work work = {.n_running = n_running, .n_in_hand = n_in_hand};

	return drain_step(&drain, BEGUN + after, &work);
}

START_TEST(with_nothing_in_hand_it_is_clean_at_once_and_said_once)
{
	ck_assert_int_eq(step(0, 0, 0), DRAIN_CLEAN);
	ck_assert_int_eq(step(1, 0, 0), DRAIN_ENDED);
}
END_TEST

START_TEST(a_poll_that_is_out_keeps_it_going)
{
	struct drain_work work = {.n_polls = 1};

	ck_assert_int_eq(drain_step(&drain, BEGUN, &work), DRAIN_GOES_ON);
	drain_begin(&drain, BEGUN, 0, 0);
	ck_assert_int_eq(drain_step(&drain, BEGUN, &work), DRAIN_CANCEL);
	ck_assert_int_eq(drain_step(&drain, BEGUN + USEC_PER_SEC, &work), DRAIN_GOES_ON);
	work.n_polls = 0;
	ck_assert_int_eq(drain_step(&drain, BEGUN + USEC_PER_SEC, &work), DRAIN_CLEAN);
}
END_TEST

START_TEST(until_the_timeout_handlers_run)
{
	ck_assert_int_eq(step(0, 4, 4), DRAIN_GOES_ON);
	ck_assert_int_eq(step(TIMEOUT - 1, 1, 2), DRAIN_GOES_ON);
	ck_assert_int_eq(step(TIMEOUT - 1, 0, 0), DRAIN_CLEAN);
}
END_TEST

START_TEST(at_the_timeout_handlers_are_told_once)
{
	ck_assert_int_eq(step(TIMEOUT, 4, 4), DRAIN_CANCEL);
	ck_assert_int_eq(step(TIMEOUT, 4, 4), DRAIN_GOES_ON);
	ck_assert_int_eq(step(TIMEOUT + GRACE, 4, 4), DRAIN_GOES_ON);
}
END_TEST

START_TEST(rows_and_deletes_have_their_time_after_the_last_handler)
{
	usec_t last = 20 * USEC_PER_SEC;

	ck_assert_int_eq(step(0, 1, 3), DRAIN_GOES_ON);
	ck_assert_int_eq(step(last, 0, 3), DRAIN_GOES_ON);
	ck_assert_int_eq(step(last + DRAIN_FINISH - 1, 0, 3), DRAIN_GOES_ON);
	ck_assert_int_eq(step(last + DRAIN_FINISH, 0, 3), DRAIN_LEAVE);
	ck_assert_int_eq(step(last + DRAIN_FINISH + 1, 0, 3), DRAIN_ENDED);
}
END_TEST

START_TEST(a_handler_that_does_not_return_is_left_after_its_grace)
{
	struct drain_work work = {.n_running = 1, .n_begun = 1, .n_in_hand = 1};

	ck_assert_int_eq(drain_step(&drain, BEGUN + TIMEOUT, &work), DRAIN_CANCEL);
	ck_assert_int_eq(drain_step(&drain, BEGUN + GRACE_OVER - 1, &work), DRAIN_GOES_ON);
	ck_assert_int_eq(drain_step(&drain, BEGUN + GRACE_OVER, &work), DRAIN_LEAVE);
}
END_TEST

START_TEST(rows_and_deletes_have_their_time_beside_a_handler_that_does_not_return)
{
	struct drain_work work = {.n_running = 1, .n_begun = 1, .n_in_hand = 2};

	ck_assert_int_eq(drain_step(&drain, BEGUN + TIMEOUT, &work), DRAIN_CANCEL);
	ck_assert_int_eq(drain_step(&drain, BEGUN + GRACE_OVER, &work), DRAIN_GOES_ON);
	ck_assert_int_eq(
		drain_step(&drain, BEGUN + GRACE_OVER + DRAIN_FINISH - 1, &work), DRAIN_GOES_ON);
	ck_assert_int_eq(drain_step(&drain, BEGUN + GRACE_OVER + DRAIN_FINISH, &work), DRAIN_LEAVE);
}
END_TEST

START_TEST(jobs_that_the_ledger_has_not_handed_back_yet_are_not_left_with_the_grace)
{
	ck_assert_int_eq(step(TIMEOUT, 1, 1), DRAIN_CANCEL);
	ck_assert_int_eq(step(GRACE_OVER, 1, 1), DRAIN_GOES_ON);
	ck_assert_int_eq(step(GRACE_OVER + DRAIN_FINISH, 1, 1), DRAIN_LEAVE);
}
END_TEST

START_TEST(a_job_that_begins_late_has_its_time_nevertheless)
{
	/* A poll that was out brings one more message when nothing ran any more. */
	ck_assert_int_eq(step(0, 0, 1), DRAIN_GOES_ON);
	ck_assert_int_eq(step(USEC_PER_SEC, 1, 1), DRAIN_GOES_ON);
	ck_assert_int_eq(step(DRAIN_FINISH, 1, 1), DRAIN_GOES_ON);
	ck_assert_int_eq(step(40 * USEC_PER_SEC, 0, 1), DRAIN_GOES_ON);
	ck_assert_int_eq(step(40 * USEC_PER_SEC + DRAIN_FINISH - 1, 0, 1), DRAIN_GOES_ON);
	ck_assert_int_eq(step(40 * USEC_PER_SEC + DRAIN_FINISH, 0, 1), DRAIN_LEAVE);
}
END_TEST

START_TEST(only_what_ends_before_the_timeout_may_begin)
{
	ck_assert(drain_may_begin(&drain, BEGUN, TIMEOUT));
	ck_assert(!drain_may_begin(&drain, BEGUN + 1, TIMEOUT));
	ck_assert(drain_may_begin(&drain, BEGUN + TIMEOUT - 5, 5));
	ck_assert(!drain_may_begin(&drain, BEGUN + TIMEOUT, 1));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("drain");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, NULL);
	tcase_add_test(all, with_nothing_in_hand_it_is_clean_at_once_and_said_once);
	tcase_add_test(all, a_poll_that_is_out_keeps_it_going);
	tcase_add_test(all, until_the_timeout_handlers_run);
	tcase_add_test(all, at_the_timeout_handlers_are_told_once);
	tcase_add_test(all, rows_and_deletes_have_their_time_after_the_last_handler);
	tcase_add_test(all, a_handler_that_does_not_return_is_left_after_its_grace);
	tcase_add_test(all, rows_and_deletes_have_their_time_beside_a_handler_that_does_not_return);
	tcase_add_test(
		all, jobs_that_the_ledger_has_not_handed_back_yet_are_not_left_with_the_grace);
	tcase_add_test(all, a_job_that_begins_late_has_its_time_nevertheless);
	tcase_add_test(all, only_what_ends_before_the_timeout_may_begin);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}

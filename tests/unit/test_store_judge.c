#include <check.h>
#include <limits.h>

#include "../support/test_job.h"
#include "../support/test_suite.h"
#include "job/store_judge.h"

#define LEASE  (30 * USEC_PER_SEC)
#define BEFORE 3 /* the attempts that were granted */

static struct job *job;
static struct store_ask ask;
static struct store_turn turn;
static struct store_row row;

static void setup(void)
{
	job = test_job_new("j", "resize", "{}");
	job->keeps_row = true;
	job->claim.attempts = BEFORE;
	ask = (struct store_ask){.job = job, .verdict = STORE_MISSING};
	turn = (struct store_turn){.lease = LEASE, .may_take_over = true};
	row = (struct store_row){.type = "resize", .status = "pending", .attempts = BEFORE};
}

static void teardown(void)
{
	job = test_job_free(job);
}

static enum store_verdict judged(enum store_step step)
{
	store_judge(&ask, step, &row, &turn);
	return ask.verdict;
}

/* ---- Begin ---- */

START_TEST(a_kept_row_is_granted_as_it_is)
{
	static const struct {
		const char *status;
		int64_t left;
		bool may_take_over;
		enum store_verdict verdict;
		usec_t wait;
	} cases[] = {
		{"pending", 0, true, STORE_WRITTEN, 0},
		{"pending", 5, false, STORE_WRITTEN, 0},
		{"failed", 5, false, STORE_WRITTEN, 0},
		{"completed", 0, true, STORE_COMPLETED, 0},
		{"processing", 1, true, STORE_ELSEWHERE, 1},
		{"processing", 2 * LEASE, true, STORE_ELSEWHERE, LEASE},
		{"processing", 0, false, STORE_ELSEWHERE, 0},
		{"processing", 0, true, STORE_WRITTEN, 0},
		{"processing", -5, true, STORE_WRITTEN, 0},
		{"cancelled", 0, true, STORE_LOCKED, 0},
	};

	row.status = cases[_i].status;
	row.left = cases[_i].left;
	turn.may_take_over = cases[_i].may_take_over;
	ck_assert_int_eq(judged(STORE_BEGIN), cases[_i].verdict);
	ck_assert_uint_eq(ask.wait, cases[_i].wait);
	if (ask.verdict == STORE_WRITTEN)
		ck_assert_int_eq(ask.attempts, BEFORE);
	row.type = "other";
	ck_assert_int_eq(judged(STORE_BEGIN), STORE_OTHER_TYPE);
}
END_TEST

START_TEST(no_fence_is_compared_for_a_kept_row)
{
	row.status = "failed";
	row.fence = job->claim.fence = 7;
	ck_assert_int_eq(judged(STORE_BEGIN), STORE_WRITTEN);
	row.fence = 8;
	ck_assert_int_eq(judged(STORE_BEGIN), STORE_WRITTEN);
	ck_assert_int_eq(judged(STORE_TOUCH), STORE_UNHELD);
	job->outcome = JOB_COMPLETED;
	ck_assert_int_eq(judged(STORE_FINISH), STORE_LOCKED);
}
END_TEST

START_TEST(one_more_attempt_than_a_row_has_is_always_a_number)
{
	row.attempts = INT_MAX;
	ck_assert_int_eq(judged(STORE_BEGIN), STORE_WRITTEN);
	job->claim.attempts = ask.attempts;
	row.status = "processing";
	ck_assert_int_eq(judged(STORE_TOUCH), STORE_LOCKED);
	row.attempts = INT_MIN;
	ck_assert_int_eq(judged(STORE_TOUCH), STORE_TAKEN);
	row.attempts = INT_MIN;
	row.status = "pending";
	ck_assert_int_eq(judged(STORE_BEGIN), STORE_WRITTEN);
	ck_assert_int_eq(ask.attempts, INT_MIN);
}
END_TEST

/* ---- Touch and finish ---- */

#define N_STATUSES 5
static const char *const statuses[N_STATUSES] = {
	"pending", "processing", "failed", "completed", "cancelled"};

/* For each status: uncounted and counted. */
static void assert_judged(enum store_step step, const enum store_verdict wanted[N_STATUSES][2])
{
	for (int s = 0; s < N_STATUSES; s++) {
		row.status = statuses[s];
		for (int more = -2; more <= 3; more++) {
			bool fits = more == 0 || more == 1;
			row.attempts = BEFORE + more;
			ck_assert_msg(judged(step) == (fits ? wanted[s][more] : STORE_TAKEN),
				"%s%+d is %d", statuses[s], more, ask.verdict);
		}
	}
}

START_TEST(a_kept_row_has_a_lease_while_it_is_processing)
{
	static const enum store_verdict wanted[N_STATUSES][2] = {
		{STORE_UNHELD, STORE_UNHELD},
		{STORE_LOCKED, STORE_LOCKED},
		{STORE_UNHELD, STORE_UNHELD},
		{STORE_UNHELD, STORE_UNHELD},
		{STORE_TAKEN, STORE_TAKEN},
	};

	assert_judged(STORE_TOUCH, wanted);
}
END_TEST

START_TEST(a_kept_row_is_as_wanted_or_asked_for_again_or_says_how_it_ended)
{
	static const struct {
		enum job_outcome outcome;
		enum store_verdict wanted[N_STATUSES][2];
	} cases[] = {
		{JOB_COMPLETED,
			{{STORE_LOCKED, STORE_LOCKED}, {STORE_LOCKED, STORE_LOCKED},
				{STORE_LOCKED, STORE_LOCKED}, {STORE_WRITTEN, STORE_WRITTEN},
				{STORE_TAKEN, STORE_TAKEN}}},
		{JOB_FAILED,
			{{STORE_LOCKED, STORE_LOCKED}, {STORE_LOCKED, STORE_LOCKED},
				{STORE_LOCKED, STORE_WRITTEN}, {STORE_COMPLETED, STORE_COMPLETED},
				{STORE_TAKEN, STORE_TAKEN}}},
		{JOB_TIMEOUT,
			{{STORE_LOCKED, STORE_LOCKED}, {STORE_LOCKED, STORE_LOCKED},
				{STORE_LOCKED, STORE_WRITTEN}, {STORE_COMPLETED, STORE_COMPLETED},
				{STORE_TAKEN, STORE_TAKEN}}},
		{JOB_ABANDONED,
			{{STORE_WRITTEN, STORE_WRITTEN}, {STORE_LOCKED, STORE_LOCKED},
				{STORE_WRITTEN, STORE_FAILED}, {STORE_COMPLETED, STORE_COMPLETED},
				{STORE_TAKEN, STORE_TAKEN}}},
	};

	job->outcome = cases[_i].outcome;
	assert_judged(STORE_FINISH, cases[_i].wanted);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store_judge");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_loop_test(all, a_kept_row_is_granted_as_it_is, 0, 10);
	tcase_add_test(all, no_fence_is_compared_for_a_kept_row);
	tcase_add_test(all, one_more_attempt_than_a_row_has_is_always_a_number);
	tcase_add_test(all, a_kept_row_has_a_lease_while_it_is_processing);
	tcase_add_loop_test(
		all, a_kept_row_is_as_wanted_or_asked_for_again_or_says_how_it_ended, 0, 4);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}

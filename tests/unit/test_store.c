#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "../support/test_job.h"
#include "../support/test_postgres.h"
#include "../support/test_suite.h"
#include "job/store.h"

#define LEASE   (30 * USEC_PER_SEC)
#define PATIENT (5 * USEC_PER_SEC)
#define N_JOBS  16

static struct store *store;
static struct job *jobs[N_JOBS];
static unsigned n_jobs;

static int go_on(void *userdata)
{
	(void)userdata;
	return 0;
}

static struct store *store_for(char *url)
{
	struct store_options options = {.url = url, .tick = go_on};
	char error[STORE_ERROR_MAX];
	struct store *made;

	ck_assert_int_eq(store_new(&options, &made, error), 0);
	free(url);
	return made;
}

static struct store *store_connected(void)
{
	struct store *made = store_for(test_postgres_url(NULL, NULL, NULL));

	ck_assert_msg(store_connect(made, PATIENT) == STORE_OK, "%s", store_error(made));
	return made;
}

static void setup(void)
{
	test_postgres_clean();
	store = store_connected();
}

static void teardown(void)
{
	store = store_free(store);
	for (unsigned i = 0; i < n_jobs; i++)
		test_job_free(jobs[i]);
}

/* ---- Turns ---- */

static struct store_ask asks[STORE_N_STEPS][N_JOBS];
static struct store_turn turn;

/* An empty turn, as the ledger makes them. */
static void turn_begin(void)
{
	turn = (struct store_turn){
		.lease = LEASE, .may_take_over = true, .statement_timeout = PATIENT};
	for (enum store_step step = 0; step < STORE_N_STEPS; step++)
		turn.steps[step].asks = asks[step];
}

static struct store_ask *ask_for(enum store_step step, struct job *job)
{
	struct store_ask *ask = &asks[step][turn.steps[step].n_asks++];

	*ask = (struct store_ask){.job = job};
	return ask;
}

static void assert_turn_made(void)
{
	ck_assert_msg(store_turn(store, &turn) == STORE_OK, "%s", store_error(store));
	ck_assert(store_is_connected(store));
}

/* A job with a fence of its own; what is asked for stays valid until the teardown. */
static struct job *new_job(const char *id)
{
	struct job *job = test_job_new(id, "test-echo", "{}");

	ck_assert_uint_lt(n_jobs, N_JOBS);
	jobs[n_jobs++] = job;
	job->claim.fence = store_fence(store);
	return job;
}

/* Alone in a turn. */
static struct store_ask *ask_alone(enum store_step step, struct job *job)
{
	turn_begin();
	struct store_ask *ask = ask_for(step, job);
	assert_turn_made();
	return ask;
}

static const char *const verdict_names[] = {"written", "locked", "elsewhere", "completed", "failed",
	"unheld", "missing", "other type", "taken"};

static void assert_verdict(const struct store_ask *ask, enum store_verdict verdict)
{
	ck_assert_msg(ask->verdict == verdict, "%s is %s, not %s", ask->job->id,
		verdict_names[ask->verdict], verdict_names[verdict]);
}

/* Its row is begun, and the job knows. */
static struct job *begun_job(const char *id)
{
	struct job *job = new_job(id);

	test_postgres_row(id, "pending", NULL);
	struct store_ask *ask = ask_alone(STORE_BEGIN, job);
	assert_verdict(ask, STORE_WRITTEN);
	job->claim.attempts = ask->attempts;
	return job;
}

/* The same, and the answer was lost. */
static struct job *unsure_job(const char *id)
{
	struct job *job = begun_job(id);

	job->claim.unsure = true;
	return job;
}

static void end_job(struct job *job, enum job_outcome outcome, const char *error)
{
	job->outcome = outcome;
	if (error)
		job_set_error(job, "%s", error);
}

/* ---- Rows ---- */

static const char *column(const char *id, const char *expression)
{
	return test_postgres_value(
		"SELECT (%s)::text FROM background_jobs WHERE id = '%s'", expression, id);
}

static void assert_column(const char *id, const char *expression, const char *wanted)
{
	ck_assert_msg(strcmp(column(id, expression), wanted) == 0, "%s: %s is %s, not %s", id,
		expression, column(id, expression), wanted);
}

/* Set just now, in UTC, although neither server nor role lives there. */
static void assert_now(const char *id, const char *name)
{
	char expression[128];

	snprintf(expression, sizeof expression,
		"abs(extract(epoch FROM %s - (now() AT TIME ZONE 'UTC'))) < 60", name);
	assert_column(id, expression, "true");
}

/* ---- Begin ---- */

START_TEST(begin_grants_pending_and_failed_rows)
{
	test_postgres_row("p", "pending", NULL);
	test_postgres_row("f", "failed", "attempts = 2, error = 'before'");
	turn_begin();
	struct store_ask *p = ask_for(STORE_BEGIN, new_job("p"));
	struct store_ask *f = ask_for(STORE_BEGIN, new_job("f"));
	assert_turn_made();

	assert_verdict(p, STORE_WRITTEN);
	assert_verdict(f, STORE_WRITTEN);
	ck_assert_int_eq(p->attempts, 1);
	ck_assert_int_eq(f->attempts, 3);
	assert_column("p", "status", "processing");
	assert_column("f", "status", "processing");
	assert_column("f", "attempts", "3");
	assert_now("p", "started_at");
	assert_now("p", "updated_at");
}
END_TEST

START_TEST(a_begun_row_shows_the_fence_that_was_chosen)
{
	struct job *job = begun_job("j");
	char fence[32];

	snprintf(fence, sizeof fence, "%lld", (long long)job->claim.fence);
	assert_column("j",
		"(extract(epoch FROM started_at - timestamp '2000-01-01') * 1000000)::bigint",
		fence);
}
END_TEST

START_TEST(a_fresh_row_elsewhere_stays_and_says_how_long)
{
	test_postgres_row("j", "processing",
		"attempts = 1, updated_at = now() AT TIME ZONE 'UTC' - interval '10 s'");
	struct store_ask *ask = ask_alone(STORE_BEGIN, new_job("j"));

	assert_verdict(ask, STORE_ELSEWHERE);
	ck_assert_uint_le(ask->wait, 20 * USEC_PER_SEC);
	ck_assert_uint_gt(ask->wait, 10 * USEC_PER_SEC);
	assert_column("j", "attempts", "1");
}
END_TEST

#define STALE "attempts = 1, updated_at = now() AT TIME ZONE 'UTC' - interval '31 s'"

START_TEST(a_row_whose_lease_is_over_is_taken_over)
{
	test_postgres_row("j", "processing", STALE);
	struct store_ask *ask = ask_alone(STORE_BEGIN, new_job("j"));

	assert_verdict(ask, STORE_WRITTEN);
	ck_assert_int_eq(ask->attempts, 2);
	assert_now("j", "updated_at");
}
END_TEST

START_TEST(a_row_that_was_never_touched_is_taken_over)
{
	test_postgres_row("j", "processing", "updated_at = NULL");
	assert_verdict(ask_alone(STORE_BEGIN, new_job("j")), STORE_WRITTEN);
}
END_TEST

START_TEST(no_row_is_taken_over_when_that_is_not_allowed)
{
	test_postgres_row("stale", "processing", STALE);
	test_postgres_row("pending", "pending", NULL);
	turn_begin();
	turn.may_take_over = false;
	struct store_ask *stale = ask_for(STORE_BEGIN, new_job("stale"));
	struct store_ask *pending = ask_for(STORE_BEGIN, new_job("pending"));
	assert_turn_made();

	assert_verdict(stale, STORE_ELSEWHERE);
	ck_assert_uint_eq(stale->wait, 0);
	assert_verdict(pending, STORE_WRITTEN);
	assert_column("stale", "attempts", "1");
}
END_TEST

START_TEST(completed_missing_and_other_types_are_told_apart)
{
	test_postgres_row("done", "completed", NULL);
	test_postgres_row("typed", "pending", "type = 'send-mail'");
	test_postgres_row("typed-done", "completed", "type = 'send-mail'");
	turn_begin();
	struct store_ask *done = ask_for(STORE_BEGIN, new_job("done"));
	struct store_ask *typed = ask_for(STORE_BEGIN, new_job("typed"));
	struct store_ask *typed_done = ask_for(STORE_BEGIN, new_job("typed-done"));
	struct store_ask *none = ask_for(STORE_BEGIN, new_job("none"));
	assert_turn_made();

	assert_verdict(done, STORE_COMPLETED);
	assert_verdict(typed, STORE_OTHER_TYPE);
	assert_verdict(typed_done, STORE_OTHER_TYPE);
	assert_verdict(none, STORE_MISSING);
	assert_column("typed", "attempts", "0");
}
END_TEST

START_TEST(a_begin_whose_answer_was_lost_is_not_counted_twice)
{
	struct job *job = unsure_job("j");

	for (int i = 0; i < 2; i++) {
		struct store_ask *ask = ask_alone(STORE_BEGIN, job);
		assert_verdict(ask, STORE_WRITTEN);
		ck_assert_int_eq(ask->attempts, 1);
		assert_column("j", "attempts", "1");
	}
	/* Nor when its lease would be over for anybody else; it has a new one then. */
	test_postgres_execute(NULL, "UPDATE background_jobs SET updated_at = '2001-01-01'");
	struct store_ask *ask = ask_alone(STORE_BEGIN, job);
	assert_verdict(ask, STORE_WRITTEN);
	ck_assert_int_eq(ask->attempts, 1);
	assert_column("j", "attempts", "1");
	assert_column("j", "updated_at > '2002-01-01'", "true");
}
END_TEST

START_TEST(a_begin_whose_answer_was_lost_waits_for_its_rows_lock_too)
{
	struct job *job = unsure_job("j");
	PGconn *other = test_postgres_connect();

	test_postgres_execute(other, "BEGIN; SELECT 1 FROM background_jobs FOR UPDATE");
	assert_verdict(ask_alone(STORE_BEGIN, job), STORE_LOCKED);
	test_postgres_execute(other, "COMMIT");
	PQfinish(other);
	assert_verdict(ask_alone(STORE_BEGIN, job), STORE_WRITTEN);
	assert_column("j", "attempts", "1");
}
END_TEST

START_TEST(the_own_fence_in_another_status_is_never_begun_again)
{
	static const struct {
		const char *status;
		enum store_verdict verdict;
	} cases[] = {
		{"pending", STORE_TAKEN},
		{"failed", STORE_TAKEN},
		{"completed", STORE_COMPLETED},
	};
	struct job *job = unsure_job("j");

	test_postgres_execute(NULL, "UPDATE background_jobs SET status = '%s'", cases[_i].status);
	assert_verdict(ask_alone(STORE_BEGIN, job), cases[_i].verdict);
	assert_column("j", "status", cases[_i].status);
	assert_column("j", "attempts", "1");
}
END_TEST

/* Of two daemons that begin the same job in the same instant. The second asks anew then. */
START_TEST(the_same_fence_of_another_is_not_the_own)
{
	struct job *first = begun_job("j"), *second = new_job("j");

	second->claim.fence = first->claim.fence;
	assert_verdict(ask_alone(STORE_BEGIN, second), STORE_ELSEWHERE);
	assert_column("j", "attempts", "1");
	test_postgres_execute(NULL, "UPDATE background_jobs SET updated_at = '2001-01-01'");
	assert_verdict(ask_alone(STORE_BEGIN, second), STORE_ELSEWHERE);
	test_postgres_execute(NULL, "UPDATE background_jobs SET status = 'failed'");
	struct store_ask *ask = ask_alone(STORE_BEGIN, second);
	assert_verdict(ask, STORE_ELSEWHERE);
	ck_assert_uint_eq(ask->wait, 0);
	second->claim.fence = store_fence(store);
	assert_verdict(ask_alone(STORE_BEGIN, second), STORE_WRITTEN);
	assert_column("j", "attempts", "2");
}
END_TEST

START_TEST(ids_may_be_any_text)
{
	static const char *const ids[] = {
		"{a,b}", "\"quoted\"", "back\\slash", "NULL", "日本", "a b", "%s", "$1"};
	struct store_ask *begun[8];

	for (int i = 0; i < 8; i++)
		test_postgres_row(ids[i], "pending", NULL);
	turn_begin();
	for (int i = 0; i < 8; i++)
		begun[i] = ask_for(STORE_BEGIN, new_job(ids[i]));
	assert_turn_made();
	for (int i = 0; i < 8; i++)
		assert_verdict(begun[i], STORE_WRITTEN);
}
END_TEST

/* ---- Touch ---- */

START_TEST(a_touch_moves_the_lease_and_nothing_else)
{
	struct job *job = begun_job("j");

	test_postgres_execute(NULL, "UPDATE background_jobs SET updated_at = '2001-01-01'");
	const char *before = column("j", "row(id, status, attempts, error, started_at)");
	assert_verdict(ask_alone(STORE_TOUCH, job), STORE_WRITTEN);
	assert_now("j", "updated_at");
	assert_column("j", "row(id, status, attempts, error, started_at)", before);
}
END_TEST

START_TEST(a_row_that_is_not_ours_any_more_is_not_touched)
{
	static const char *const changes[] = {
		"started_at = started_at + interval '1 microsecond'",
		"attempts = attempts + 1",
		"status = 'pending'",
		"status = 'completed'",
		"status = 'failed'",
		"started_at = NULL",
		"id = 'renamed'",
	};
	struct job *job = begun_job("j");

	test_postgres_execute(
		NULL, "UPDATE background_jobs SET updated_at = '2001-01-01', %s", changes[_i]);
	assert_verdict(ask_alone(STORE_TOUCH, job), STORE_TAKEN);
	ck_assert_str_eq(test_postgres_value("SELECT updated_at FROM background_jobs"),
		"2001-01-01 00:00:00");
}
END_TEST

/* ---- Finish ---- */

START_TEST(a_success_leaves_no_error_and_a_time)
{
	struct job *job = begun_job("j");

	test_postgres_execute(NULL, "UPDATE background_jobs SET error = 'the last time'");
	end_job(job, JOB_COMPLETED, "a note on the way");
	assert_verdict(ask_alone(STORE_FINISH, job), STORE_WRITTEN);
	assert_column("j", "status", "completed");
	assert_column("j", "error", "NULL");
	assert_now("j", "completed_at");
	assert_now("j", "updated_at");
	assert_column("j", "attempts", "1");
}
END_TEST

START_TEST(other_ends_leave_their_error_and_no_time)
{
	static const struct {
		enum job_outcome outcome;
		const char *error, *status, *kept;
	} cases[] = {
		{JOB_FAILED, "it's \"broken\" \\ {NULL}", "failed", "it's \"broken\" \\ {NULL}"},
		{JOB_FAILED, NULL, "failed", "failed without a reason"},
		{JOB_TIMEOUT, "timed out after 30s", "failed", "timed out after 30s"},
		{JOB_ABANDONED, "interrupted by shutdown", "pending", "interrupted by shutdown"},
	};
	struct job *job = begun_job("j");

	end_job(job, cases[_i].outcome, cases[_i].error);
	assert_verdict(ask_alone(STORE_FINISH, job), STORE_WRITTEN);
	assert_column("j", "status", cases[_i].status);
	assert_column("j", "error", cases[_i].kept);
	assert_column("j", "completed_at", "NULL");
	assert_now("j", "updated_at");
}
END_TEST

START_TEST(a_finish_whose_answer_was_lost_is_found_written)
{
	struct job *completed = begun_job("c"), *failed = begun_job("f");

	end_job(completed, JOB_COMPLETED, NULL);
	end_job(failed, JOB_FAILED, "no");
	for (int i = 0; i < 2; i++) {
		turn_begin();
		struct store_ask *c = ask_for(STORE_FINISH, completed);
		struct store_ask *f = ask_for(STORE_FINISH, failed);
		assert_turn_made();
		assert_verdict(c, STORE_WRITTEN);
		assert_verdict(f, STORE_WRITTEN);
	}
}
END_TEST

START_TEST(a_row_that_ended_otherwise_is_not_finished)
{
	static const char *const changes[] = {
		"status = 'failed'",
		"status = 'pending'",
		"status = 'processing', attempts = attempts + 1",
		"status = 'completed', started_at = started_at + interval '1 microsecond'",
		"id = 'renamed'",
	};
	struct job *job = begun_job("j");

	test_postgres_execute(NULL, "UPDATE background_jobs SET error = 'theirs', %s", changes[_i]);
	end_job(job, JOB_COMPLETED, NULL);
	assert_verdict(ask_alone(STORE_FINISH, job), STORE_TAKEN);
	ck_assert_str_eq(test_postgres_value("SELECT error FROM background_jobs"), "theirs");
}
END_TEST

START_TEST(what_is_touched_and_finished_in_one_turn_is_finished)
{
	struct job *job = begun_job("j"), *next = new_job("next");

	test_postgres_row("next", "pending", NULL);
	end_job(job, JOB_COMPLETED, NULL);
	turn_begin();
	struct store_ask *touch = ask_for(STORE_TOUCH, job);
	struct store_ask *finish = ask_for(STORE_FINISH, job);
	struct store_ask *begin = ask_for(STORE_BEGIN, next);
	assert_turn_made();
	assert_verdict(touch, STORE_WRITTEN);
	assert_verdict(finish, STORE_WRITTEN);
	assert_verdict(begin, STORE_WRITTEN);
	assert_column("j", "status", "completed");
	assert_column("next", "status", "processing");
}
END_TEST

/* ---- Rows that the handler keeps ---- */

/* A job whose handler keeps its row. */
static struct job *keeper(const char *id)
{
	struct job *job = test_job_new(id, "test-echo", "{}");

	ck_assert_uint_lt(n_jobs, N_JOBS);
	jobs[n_jobs++] = job;
	job->keeps_row = true;
	return job;
}

/* Its row had that many attempts when it was granted. */
static struct job *granted_keeper(const char *id, int attempts)
{
	struct job *job = keeper(id);

	job->claim.granted = true;
	job->claim.attempts = attempts;
	return job;
}

/* As other applications' tables may have them. */
static void allow_nulls(void)
{
	test_postgres_execute(NULL, "ALTER TABLE background_jobs ALTER COLUMN status DROP NOT NULL,"
				    " ALTER COLUMN attempts DROP NOT NULL");
}

/* All that the table holds, and the transactions that wrote it; owned by the caller. */
static char *table(void)
{
	return strdup(test_postgres_value("SELECT string_agg(concat_ws(' ', xmin, j), '; ' ORDER "
					  "BY id) FROM background_jobs AS j"));
}

static bool table_is(const char *before)
{
	_cleanup_free_ char *now = table();

	return strcmp(now, before) == 0;
}

START_TEST(a_begin_of_a_kept_row_grants_it_and_writes_nothing)
{
	static const struct {
		const char *status, *more;
		int attempts;
	} cases[] = {
		{"pending", NULL, 0},
		{"failed", "attempts = 2, error = 'before'", 2},
		{"processing", STALE, 1},
		{"processing", "attempts = 4, updated_at = NULL", 4},
		{"pending", "attempts = NULL, status = NULL", 0},
		{"pending", "attempts = 2147483647", 2147483646},
	};
	struct store_ask *granted[6];
	char id[8];

	allow_nulls();
	turn_begin();
	for (int i = 0; i < 6; i++) {
		snprintf(id, sizeof id, "j%d", i);
		test_postgres_row(id, cases[i].status, cases[i].more);
		granted[i] = ask_for(STORE_BEGIN, keeper(id));
	}
	_cleanup_free_ char *before = table();
	assert_turn_made();
	for (int i = 0; i < 6; i++) {
		assert_verdict(granted[i], STORE_WRITTEN);
		ck_assert_int_eq(granted[i]->attempts, cases[i].attempts);
	}
	ck_assert(table_is(before));
}
END_TEST

START_TEST(kept_rows_that_cannot_be_begun_are_told_apart)
{
	test_postgres_row("fresh", "processing",
		"attempts = 1, updated_at = now() AT TIME ZONE 'UTC' - interval '10 s'");
	test_postgres_row("stale", "processing", STALE);
	test_postgres_row("done", "completed", NULL);
	test_postgres_row("typed", "pending", "type = 'send-mail'");
	_cleanup_free_ char *before = table();
	turn_begin();
	turn.may_take_over = false;
	struct store_ask *fresh = ask_for(STORE_BEGIN, keeper("fresh"));
	struct store_ask *stale = ask_for(STORE_BEGIN, keeper("stale"));
	struct store_ask *done = ask_for(STORE_BEGIN, keeper("done"));
	struct store_ask *typed = ask_for(STORE_BEGIN, keeper("typed"));
	struct store_ask *none = ask_for(STORE_BEGIN, keeper("none"));
	assert_turn_made();

	assert_verdict(fresh, STORE_ELSEWHERE);
	ck_assert_uint_le(fresh->wait, 20 * USEC_PER_SEC);
	ck_assert_uint_gt(fresh->wait, 10 * USEC_PER_SEC);
	assert_verdict(stale, STORE_ELSEWHERE);
	ck_assert_uint_eq(stale->wait, 0);
	assert_verdict(done, STORE_COMPLETED);
	assert_verdict(typed, STORE_OTHER_TYPE);
	assert_verdict(none, STORE_MISSING);
	ck_assert(table_is(before));
}
END_TEST

START_TEST(kept_rows_and_others_share_a_turn)
{
	struct job *finished = begun_job("ours"), *kept = granted_keeper("theirs", 0);

	test_postgres_row("theirs", "processing", "attempts = 1");
	test_postgres_row("next", "pending", NULL);
	test_postgres_row("next-kept", "pending", NULL);
	end_job(finished, JOB_COMPLETED, NULL);
	end_job(kept, JOB_COMPLETED, NULL);
	turn_begin();
	struct store_ask *all[] = {
		ask_for(STORE_TOUCH, kept),
		ask_for(STORE_TOUCH, finished),
		ask_for(STORE_FINISH, finished),
		ask_for(STORE_FINISH, kept),
		ask_for(STORE_BEGIN, keeper("next-kept")),
		ask_for(STORE_BEGIN, new_job("next")),
	};
	assert_turn_made();
	for (int i = 0; i < 6; i++)
		assert_verdict(all[i], STORE_WRITTEN);
	assert_column("ours", "status || ' ' || attempts", "completed 1");
	assert_column("theirs", "status || ' ' || attempts", "completed 1");
	assert_column("next", "status || ' ' || attempts", "processing 1");
	assert_column("next-kept", "status || ' ' || attempts", "pending 0");
}
END_TEST

/* Granted when it had so many; and how many it has by now, beside that. */
#define GRANTED   3
#define N_OFFSETS 4
static const char *const statuses[] = {"pending", "processing", "failed", "completed"};

/* One row of each status with each number of attempts, and jobs that were granted them. */
static struct store_ask *kept_asks[4][N_OFFSETS];

static void kept_id(char id[16], int status, int offset)
{
	snprintf(id, 16, "%.4s%+d", statuses[status], offset - 1);
}

static void make_kept(enum store_step step, enum job_outcome outcome)
{
	char id[16];

	turn_begin();
	for (int s = 0; s < 4; s++)
		for (int o = 0; o < N_OFFSETS; o++) {
			kept_id(id, s, o);
			test_postgres_row(
				id, statuses[s], "error = 'theirs', updated_at = '2001-01-01'");
			test_postgres_execute(NULL,
				"UPDATE background_jobs SET attempts = %d WHERE id = '%s'",
				GRANTED + o - 1, id);
			kept_asks[s][o] = ask_for(step, granted_keeper(id, GRANTED));
			end_job(kept_asks[s][o]->job, outcome, "ours");
		}
}

/* A row's status, attempts and error, and whether it was written and given an end just now. */
static void assert_kept(int status, int offset, enum store_verdict verdict, const char *wanted)
{
	char id[16];

	kept_id(id, status, offset);
	assert_verdict(kept_asks[status][offset], verdict);
	assert_column(id,
		"concat_ws(' ', status, attempts, error,"
		" CASE WHEN updated_at > '2002-01-01' THEN 'written' END,"
		" CASE WHEN completed_at > '2002-01-01' THEN 'done' END)",
		wanted);
}

static void assert_kept_is_as_it_was(int status, int offset, enum store_verdict verdict)
{
	char wanted[64];

	snprintf(wanted, sizeof wanted, "%s %d theirs", statuses[status], GRANTED + offset - 1);
	assert_kept(status, offset, verdict, wanted);
}

START_TEST(a_touch_of_a_kept_row_needs_a_lease_and_attempts_that_fit)
{
	make_kept(STORE_TOUCH, JOB_COMPLETED);
	assert_turn_made();
	for (int s = 0; s < 4; s++) {
		assert_kept_is_as_it_was(s, 0, STORE_TAKEN);
		assert_kept_is_as_it_was(s, 3, STORE_TAKEN);
	}
	assert_kept(1, 1, STORE_WRITTEN, "processing 3 theirs written");
	assert_kept(1, 2, STORE_WRITTEN, "processing 4 theirs written");
	for (int o = 1; o <= 2; o++) {
		assert_kept_is_as_it_was(0, o, STORE_UNHELD);
		assert_kept_is_as_it_was(2, o, STORE_UNHELD);
		assert_kept_is_as_it_was(3, o, STORE_UNHELD);
	}
}
END_TEST

START_TEST(a_kept_row_ends_as_it_is_and_as_the_job_did)
{
	/* For each outcome: by status, uncounted and counted. */
	static const struct {
		enum job_outcome outcome;
		struct {
			enum store_verdict verdict;
			const char *row;
		} ends[4][2];
	} cases[] = {
		{JOB_COMPLETED, {{{STORE_WRITTEN, "completed 4 written done"},
					 {STORE_WRITTEN, "completed 4 written done"}},
					{{STORE_WRITTEN, "completed 4 written done"},
						{STORE_WRITTEN, "completed 4 written done"}},
					{{STORE_WRITTEN, "completed 4 written done"},
						{STORE_WRITTEN, "completed 4 written done"}},
					{{STORE_WRITTEN, "completed 3 theirs"},
						{STORE_WRITTEN, "completed 4 theirs"}}}},
		{JOB_FAILED, {{{STORE_WRITTEN, "failed 4 ours written"},
				      {STORE_WRITTEN, "failed 4 ours written"}},
				     {{STORE_WRITTEN, "failed 4 ours written"},
					     {STORE_WRITTEN, "failed 4 ours written"}},
				     {{STORE_WRITTEN, "failed 4 ours written"},
					     {STORE_WRITTEN, "failed 4 theirs"}},
				     {{STORE_COMPLETED, "completed 3 theirs"},
					     {STORE_COMPLETED, "completed 4 theirs"}}}},
		{JOB_ABANDONED,
			{{{STORE_WRITTEN, "pending 3 theirs"}, {STORE_WRITTEN, "pending 4 theirs"}},
				{{STORE_WRITTEN, "pending 3 ours written"},
					{STORE_WRITTEN, "pending 4 ours written"}},
				{{STORE_WRITTEN, "failed 3 theirs"},
					{STORE_FAILED, "failed 4 theirs"}},
				{{STORE_COMPLETED, "completed 3 theirs"},
					{STORE_COMPLETED, "completed 4 theirs"}}}},
	};
	/* A timeout is a failure. */
	int c = _i < 3 ? _i : 1;

	make_kept(STORE_FINISH, _i < 3 ? cases[c].outcome : JOB_TIMEOUT);
	/* Once more, as after an answer that was lost: the end is the same, and stays. */
	for (int i = 0; i < 2; i++) {
		_cleanup_free_ char *before = table();
		assert_turn_made();
		for (int s = 0; s < 4; s++) {
			assert_kept_is_as_it_was(s, 0, STORE_TAKEN);
			assert_kept(s, 1, cases[c].ends[s][0].verdict, cases[c].ends[s][0].row);
			assert_kept(s, 2, cases[c].ends[s][1].verdict, cases[c].ends[s][1].row);
			assert_kept_is_as_it_was(s, 3, STORE_TAKEN);
		}
		ck_assert_int_eq(table_is(before), i == 1);
	}
}
END_TEST

START_TEST(a_kept_row_that_is_gone_is_lost)
{
	struct job *job = granted_keeper("none", 0);

	end_job(job, JOB_COMPLETED, NULL);
	assert_verdict(ask_alone(STORE_TOUCH, job), STORE_TAKEN);
	assert_verdict(ask_alone(STORE_FINISH, job), STORE_TAKEN);
}
END_TEST

START_TEST(a_kept_row_without_a_count_or_a_status_has_none_and_is_pending)
{
	struct job *job = granted_keeper("j", 0);

	allow_nulls();
	test_postgres_row("j", "pending", "attempts = NULL, status = NULL");
	end_job(job, JOB_FAILED, "ours");
	assert_verdict(ask_alone(STORE_TOUCH, job), STORE_UNHELD);
	assert_verdict(ask_alone(STORE_FINISH, job), STORE_WRITTEN);
	assert_column("j", "status || ' ' || attempts", "failed 1");
}
END_TEST

START_TEST(a_kept_row_in_a_status_that_is_new_is_left_alone)
{
	struct job *job = granted_keeper("j", 0);

	test_postgres_execute(NULL, "ALTER TYPE job_status ADD VALUE 'cancelled'");
	test_postgres_row("j", "cancelled", NULL);
	_cleanup_free_ char *before = table();
	end_job(job, JOB_COMPLETED, NULL);
	assert_verdict(ask_alone(STORE_BEGIN, keeper("j")), STORE_LOCKED);
	assert_verdict(ask_alone(STORE_TOUCH, job), STORE_TAKEN);
	assert_verdict(ask_alone(STORE_FINISH, job), STORE_TAKEN);
	ck_assert(table_is(before));
}
END_TEST

START_TEST(of_two_daemons_the_one_whose_kept_row_was_taken_over_writes_nothing)
{
	struct store *other = store_connected(), *first = store;
	struct job *lost = keeper("j"), *taker = keeper("j");
	const char *bundle = "UPDATE background_jobs SET status = 'processing',"
			     " attempts = attempts + 1, updated_at = '2001-01-01'";

	test_postgres_row("j", "pending", NULL);
	lost->claim.attempts = ask_alone(STORE_BEGIN, lost)->attempts;
	test_postgres_execute(NULL, "%s", bundle);
	store = other;
	taker->claim.attempts = ask_alone(STORE_BEGIN, taker)->attempts;
	ck_assert_int_eq(taker->claim.attempts, 1);
	test_postgres_execute(NULL, "%s", bundle);

	store = first;
	_cleanup_free_ char *before = table();
	assert_verdict(ask_alone(STORE_TOUCH, lost), STORE_TAKEN);
	end_job(lost, JOB_FAILED, "lost");
	assert_verdict(ask_alone(STORE_FINISH, lost), STORE_TAKEN);
	ck_assert(table_is(before));

	store = other;
	assert_verdict(ask_alone(STORE_TOUCH, taker), STORE_WRITTEN);
	end_job(taker, JOB_COMPLETED, NULL);
	assert_verdict(ask_alone(STORE_FINISH, taker), STORE_WRITTEN);
	assert_column("j", "status || ' ' || attempts", "completed 2");
	store = first;
	store_free(other);
}
END_TEST

/* ---- Locks ---- */

START_TEST(locked_rows_are_told_apart_and_their_neighbours_commit_at_once)
{
	struct job *touched = begun_job("t1"), *touched_too = begun_job("t2");
	struct job *finished = begun_job("f1"), *finished_too = begun_job("f2");
	test_postgres_row("b1", "pending", NULL);
	test_postgres_row("b2", "pending", NULL);
	end_job(finished, JOB_COMPLETED, NULL);
	end_job(finished_too, JOB_COMPLETED, NULL);
	PGconn *other = test_postgres_connect();
	test_postgres_execute(other,
		"BEGIN; SELECT 1 FROM background_jobs WHERE id IN ('t1', 'f1', 'b1') FOR UPDATE");

	turn_begin();
	struct store_ask *locked[] = {
		ask_for(STORE_TOUCH, touched),
		ask_for(STORE_FINISH, finished),
		ask_for(STORE_BEGIN, new_job("b1")),
	};
	struct store_ask *free_ones[] = {
		ask_for(STORE_TOUCH, touched_too),
		ask_for(STORE_FINISH, finished_too),
		ask_for(STORE_BEGIN, new_job("b2")),
	};
	assert_turn_made();
	for (int i = 0; i < 3; i++) {
		assert_verdict(locked[i], STORE_LOCKED);
		assert_verdict(free_ones[i], STORE_WRITTEN);
	}
	assert_column("f2", "status", "completed");
	assert_column("b2", "status", "processing");

	/* Free again, they are as before. */
	test_postgres_execute(other, "COMMIT");
	PQfinish(other);
	assert_turn_made();
	for (int i = 0; i < 3; i++)
		assert_verdict(locked[i], STORE_WRITTEN);
	assert_column("b1", "attempts", "1");
}
END_TEST

START_TEST(kept_rows_that_are_locked_are_asked_for_again_and_can_be_begun)
{
	struct job *touched = granted_keeper("t", 0), *finished = granted_keeper("f", 0);

	test_postgres_row("t", "processing", NULL);
	test_postgres_row("f", "processing", NULL);
	test_postgres_row("b", "pending", NULL);
	end_job(finished, JOB_COMPLETED, NULL);
	PGconn *other = test_postgres_connect();
	test_postgres_execute(other, "BEGIN; SELECT 1 FROM background_jobs FOR UPDATE");
	turn_begin();
	struct store_ask *touch = ask_for(STORE_TOUCH, touched);
	struct store_ask *finish = ask_for(STORE_FINISH, finished);
	struct store_ask *begin = ask_for(STORE_BEGIN, keeper("b"));
	assert_turn_made();
	assert_verdict(touch, STORE_LOCKED);
	assert_verdict(finish, STORE_LOCKED);
	assert_verdict(begin, STORE_WRITTEN);

	test_postgres_execute(other, "COMMIT");
	PQfinish(other);
	assert_turn_made();
	assert_verdict(touch, STORE_WRITTEN);
	assert_verdict(finish, STORE_WRITTEN);
}
END_TEST

START_TEST(a_key_share_lock_does_not_hold_anything_up)
{
	/* As a foreign key's check takes it. */
	test_postgres_row("j", "pending", NULL);
	PGconn *other = test_postgres_connect();
	test_postgres_execute(other, "BEGIN; SELECT 1 FROM background_jobs FOR KEY SHARE");
	assert_verdict(ask_alone(STORE_BEGIN, new_job("j")), STORE_WRITTEN);
	PQfinish(other);
}
END_TEST

/* ---- Two daemons ---- */

#define N_ROUNDS 30
#define N_RACED  40

static pthread_barrier_t round_begins;

struct racer {
	struct store *store;
	struct job *jobs[N_RACED];
	struct store_ask asks[N_RACED];
	bool ok;
};

static void *racer_run(void *userdata)
{
	struct racer *racer = userdata;

	for (int round = 0; round < N_ROUNDS; round++) {
		struct store_turn begin = {.lease = LEASE,
			.may_take_over = true,
			.statement_timeout = PATIENT,
			.steps[STORE_BEGIN] = {racer->asks, N_RACED}};
		for (int i = 0; i < N_RACED; i++) {
			racer->jobs[i]->claim.fence = store_fence(racer->store);
			racer->asks[i] = (struct store_ask){.job = racer->jobs[i]};
		}
		pthread_barrier_wait(&round_begins);
		racer->ok &= store_turn(racer->store, &begin) == STORE_OK;
		pthread_barrier_wait(&round_begins);
		pthread_barrier_wait(&round_begins); /* the judge has had a look */
	}
	return NULL;
}

START_TEST(of_two_that_ask_at_once_at_most_one_is_granted)
{
	struct racer racers[2];
	pthread_t threads[2];
	char id[16];

	test_postgres_execute(NULL,
		"INSERT INTO background_jobs (id, type) SELECT 'j' || n, 'test-echo'"
		" FROM generate_series(0, %d) AS n",
		N_RACED - 1);
	pthread_barrier_init(&round_begins, NULL, 3);
	for (int k = 0; k < 2; k++) {
		racers[k] = (struct racer){.store = store_connected(), .ok = true};
		for (int i = 0; i < N_RACED; i++) {
			snprintf(id, sizeof id, "j%d", i);
			racers[k].jobs[i] = test_job_new(id, "test-echo", "{}");
		}
		pthread_create(&threads[k], NULL, racer_run, &racers[k]);
	}
	for (int round = 0; round < N_ROUNDS; round++) {
		int n_granted = 0;
		pthread_barrier_wait(&round_begins);
		pthread_barrier_wait(&round_begins);
		for (int i = 0; i < N_RACED; i++) {
			int n = (racers[0].asks[i].verdict == STORE_WRITTEN) +
				(racers[1].asks[i].verdict == STORE_WRITTEN);
			ck_assert_int_le(n, 1);
			n_granted += n;
		}
		ck_assert_int_eq(n_granted,
			atoi(test_postgres_value("SELECT count(*) FROM background_jobs WHERE "
						 "status = 'processing'")));
		test_postgres_execute(NULL, "UPDATE background_jobs SET status = 'pending'");
		pthread_barrier_wait(&round_begins);
	}
	for (int k = 0; k < 2; k++) {
		pthread_join(threads[k], NULL);
		ck_assert(racers[k].ok);
		store_free(racers[k].store);
		for (int i = 0; i < N_RACED; i++)
			test_job_free(racers[k].jobs[i]);
	}
	ck_assert_int_eq(atoi(test_postgres_value("SELECT count(DISTINCT attempts) FROM"
						  " background_jobs WHERE attempts > %d",
				 N_ROUNDS)),
		0);
}
END_TEST

START_TEST(fences_grow_and_no_two_daemons_share_one)
{
	struct store *other = store_connected();
	int64_t last = 0;
	unsigned n_same = 0;

	for (int i = 0; i < 1000; i++) {
		int64_t fence = store_fence(store);
		ck_assert_int_gt(fence, last);
		last = fence;
		n_same += fence % 100 == store_fence(other) % 100;
	}
	/* One in a hundred pairs of daemons has the same residue, and then differs by time. */
	ck_assert(n_same == 0 || n_same == 1000);
	store_free(other);
}
END_TEST

static usec_t standing_clock(void)
{
	return USEC_PER_HOUR;
}

/* The database's clock stands still too, for whoever looks for it in our schema first. */
START_TEST(no_fence_is_in_the_future)
{

	test_postgres_execute(NULL, "CREATE SCHEMA standing AUTHORIZATION nexus");
	test_postgres_execute(NULL,
		"CREATE FUNCTION standing.clock_timestamp() RETURNS timestamptz LANGUAGE sql"
		" AS $$ SELECT timestamptz '%s' $$",
		"2026-01-02 03:04:05Z");
	setenv("PGOPTIONS", "-csearch_path=standing,pg_catalog,public", 1);
	clock_replace(standing_clock);
	store_free(store);
	store = store_connected();
	int64_t fence = store_fence(store);
	clock_replace(NULL);
	ck_assert_int_le(fence, atoll(test_postgres_value(
					"SELECT (extract(epoch FROM timestamp '2026-01-02 03:04:05'"
					" - timestamp '2000-01-01') * 1000000)::bigint")));
}
END_TEST

/* ---- Values that Postgres refuses ---- */

static void refuse_begins_of(const char *id)
{
	test_postgres_execute(NULL,
		"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
		" IF NEW.id = '%s' AND NEW.status IN ('processing', 'completed') THEN"
		" RAISE EXCEPTION 'not this one'; END IF; RETURN NEW; END $$;"
		"CREATE TRIGGER refuse BEFORE UPDATE ON background_jobs"
		" FOR EACH ROW EXECUTE FUNCTION refuse()",
		id);
}

START_TEST(a_refused_value_undoes_the_turn_and_keeps_the_connection)
{
	test_postgres_row("good", "pending", NULL);
	test_postgres_row("bad", "pending", NULL);
	refuse_begins_of("bad");
	turn_begin();
	ask_for(STORE_BEGIN, new_job("good"));
	struct store_ask *bad = ask_for(STORE_BEGIN, new_job("bad"));
	ck_assert_int_eq(store_turn(store, &turn), STORE_REFUSED);
	ck_assert_str_eq(store_error(store), "Postgres says: not this one (SQLSTATE P0001)");
	ck_assert(store_is_connected(store));
	assert_column("good", "status", "pending");

	ck_assert_int_eq(store_refuse(store, bad, "it says no"), STORE_OK);
	assert_verdict(bad, STORE_WRITTEN);
	assert_column("bad", "status", "failed");
	assert_column("bad", "error", "it says no");
	assert_column("bad", "attempts", "0");
	assert_now("bad", "updated_at");
	assert_verdict(ask_alone(STORE_BEGIN, jobs[0]), STORE_WRITTEN);
}
END_TEST

START_TEST(a_refused_finish_becomes_failed_and_a_row_of_others_is_left)
{
	struct job *job = begun_job("bad"), *other = new_job("theirs");

	test_postgres_row("theirs", "processing", "started_at = '2020-01-01'");
	refuse_begins_of("bad");
	end_job(job, JOB_COMPLETED, NULL);
	turn_begin();
	struct store_ask *finish = ask_for(STORE_FINISH, job);
	ck_assert_int_eq(store_turn(store, &turn), STORE_REFUSED);
	ck_assert_int_eq(store_refuse(store, finish, "it says no"), STORE_OK);
	assert_column("bad", "status", "failed");

	struct store_ask ask = {.job = other};
	ck_assert_int_eq(store_refuse(store, &ask, "it says no"), STORE_OK);
	assert_verdict(&ask, STORE_TAKEN);
	assert_column("theirs", "status", "processing");
}
END_TEST

START_TEST(a_refused_end_of_a_kept_row_is_a_failure_like_any_other)
{
	static const struct {
		const char *change;
		enum store_verdict verdict;
		const char *row;
	} cases[] = {
		{"status = 'processing', attempts = 1", STORE_WRITTEN, "failed 1 it says no"},
		{"attempts = 0", STORE_WRITTEN, "failed 1 it says no"},
		{"status = 'failed', attempts = 1", STORE_WRITTEN, "failed 1 theirs"},
		{"attempts = 2", STORE_TAKEN, "pending 2 theirs"},
	};
	struct job *job = granted_keeper("bad", 0);

	test_postgres_row("bad", "pending", "error = 'theirs'");
	test_postgres_execute(NULL, "UPDATE background_jobs SET %s", cases[_i].change);
	refuse_begins_of("bad");
	end_job(job, JOB_COMPLETED, NULL);
	turn_begin();
	struct store_ask *finish = ask_for(STORE_FINISH, job);
	ck_assert_int_eq(store_turn(store, &turn), _i == 3 ? STORE_OK : STORE_REFUSED);
	ck_assert_int_eq(store_refuse(store, finish, "it says no"), STORE_OK);
	assert_verdict(finish, cases[_i].verdict);
	assert_column("bad", "status || ' ' || attempts || ' ' || error", cases[_i].row);
	ck_assert_int_eq(job->outcome, JOB_FAILED);
	ck_assert_str_eq(job->error, "it says no");
}
END_TEST

START_TEST(a_row_that_may_not_even_fail_says_so)
{
	test_postgres_row("bad", "pending", NULL);
	test_postgres_execute(NULL, "ALTER TABLE background_jobs ADD CHECK (status = 'pending')");
	turn_begin();
	struct store_ask *ask = ask_for(STORE_BEGIN, new_job("bad"));
	ck_assert_int_eq(store_turn(store, &turn), STORE_REFUSED);
	ck_assert_int_eq(store_refuse(store, ask, "no"), STORE_REFUSED);
	ck_assert_ptr_nonnull(strstr(store_error(store), "SQLSTATE 23514"));
	ck_assert(store_is_connected(store));
	test_postgres_row("good", "pending", NULL);
	assert_verdict(ask_alone(STORE_BEGIN, new_job("none")), STORE_MISSING);
}
END_TEST

/* ---- Away ---- */

/* One line that holds these words and no secret. */
static void assert_error(const struct store *asked, const char *words)
{
	const char *error = store_error(asked);

	ck_assert_msg(strstr(error, words), "%s (not: %s)", error, words);
	ck_assert_ptr_null(strchr(error, '\n'));
	ck_assert_ptr_null(strstr(error, TEST_POSTGRES_PASSWORD));
	ck_assert_ptr_null(strstr(error, "s3cret"));
}

static void assert_not_connected(char *url, const char *words)
{
	struct store *asked = store_for(url);

	ck_assert_int_eq(store_connect(asked, PATIENT), STORE_AWAY);
	ck_assert(!store_is_connected(asked));
	ck_assert_int_eq(store_fd(asked), -1);
	assert_error(asked, words);
	store_free(asked);
}

START_TEST(a_wrong_password_is_said_with_its_cure)
{
	assert_not_connected(test_postgres_url(NULL, "s3cret", NULL),
		"password authentication failed for user \"nexus\"; check user and password in "
		"[database] url");
}
END_TEST

START_TEST(an_unknown_role_is_said_with_its_cure)
{
	assert_not_connected(test_postgres_url("nobody-here", "s3cret", NULL),
		"check user and password in [database] url");
}
END_TEST

START_TEST(an_unknown_database_is_said_with_its_cure)
{
	assert_not_connected(test_postgres_url(NULL, NULL, "nowhere"),
		"database \"nowhere\" does not exist; check the database's name in [database] url");
}
END_TEST

START_TEST(a_socket_that_is_not_there_is_said_with_its_cure)
{
	assert_not_connected(strdup("host=/nonexistent user=nexus password=s3cret"),
		"check [database] url, the server and the way to it");
}
END_TEST

START_TEST(a_url_that_is_none_is_refused_without_a_store)
{
	struct store_options options = {.url = "postgresql://nexus:s3cret@[::1/", .tick = go_on};
	char error[STORE_ERROR_MAX];
	struct store *made = store;

	ck_assert_int_eq(store_new(&options, &made, error), -EINVAL);
	ck_assert_ptr_eq(made, store);
	ck_assert_ptr_null(strstr(error, "s3cret"));
}
END_TEST

START_TEST(what_the_table_lacks_is_found_when_connecting)
{
	static const struct {
		const char *change, *words;
	} cases[] = {
		{"DROP TABLE background_jobs", "create the table, or check the database"},
		{"ALTER TABLE background_jobs DROP COLUMN updated_at", "add the column"},
		{"ALTER TABLE background_jobs DROP COLUMN completed_at", "add the column"},
		{"ALTER TABLE background_jobs DROP COLUMN error", "add the column"},
		{"ALTER TABLE background_jobs DROP COLUMN type", "add the column"},
		{"ALTER TYPE job_status RENAME TO other",
			"type \"job_status\" does not exist (SQLSTATE 42704); create the enum"},
		{"ALTER TYPE job_status RENAME VALUE 'failed' TO 'broken'",
			"\"failed\" (SQLSTATE 22P02); the enum job_status needs"},
		{"ALTER TYPE job_status RENAME VALUE 'processing' TO 'running'",
			"\"processing\" (SQLSTATE 22P02); the enum job_status needs"},
		{"ALTER TABLE background_jobs ALTER COLUMN attempts TYPE text",
			"the table is not as documented"},
		{"REVOKE UPDATE ON background_jobs FROM nexus", "grant SELECT and UPDATE"},
		{"REVOKE SELECT ON background_jobs FROM nexus", "grant SELECT and UPDATE"},
		{"REVOKE USAGE ON SCHEMA public FROM PUBLIC", "create the table"},
		{"ALTER ROLE nexus SET default_transaction_read_only = on", "read-only"},
	};

	test_postgres_execute(NULL, "%s", cases[_i].change);
	assert_not_connected(test_postgres_url(NULL, NULL, NULL), cases[_i].words);
	test_postgres_execute(NULL, "ALTER ROLE nexus RESET ALL");
}
END_TEST

START_TEST(the_roles_time_zone_does_not_matter)
{
	test_postgres_execute(NULL, "ALTER ROLE nexus SET timezone = 'America/St_Johns'");
	store_free(store);
	store = store_connected();
	struct job *job = begun_job("j");
	assert_now("j", "started_at");
	assert_now("j", "updated_at");
	end_job(job, JOB_COMPLETED, NULL);
	assert_verdict(ask_alone(STORE_FINISH, job), STORE_WRITTEN);
	assert_now("j", "completed_at");
	test_postgres_execute(NULL, "ALTER ROLE nexus RESET ALL");
}
END_TEST

START_TEST(a_restart_in_the_middle_loses_nothing)
{
	struct job *job = begun_job("j");

	end_job(job, JOB_COMPLETED, NULL);
	turn_begin();
	struct store_ask *finish = ask_for(STORE_FINISH, job);
	test_postgres_stop(SIGQUIT);
	ck_assert_int_eq(store_turn(store, &turn), STORE_AWAY);
	ck_assert(!store_is_connected(store));
	ck_assert_uint_gt(strlen(store_error(store)), 0);
	ck_assert_int_eq(store_connect(store, PATIENT), STORE_AWAY);
	assert_error(store, "the database cannot be reached: ");

	test_postgres_resume();
	ck_assert_int_eq(store_connect(store, PATIENT), STORE_OK);
	ck_assert_int_eq(store_turn(store, &turn), STORE_OK);
	assert_verdict(finish, STORE_WRITTEN);
	assert_column("j", "status", "completed");
}
END_TEST

START_TEST(a_server_that_hangs_up_on_an_idle_connection_is_noticed)
{
	enum store_result result = STORE_OK;

	ck_assert_int_eq(store_check(store), STORE_OK);
	test_postgres_stop(SIGINT);
	for (int i = 0; result == STORE_OK && i < 10; i++)
		result = store_check(store);
	ck_assert_int_eq(result, STORE_AWAY);
	assert_error(store, "57P01"); /* its last words, not that it is gone */
	test_postgres_resume();
}
END_TEST

START_TEST(a_lock_on_the_whole_table_ends_by_the_statements_time)
{
	PGconn *other = test_postgres_connect();

	test_postgres_row("j", "pending", NULL);
	test_postgres_execute(other, "BEGIN; LOCK TABLE background_jobs");
	turn_begin();
	turn.statement_timeout = 50 * USEC_PER_MSEC;
	struct store_ask *ask = ask_for(STORE_BEGIN, new_job("j"));
	ck_assert_int_eq(store_turn(store, &turn), STORE_AWAY);
	assert_error(store, "canceling statement due to statement timeout");
	PQfinish(other);
	ck_assert_int_eq(store_connect(store, PATIENT), STORE_OK);
	turn.statement_timeout = PATIENT;
	assert_turn_made();
	assert_verdict(ask, STORE_WRITTEN);
}
END_TEST

START_TEST(a_server_that_is_silent_is_given_up_by_our_own_clock)
{
	pid_t backend = atoi(test_postgres_value(
		"SELECT pid FROM pg_stat_activity WHERE usename = '%s'", TEST_POSTGRES_USER));

	test_postgres_row("j", "pending", NULL);
	turn_begin();
	turn.statement_timeout = 50 * USEC_PER_MSEC;
	ask_for(STORE_BEGIN, new_job("j"));
	ck_assert_int_eq(kill(backend, SIGSTOP), 0);
	ck_assert_int_eq(store_turn(store, &turn), STORE_AWAY);
	kill(backend, SIGCONT);
	assert_error(store, "the database does not answer in time");
}
END_TEST

static int give_up(void *userdata)
{
	(void)userdata;
	return -ECANCELED;
}

START_TEST(a_tick_may_call_it_all_off)
{
	_cleanup_free_ char *url = test_postgres_url(NULL, NULL, NULL);
	struct store_options options = {.url = url, .tick = give_up};
	char error[STORE_ERROR_MAX];
	struct store *asked;

	ck_assert_int_eq(store_new(&options, &asked, error), 0);
	ck_assert_int_eq(store_connect(asked, PATIENT), STORE_OK);
	PGconn *other = test_postgres_connect();
	test_postgres_execute(other, "BEGIN; LOCK TABLE background_jobs");
	turn_begin();
	ask_for(STORE_BEGIN, new_job("j"));
	ck_assert_int_eq(store_turn(asked, &turn), STORE_AWAY);
	PQfinish(other);
	store_free(asked);
}
END_TEST

int main(void)
{
	test_postgres_start();
	Suite *suite = suite_create("store");
	TCase *all = tcase_create("all");

	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, begin_grants_pending_and_failed_rows);
	tcase_add_test(all, a_begun_row_shows_the_fence_that_was_chosen);
	tcase_add_test(all, a_fresh_row_elsewhere_stays_and_says_how_long);
	tcase_add_test(all, a_row_whose_lease_is_over_is_taken_over);
	tcase_add_test(all, a_row_that_was_never_touched_is_taken_over);
	tcase_add_test(all, no_row_is_taken_over_when_that_is_not_allowed);
	tcase_add_test(all, completed_missing_and_other_types_are_told_apart);
	tcase_add_test(all, a_begin_whose_answer_was_lost_is_not_counted_twice);
	tcase_add_test(all, a_begin_whose_answer_was_lost_waits_for_its_rows_lock_too);
	tcase_add_loop_test(all, the_own_fence_in_another_status_is_never_begun_again, 0, 3);
	tcase_add_test(all, the_same_fence_of_another_is_not_the_own);
	tcase_add_test(all, ids_may_be_any_text);
	tcase_add_test(all, a_touch_moves_the_lease_and_nothing_else);
	tcase_add_loop_test(all, a_row_that_is_not_ours_any_more_is_not_touched, 0, 7);
	tcase_add_test(all, a_success_leaves_no_error_and_a_time);
	tcase_add_loop_test(all, other_ends_leave_their_error_and_no_time, 0, 4);
	tcase_add_test(all, a_finish_whose_answer_was_lost_is_found_written);
	tcase_add_loop_test(all, a_row_that_ended_otherwise_is_not_finished, 0, 5);
	tcase_add_test(all, what_is_touched_and_finished_in_one_turn_is_finished);
	tcase_add_test(all, a_begin_of_a_kept_row_grants_it_and_writes_nothing);
	tcase_add_test(all, kept_rows_that_cannot_be_begun_are_told_apart);
	tcase_add_test(all, kept_rows_and_others_share_a_turn);
	tcase_add_test(all, a_touch_of_a_kept_row_needs_a_lease_and_attempts_that_fit);
	tcase_add_loop_test(all, a_kept_row_ends_as_it_is_and_as_the_job_did, 0, 4);
	tcase_add_test(all, a_kept_row_that_is_gone_is_lost);
	tcase_add_test(all, a_kept_row_without_a_count_or_a_status_has_none_and_is_pending);
	tcase_add_test(all, a_kept_row_in_a_status_that_is_new_is_left_alone);
	tcase_add_test(all, of_two_daemons_the_one_whose_kept_row_was_taken_over_writes_nothing);
	tcase_add_test(all, locked_rows_are_told_apart_and_their_neighbours_commit_at_once);
	tcase_add_test(all, kept_rows_that_are_locked_are_asked_for_again_and_can_be_begun);
	tcase_add_test(all, a_key_share_lock_does_not_hold_anything_up);
	tcase_add_test(all, of_two_that_ask_at_once_at_most_one_is_granted);
	tcase_add_test(all, fences_grow_and_no_two_daemons_share_one);
	tcase_add_test(all, no_fence_is_in_the_future);
	tcase_add_test(all, a_refused_value_undoes_the_turn_and_keeps_the_connection);
	tcase_add_test(all, a_refused_finish_becomes_failed_and_a_row_of_others_is_left);
	tcase_add_loop_test(all, a_refused_end_of_a_kept_row_is_a_failure_like_any_other, 0, 4);
	tcase_add_test(all, a_row_that_may_not_even_fail_says_so);
	tcase_add_test(all, a_wrong_password_is_said_with_its_cure);
	tcase_add_test(all, an_unknown_role_is_said_with_its_cure);
	tcase_add_test(all, an_unknown_database_is_said_with_its_cure);
	tcase_add_test(all, a_socket_that_is_not_there_is_said_with_its_cure);
	tcase_add_test(all, a_url_that_is_none_is_refused_without_a_store);
	tcase_add_loop_test(all, what_the_table_lacks_is_found_when_connecting, 0, 13);
	tcase_add_test(all, the_roles_time_zone_does_not_matter);
	tcase_add_test(all, a_restart_in_the_middle_loses_nothing);
	tcase_add_test(all, a_server_that_hangs_up_on_an_idle_connection_is_noticed);
	tcase_add_test(all, a_lock_on_the_whole_table_ends_by_the_statements_time);
	tcase_add_test(all, a_server_that_is_silent_is_given_up_by_our_own_clock);
	tcase_add_test(all, a_tick_may_call_it_all_off);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}

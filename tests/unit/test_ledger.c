#include <check.h>
#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "../support/test_cut.h"
#include "../support/test_job.h"
#include "../support/test_postgres.h"
#include "../support/test_suite.h"
#include "handler/echo.h"
#include "handler/handler.h"
#include "work/ledger.h"

#define V         (30 * USEC_PER_SEC)
#define N_THREADS 4

static struct queue back;
static struct ledger *ledger;
static struct pool *pool;
static sem_t begun, may_end; /* handlers say, and are told */

/* ---- A clock that can be put forward ---- */

static _Atomic(usec_t) ahead;

/* By how much when a worker looks next: the daemon stood still between begin and run. */
static _Atomic(usec_t) worker_ahead;

static usec_t show(void)
{
	struct timespec ts;
	char name[16] = "";

	if (atomic_load(&worker_ahead) > 0) {
		pthread_getname_np(pthread_self(), name, sizeof name);
		if (strncmp(name, "worker", 6) == 0)
			atomic_fetch_add(&ahead, atomic_exchange(&worker_ahead, 0));
	}
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (usec_t)ts.tv_sec * USEC_PER_SEC + (usec_t)ts.tv_nsec / 1000 + atomic_load(&ahead);
}

static void put_forward(usec_t duration)
{
	atomic_fetch_add(&ahead, duration);
}

/* ---- The ledger, and what comes back ---- */

static struct queue_list came;
static bool up;
static char news_text[STORE_ERROR_MAX];
static unsigned n_news;

static void look(void)
{
	struct queue_list list;
	struct ledger_news *news;

	queue_take_all(&back, &list);
	queue_list_move(&came, &list);
	up = ledger_is_up(ledger);
	while ((news = ledger_news(ledger))) {
		snprintf(news_text, sizeof news_text, "%s", news->text);
		n_news++;
		free(news);
	}
}

static void wait_for_wake(void)
{
	struct pollfd p = {.fd = queue_fd(&back), .events = POLLIN};

	ck_assert_int_ge(poll(&p, 1, -1), 0);
}

static struct job *await_back(void)
{
	for (;;) {
		look();
		struct job *job = job_of_node(queue_list_pop(&came));
		if (job)
			return job;
		wait_for_wake();
	}
}

static void await_news(bool wanted)
{
	for (look(); up != wanted; look())
		wait_for_wake();
}

static void open_ledger(char *url)
{
	char error[STORE_ERROR_MAX];

	ck_assert_int_eq(ledger_new(url, &back, &ledger, error), 0);
	free(url);
	ck_assert_int_eq(pool_new(N_THREADS, ledger_finished(ledger), &pool), 0);
	ledger_set_terms(ledger, V, true);
	ck_assert_int_eq(ledger_start(ledger, pool), 0);
}

static void close_ledger(void)
{
	ledger_stop(ledger);
	pool = pool_free(pool);
	ledger = ledger_free(ledger);
}

static void setup(void)
{
	sem_init(&begun, 0, 0);
	sem_init(&may_end, 0, 0);
	clock_replace(show);
	test_postgres_clean();
	queue_list_init(&came);
	ck_assert_int_eq(queue_init(&back, true), 0);
	open_ledger(test_postgres_url(NULL, NULL, NULL));
	await_news(true);
}

static void teardown(void)
{
	close_ledger();
	queue_done(&back);
}

/* ---- Jobs ---- */

static struct handler echo = {.name = "test-echo", .run = echo_run};

/* Says that it runs, and goes on until it is told to stop, or that it may end. */
static enum handler_result wait_to_end(struct handler_context *context)
{
	sem_post(&begun);
	while (sem_trywait(&may_end) < 0)
		if (handler_wait(context, USEC_PER_MSEC) < 0)
			return HANDLER_INTERRUPTED;
	return HANDLER_DONE;
}

static struct handler waiter = {.name = "test-echo", .run = wait_to_end};

static void await_begun(void)
{
	while (sem_wait(&begun) < 0)
		ck_assert_int_eq(errno, EINTR);
}

static struct job *new_job(const char *id, struct handler *handler)
{
	struct job *job = test_job_new(id, "test-echo", "{}");

	job->handler = handler;
	return job;
}

static void begin(struct job *job)
{
	struct queue_list list;

	queue_list_init(&list);
	queue_list_append(&list, &job->node);
	ledger_begin(ledger, &list);
	ck_assert_uint_eq(list.n_nodes, 0);
}

static void assert_outcome(const struct job *job, enum job_outcome outcome)
{
	ck_assert_msg(job->outcome == outcome, "%s: %s, not %s (%s)", job->id,
		job_outcome_name(job->outcome), job_outcome_name(outcome),
		job->error ? job->error : "");
}

/* The only job in hand comes back, and is freed. */
static void await_outcome(struct job *job, enum job_outcome outcome)
{
	ck_assert_ptr_eq(await_back(), job);
	assert_outcome(job, outcome);
	test_job_free(job);
}

static void assert_row(const char *id, const char *wanted)
{
	const char *row = test_postgres_value("SELECT status || ' ' || attempts || coalesce(' ' ||"
					      " error, '') FROM background_jobs WHERE id = '%s'",
		id);

	ck_assert_msg(strcmp(row, wanted) == 0, "%s: %s, not %s", id, row, wanted);
}

/* Statements that wait for a lock. */
static int n_blocked(void)
{
	return atoi(test_postgres_value(
		"SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"));
}

/* The ledger has asked for what is locked. */
static void await_blocked(void)
{
	while (n_blocked() == 0)
		sched_yield();
}

/* Postgres will not have that row in that status. */
static void refuse(const char *id, const char *status)
{
	test_postgres_execute(NULL,
		"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
		" IF NEW.id = '%s' AND NEW.status = '%s' THEN RAISE EXCEPTION 'not this one';"
		" END IF; RETURN NEW; END $$;"
		"CREATE TRIGGER refuse BEFORE UPDATE ON background_jobs"
		" FOR EACH ROW EXECUTE FUNCTION refuse()",
		id, status);
}

/* A whole turn of the ledger, after which everything that was due before has been done. */
static void await_turn(void)
{
	static unsigned n;
	char id[16];

	snprintf(id, sizeof id, "turn-%u", n++);
	test_postgres_row(id, "pending", NULL);
	struct job *job = new_job(id, &echo);
	begin(job);
	await_outcome(job, JOB_COMPLETED);
}

/* A turn of the ledger that runs nothing: what it stops comes back later. */
static void wake_up(void)
{
	struct job *job = new_job("none", &echo);

	begin(job);
	await_outcome(job, JOB_MISSING);
}

/* It runs, and goes on until it may end. */
static struct job *run_waiter(void)
{
	test_postgres_row("j", "pending", NULL);
	struct job *job = new_job("j", &waiter);
	begin(job);
	await_begun();
	return job;
}

/* Nobody else gets at a row of it, until this connection commits or ends. */
static PGconn *lock_table(void)
{
	PGconn *other = test_postgres_connect();

	test_postgres_execute(other, "BEGIN; LOCK TABLE background_jobs");
	return other;
}

/* ---- A job's way ---- */

START_TEST(a_job_is_begun_run_and_finished)
{
	test_postgres_row("j", "failed", "attempts = 1, error = 'before'");
	struct job *job = new_job("j", &echo);
	begin(job);
	ck_assert_ptr_eq(await_back(), job);
	assert_outcome(job, JOB_COMPLETED);
	ck_assert(job->ran);
	ck_assert_int_eq(job->attempt, 2);
	ck_assert(!job->claim.granted);
	assert_row("j", "completed 2");
	test_job_free(job);
}
END_TEST

START_TEST(what_is_not_begun_comes_back_and_says_why)
{
	test_postgres_row("done", "completed", NULL);
	test_postgres_row("typed", "pending", "type = 'send-mail'");
	test_postgres_row("theirs", "processing", NULL);
	static const struct {
		const char *id;
		enum job_outcome outcome;
	} cases[] = {{"done", JOB_DUPLICATE}, {"typed", JOB_REJECTED}, {"theirs", JOB_ELSEWHERE},
		{"none", JOB_MISSING}};
	struct job *job = new_job(cases[_i].id, &echo);

	begin(job);
	ck_assert_ptr_eq(await_back(), job);
	assert_outcome(job, cases[_i].outcome);
	ck_assert(!job->ran);
	ck_assert_int_eq(job->attempt, 0);
	if (job->outcome == JOB_ELSEWHERE) {
		ck_assert_uint_le(job->retry_in, V / 4 * 3);
		ck_assert_uint_gt(job->retry_in, V / 4 * 3 - 10 * USEC_PER_SEC);
	}
	ck_assert_uint_eq(pool_n_started(pool), 0);
	test_job_free(job);
}
END_TEST

START_TEST(a_failure_is_written_with_its_text)
{
	test_postgres_row("j", "pending", NULL);
	struct job *job = new_job("j", NULL);
	begin(job);
	await_outcome(job, JOB_FAILED);
	assert_row("j", "failed 1 No handler registered for job type: test-echo");
}
END_TEST

START_TEST(many_jobs_share_few_transactions)
{
	struct queue_list list;
	char id[16];

	test_postgres_execute(NULL,
		"INSERT INTO background_jobs (id, type) SELECT 'j' || n, 'test-echo'"
		" FROM generate_series(1, 2500) AS n");
	queue_list_init(&list);
	for (int i = 1; i <= 2500; i++) {
		snprintf(id, sizeof id, "j%d", i);
		queue_list_append(&list, &new_job(id, &echo)->node);
	}
	uint64_t before = ledger_n_turns(ledger);
	ledger_begin(ledger, &list);
	for (int i = 1; i <= 2500; i++) {
		struct job *job = await_back();
		assert_outcome(job, JOB_COMPLETED);
		test_job_free(job);
	}
	ck_assert_uint_lt(ledger_n_turns(ledger) - before, 250);
	ck_assert_str_eq(test_postgres_value("SELECT count(*) FROM background_jobs WHERE status ="
					     " 'completed' AND attempts = 1"),
		"2500");
}
END_TEST

/* ---- Locks ---- */

START_TEST(a_locked_row_is_for_later_while_its_neighbours_go_on)
{
	test_postgres_row("locked", "pending", NULL);
	test_postgres_row("neighbour", "pending", NULL);
	PGconn *other = test_postgres_connect();
	test_postgres_execute(
		other, "BEGIN; SELECT 1 FROM background_jobs WHERE id = 'locked' FOR UPDATE");
	struct job *locked = new_job("locked", &echo), *neighbour = new_job("neighbour", &echo);
	struct queue_list list;
	queue_list_init(&list);
	queue_list_append(&list, &locked->node);
	queue_list_append(&list, &neighbour->node);
	ledger_begin(ledger, &list);
	for (int i = 0; i < 2; i++) {
		struct job *job = await_back();
		assert_outcome(job, job == locked ? JOB_ELSEWHERE : JOB_COMPLETED);
	}
	assert_row("neighbour", "completed 1");
	test_job_free(neighbour);

	/* Each time for longer: from 50 ms to 5 s, less a quarter at most. */
	for (usec_t pause = 50 * USEC_PER_MSEC; pause < 6400 * USEC_PER_MSEC; pause *= 2) {
		usec_t longest = usec_min(pause, 5 * USEC_PER_SEC);
		ck_assert_uint_le(locked->retry_in, longest);
		ck_assert_uint_ge(locked->retry_in, longest / 4 * 3);
		begin(locked);
		ck_assert_ptr_eq(await_back(), locked);
		assert_outcome(locked, JOB_ELSEWHERE);
	}
	assert_row("locked", "pending 0");

	test_postgres_execute(other, "COMMIT");
	PQfinish(other);
	begin(locked);
	await_outcome(locked, JOB_COMPLETED);
	assert_row("locked", "completed 1");
}
END_TEST

START_TEST(a_finish_waits_for_its_rows_lock)
{
	struct job *job = run_waiter();
	PGconn *other = test_postgres_connect();

	test_postgres_execute(other, "BEGIN; SELECT 1 FROM background_jobs FOR UPDATE");
	uint64_t before = ledger_n_turns(ledger);
	sem_post(&may_end);
	while (ledger_n_turns(ledger) < before + 2)
		wait_for_wake(), look();
	ck_assert_ptr_null(came.first);
	test_postgres_execute(other, "COMMIT");
	PQfinish(other);
	await_outcome(job, JOB_COMPLETED);
	assert_row("j", "completed 1");
}
END_TEST

/* ---- Touches ---- */

/* When the row was last touched, which the test has made a long time ago. */
static bool was_touched(const char *id)
{
	return strcmp(test_postgres_value("SELECT updated_at > '2002-01-01' FROM background_jobs "
					  "WHERE id = '%s'",
			      id),
		       "t") == 0;
}

static void forget_touch(void)
{
	test_postgres_execute(NULL, "UPDATE background_jobs SET updated_at = '2001-01-01'");
}

START_TEST(a_running_jobs_row_is_touched_every_third)
{
	struct job *job = run_waiter();

	for (int i = 0; i < 3; i++) {
		usec_t touched_at = atomic_load(&job->touched_at);
		uint64_t n = ledger_n_touches(ledger);
		forget_touch();
		put_forward(V / 4);
		await_turn();
		ck_assert(!was_touched("j"));
		put_forward(V / 12);
		await_turn();
		ck_assert(was_touched("j"));
		ck_assert_uint_gt(atomic_load(&job->touched_at), touched_at);
		ck_assert_uint_eq(ledger_n_touches(ledger), n + 1);
	}
	sem_post(&may_end);
	await_outcome(job, JOB_COMPLETED);
	assert_row("j", "completed 1");
}
END_TEST

/* Once was enough, however long it runs. */
static void assert_touched_no_more(struct job *job)
{
	forget_touch();
	for (int i = 0; i < 4; i++) {
		put_forward(V / 4);
		await_turn();
	}
	ck_assert(!was_touched("j"));
	ck_assert_uint_eq(ledger_n_touches(ledger), 1);
	sem_post(&may_end);
	await_outcome(job, JOB_COMPLETED);
}

START_TEST(without_extension_a_row_is_touched_once)
{
	ledger_set_terms(ledger, V, false);
	struct job *job = run_waiter();

	forget_touch();
	put_forward(V / 6);
	await_turn();
	ck_assert(!was_touched("j"));
	put_forward(V / 12);
	await_turn();
	ck_assert(was_touched("j"));
	assert_touched_no_more(job);
}
END_TEST

START_TEST(a_handler_that_outlives_its_limit_keeps_its_row_no_longer)
{
	struct job *job = run_waiter();

	forget_touch();
	/* As if its limit and grace were over, and it did not return. */
	atomic_store(&job->leases_end_at, clock_boottime() + V / 4);
	put_forward(V / 3);
	await_turn();
	ck_assert(!was_touched("j"));
	sem_post(&may_end);
	await_outcome(job, JOB_COMPLETED);
}
END_TEST

START_TEST(a_touch_that_finds_another_owner_stops_the_handler)
{
	struct job *job = run_waiter();

	test_postgres_execute(NULL, "UPDATE background_jobs SET attempts = 2,"
				    " started_at = started_at + interval '1 second'");
	put_forward(V / 3);
	wake_up();
	await_outcome(job, JOB_LOST);
	assert_row("j", "processing 2");
}
END_TEST

START_TEST(a_running_job_is_lost_when_both_its_leases_are_over_and_its_row_left_alone)
{
	static const struct {
		usec_t visible_for, stood_still;
		enum job_outcome outcome;
	} cases[] = {
		{V, V + USEC_PER_SEC, JOB_LOST},
		{2 * V, V + USEC_PER_SEC, JOB_COMPLETED},
		{V / 2, V / 4 * 3 - USEC_PER_SEC, JOB_COMPLETED},
	};

	struct job *job = run_waiter();

	atomic_store(&job->visible_at, clock_boottime() + cases[_i].visible_for);
	forget_touch();
	put_forward(cases[_i].stood_still);
	wake_up();
	ck_assert_int_eq(was_touched("j"), cases[_i].outcome != JOB_LOST);
	if (cases[_i].outcome != JOB_LOST)
		sem_post(&may_end);
	await_outcome(job, cases[_i].outcome);
	assert_row("j", cases[_i].outcome == JOB_LOST ? "processing 1" : "completed 1");
}
END_TEST

START_TEST(a_job_that_is_lost_before_it_is_run_is_back_and_its_row_not_touched)
{
	test_postgres_row("j", "pending", NULL);
	struct job *job = new_job("j", &echo);
	atomic_store(&job->visible_at, clock_boottime() + V);
	atomic_store(&worker_ahead, V);
	begin(job);
	await_outcome(job, JOB_LOST);
	await_turn();
	ck_assert_uint_eq(ledger_n_touches(ledger), 0);
	assert_row("j", "processing 1");
}
END_TEST

START_TEST(a_finish_that_finds_another_owner_writes_nothing)
{
	struct job *job = run_waiter();

	test_postgres_execute(
		NULL, "UPDATE background_jobs SET status = 'pending', error = 'theirs'");
	sem_post(&may_end);
	await_outcome(job, JOB_LOST);
	assert_row("j", "pending 1 theirs");
}
END_TEST

/* ---- Rows that the handler keeps ---- */

/* Fails in the end, unless it is stopped before. */
static enum handler_result wait_to_fail(struct handler_context *context)
{
	enum handler_result result = wait_to_end(context);

	return result == HANDLER_DONE ? handler_fail(context, "broke") : result;
}

static struct handler failing_waiter = {.name = "test-echo", .run = wait_to_fail};

static struct job *new_keeper(const char *id, struct handler *handler)
{
	struct job *job = new_job(id, handler);

	job->keeps_row = true;
	return job;
}

/* What a handler writes while it runs: here the test does it, from outside. */
static void handler_writes(const char *changes)
{
	test_postgres_execute(NULL,
		"UPDATE background_jobs SET updated_at = now() AT TIME ZONE 'UTC', %s", changes);
}

#define COUNTS "status = 'processing', attempts = attempts + 1"

/* Runs, and its row is still as it was. */
static struct job *run_keeper(struct handler *handler)
{
	test_postgres_row("j", "pending", NULL);
	struct job *job = new_keeper("j", handler);
	begin(job);
	await_begun();
	ck_assert_int_eq(job->attempt, 1);
	assert_row("j", "pending 0");
	return job;
}

START_TEST(a_kept_row_has_one_attempt_after_one_run_whatever_its_handler_wrote)
{
	static const struct {
		struct handler *handler;
		const char *writes; /* NULL: nothing */
		enum job_outcome outcome;
		const char *row;
	} cases[] = {
		{&waiter, COUNTS, JOB_COMPLETED, "completed 1"},
		{&waiter, NULL, JOB_COMPLETED, "completed 1"},
		{&waiter, "status = 'processing'", JOB_COMPLETED, "completed 1"},
		{&waiter, "status = 'completed', attempts = 1", JOB_COMPLETED, "completed 1"},
		{&waiter, "status = 'failed', attempts = 1, error = 'theirs'", JOB_COMPLETED,
			"completed 1"},
		{&failing_waiter, COUNTS, JOB_FAILED, "failed 1 broke"},
		{&failing_waiter, NULL, JOB_FAILED, "failed 1 broke"},
		{&failing_waiter, "status = 'failed', attempts = 1, error = 'theirs'", JOB_FAILED,
			"failed 1 theirs"},
	};
	struct job *job = run_keeper(cases[_i].handler);

	if (cases[_i].writes)
		handler_writes(cases[_i].writes);
	sem_post(&may_end);
	ck_assert_ptr_eq(await_back(), job);
	assert_outcome(job, cases[_i].outcome);
	ck_assert_int_eq(job->attempt, 1);
	ck_assert(!job->claim.granted);
	assert_row("j", cases[_i].row);
	test_job_free(job);
}
END_TEST

START_TEST(each_run_of_a_kept_row_is_counted_once)
{
	test_postgres_row("j", "failed", "attempts = 1, error = 'before'");
	struct job *job = new_keeper("j", &failing_waiter);

	for (int attempt = 2; attempt <= 3; attempt++) {
		begin(job);
		await_begun();
		ck_assert_int_eq(job->attempt, attempt);
		if (attempt == 3)
			handler_writes(COUNTS);
		sem_post(&may_end);
		ck_assert_ptr_eq(await_back(), job);
		assert_outcome(job, JOB_FAILED);
		assert_row("j", attempt == 2 ? "failed 2 broke" : "failed 3 broke");
		job->ran = false;
	}
	test_job_free(job);
}
END_TEST

/* Takes the log's place on stderr, to be read after it was said. */
static FILE *stderr_to_file(void)
{
	FILE *said = tmpfile();

	ck_assert_ptr_nonnull(said);
	ck_assert_int_eq(dup2(fileno(said), STDERR_FILENO), STDERR_FILENO);
	return said;
}

START_TEST(a_failure_after_the_row_was_completed_is_counted_as_completed)
{
	FILE *said = stderr_to_file();
	char text[1024] = "";
	struct job *job = run_keeper(&failing_waiter);

	handler_writes("status = 'completed', attempts = 1");
	sem_post(&may_end);
	await_outcome(job, JOB_COMPLETED);
	assert_row("j", "completed 1");
	rewind(said);
	ck_assert_uint_gt(fread(text, 1, sizeof text - 1, said), 0);
	const char *line = "job=j: its handler failed after it had completed the row: broke; "
			   "counted as completed";
	ck_assert_msg(strstr(text, line), "%s", text);
	ck_assert_ptr_null(strstr(strstr(text, line) + 1, line));
	fclose(said);
}
END_TEST

START_TEST(a_stop_gives_a_kept_row_back_or_leaves_its_end)
{
	static const struct {
		const char *writes; /* NULL: nothing */
		enum job_outcome outcome;
		const char *row;
	} cases[] = {
		{COUNTS, JOB_ABANDONED, "pending 1 interrupted by shutdown"},
		{NULL, JOB_ABANDONED, "pending 0"},
		{"status = 'completed', attempts = 1", JOB_COMPLETED, "completed 1"},
		{"status = 'failed', attempts = 1, error = 'theirs'", JOB_FAILED,
			"failed 1 theirs"},
	};
	FILE *said = stderr_to_file();
	struct job *job = run_keeper(&waiter);

	if (cases[_i].writes)
		handler_writes(cases[_i].writes);
	pool_cancel(pool, job, JOB_STOP);
	await_outcome(job, cases[_i].outcome);
	assert_row("j", cases[_i].row);
	/* It did not fail after it had completed. */
	ck_assert_int_eq(fseek(said, 0, SEEK_END), 0);
	ck_assert_int_eq(ftell(said), 0);
	fclose(said);
}
END_TEST

/* The job runs, and is given up: another takes over its claim. */
static struct job *give_up(struct job *job)
{
	struct job *stand_in = new_job("j", NULL);

	test_postgres_row("j", "pending", NULL);
	begin(job);
	await_begun();
	ck_assert_int_eq(pool_give_up(pool, job), 0);
	stand_in->attempt = job->attempt;
	stand_in->ran = true;
	stand_in->stands_for = job;
	job_cut_short(stand_in, JOB_GO, 30 * USEC_PER_SEC);
	return stand_in;
}

START_TEST(a_job_that_was_given_up_is_ended_by_its_stand_in)
{
	struct job *job = new_job("j", &waiter), *stand_in = give_up(job);

	begin(stand_in);
	await_outcome(stand_in, JOB_TIMEOUT);
	assert_row("j", "failed 1 timed out after 30s");
	sem_post(&may_end);
	await_outcome(job, JOB_COMPLETED);
	assert_row("j", "failed 1 timed out after 30s");
}
END_TEST

START_TEST(a_job_that_was_given_up_may_come_back_before_its_stand_in)
{
	struct job *job = new_job("j", &waiter), *stand_in = give_up(job);

	sem_post(&may_end);
	while (pool_n_finished(pool) == 0)
		sched_yield();
	await_turn();
	begin(stand_in);
	struct job *first = await_back(), *second = await_back();
	ck_assert(first == job ? second == stand_in : first == stand_in && second == job);
	assert_outcome(stand_in, JOB_TIMEOUT);
	assert_row("j", "failed 1 timed out after 30s");
	test_job_free(job);
	test_job_free(stand_in);
}
END_TEST

START_TEST(a_kept_row_is_touched_while_it_is_processing_and_else_proves_nothing)
{
	struct job *job = run_keeper(&waiter);
	static const struct {
		const char *writes;
		bool held;
	} steps[] = {
		{"attempts = 0", false},
		{COUNTS, true},
		{"attempts = 1", true},
		{"status = 'failed'", false},
		{"status = 'completed'", false},
		{"status = 'pending'", false},
		{"status = 'processing'", true},
	};

	ck_assert_uint_eq(atomic_load(&job->touched_at), JOB_UNHELD);
	for (size_t i = 0; i < N_OF(steps); i++) {
		handler_writes(steps[i].writes);
		forget_touch();
		put_forward(V / 4);
		uint64_t n = ledger_n_touches(ledger);
		await_turn();
		ck_assert_uint_eq(ledger_n_touches(ledger), n);
		put_forward(V / 12);
		usec_t now = clock_boottime();
		await_turn();
		ck_assert_uint_eq(ledger_n_touches(ledger), n + 1);
		ck_assert_int_eq(was_touched("j"), steps[i].held);
		if (steps[i].held)
			ck_assert_uint_ge(atomic_load(&job->touched_at), now);
		else
			ck_assert_uint_eq(atomic_load(&job->touched_at), JOB_UNHELD);
	}
	ck_assert_int_eq(atomic_load(&job->cancel), JOB_GO);
	sem_post(&may_end);
	await_outcome(job, JOB_COMPLETED);
	assert_row("j", "completed 1");
}
END_TEST

START_TEST(without_extension_a_kept_row_is_looked_at_once)
{
	ledger_set_terms(ledger, V, false);
	struct job *job = run_keeper(&waiter);
	if (_i == 1)
		handler_writes(COUNTS);
	forget_touch();
	put_forward(V / 4);
	await_turn();
	ck_assert_int_eq(was_touched("j"), _i == 1);
	handler_writes("status = 'processing', attempts = 1");
	assert_touched_no_more(job);
}
END_TEST

START_TEST(a_kept_row_that_another_has_taken_over_stops_the_handler_and_is_left_alone)
{
	struct job *job = run_keeper(&waiter);

	handler_writes("status = 'processing', attempts = 2, error = 'theirs'");
	put_forward(V / 3);
	wake_up();
	await_outcome(job, JOB_LOST);
	assert_row("j", "processing 2 theirs");
}
END_TEST

START_TEST(a_kept_row_that_another_has_taken_over_is_not_finished)
{
	struct job *job = run_keeper(_i == 0 ? &waiter : &failing_waiter);

	handler_writes("status = 'processing', attempts = 2, error = 'theirs'");
	sem_post(&may_end);
	await_outcome(job, JOB_LOST);
	assert_row("j", "processing 2 theirs");
}
END_TEST

START_TEST(a_refused_end_of_a_kept_row_says_what_postgres_said)
{
	struct job *job = run_keeper(&waiter);

	handler_writes(COUNTS);
	refuse("j", "completed");
	sem_post(&may_end);
	await_outcome(job, JOB_FAILED);
	assert_row("j", "failed 1 Postgres says: not this one (SQLSTATE P0001)");
}
END_TEST

START_TEST(a_refused_end_of_a_kept_row_that_is_locked_is_written_later)
{
	struct job *job = run_keeper(&waiter);

	/* A sequence goes on whatever is rolled back: the first failure finds the row held. */
	test_postgres_execute(NULL,
		"CREATE SEQUENCE failures;"
		"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
		" AS $$ BEGIN IF NEW.status = 'completed' THEN RAISE EXCEPTION 'not this one';"
		" END IF; IF nextval('failures') = 1 THEN RETURN NULL; END IF;"
		" RETURN NEW; END $$;"
		"CREATE TRIGGER refuse BEFORE UPDATE ON background_jobs"
		" FOR EACH ROW EXECUTE FUNCTION refuse()");
	sem_post(&may_end);
	await_outcome(job, JOB_FAILED);
	assert_row("j", "failed 1 Postgres says: not this one (SQLSTATE P0001)");
	ck_assert_str_eq(test_postgres_value("SELECT last_value FROM failures"), "2");
}
END_TEST

START_TEST(a_kept_row_that_may_not_even_fail_is_lost)
{
	struct job *job = run_keeper(&waiter);

	test_postgres_execute(NULL, "ALTER TABLE background_jobs ADD CHECK (status = 'pending')");
	sem_post(&may_end);
	await_outcome(job, JOB_LOST);
	assert_row("j", "pending 0");
}
END_TEST

/* A begin is asked, and before it is answered the database goes; it comes after begin_by. */
static void begin_too_late(struct job *job)
{
	test_postgres_row(job->id, "pending", NULL);
	PGconn *other = lock_table();
	job->begin_by = clock_boottime() + V / 4;
	begin(job);
	await_blocked();
	test_postgres_stop(SIGQUIT);
	PQfinish(other);
	await_news(false);
	put_forward(V / 4 + USEC_PER_SEC);
	test_postgres_resume();
	ck_assert_ptr_eq(await_back(), job);
}

START_TEST(an_unanswered_begin_may_have_granted_a_row_but_never_a_kept_one)
{
	struct job *job = _i == 0 ? new_job("j", &echo) : new_keeper("j", &echo);

	begin_too_late(job);
	assert_outcome(job, _i == 0 ? JOB_COMPLETED : JOB_ELSEWHERE);
	assert_row("j", _i == 0 ? "completed 1" : "pending 0");
	test_job_free(job);
}
END_TEST

/* ---- Taking over ---- */

static void stale_row(const char *id)
{
	test_postgres_row(id, "processing", "attempts = 1, updated_at = '2001-01-01'");
}

static void assert_waits_to_take_over(struct job *job, usec_t longest)
{
	begin(job);
	ck_assert_ptr_eq(await_back(), job);
	assert_outcome(job, JOB_ELSEWHERE);
	ck_assert_uint_gt(job->retry_in, 0);
	ck_assert_uint_le(job->retry_in, longest);
	put_forward(job->retry_in);
	begin(job);
	ck_assert_ptr_eq(await_back(), job);
	assert_outcome(job, JOB_COMPLETED);
	ck_assert_int_eq(job->attempt, 2);
}

START_TEST(an_abandoned_row_is_taken_over_at_once_while_all_is_well)
{
	stale_row("j");
	struct job *job = new_job("j", &echo);
	begin(job);
	await_outcome(job, JOB_COMPLETED);
	assert_row("j", "completed 2");
}
END_TEST

START_TEST(an_abandoned_kept_row_is_taken_over_too)
{
	stale_row("j");
	struct job *job = new_keeper("j", &waiter);
	begin(job);
	await_begun();
	ck_assert_int_eq(job->attempt, 2);
	assert_row("j", "processing 1");
	sem_post(&may_end);
	await_outcome(job, JOB_COMPLETED);
	assert_row("j", "completed 2");
}
END_TEST

START_TEST(after_a_time_without_transaction_others_may_touch_first)
{
	stale_row("j");
	struct job *job = new_job("j", &echo);
	put_forward(V / 3 + USEC_PER_SEC);
	assert_waits_to_take_over(job, 10 * USEC_PER_SEC);
	test_job_free(job);
}
END_TEST

START_TEST(after_an_outage_others_may_touch_first)
{
	stale_row("j");
	struct job *job = new_job("j", &echo);
	test_postgres_stop(SIGINT);
	await_news(false);
	test_postgres_resume();
	await_news(true);
	assert_waits_to_take_over(job, 10 * USEC_PER_SEC);
	test_job_free(job);
}
END_TEST

START_TEST(a_failed_first_connect_is_an_outage_too)
{
	stale_row("j");
	close_ledger();
	test_postgres_stop(SIGINT);
	open_ledger(test_postgres_url(NULL, NULL, NULL));
	n_news = 0;
	while (n_news == 0)
		wait_for_wake(), look();
	ck_assert(!up);
	test_postgres_resume();
	await_news(true);
	struct job *job = new_job("j", &echo);
	assert_waits_to_take_over(job, 10 * USEC_PER_SEC);
	test_job_free(job);
}
END_TEST

/* ---- Refused values ---- */

START_TEST(a_refused_value_fails_alone_and_its_neighbours_commit)
{
	static const char *const statuses[] = {"processing", "completed"};
	struct queue_list list;
	char id[16];

	test_postgres_execute(NULL,
		"INSERT INTO background_jobs (id, type) SELECT 'j' || n, 'test-echo'"
		" FROM generate_series(1, 100) AS n");
	refuse("j37", statuses[_i]);
	queue_list_init(&list);
	for (int i = 1; i <= 100; i++) {
		snprintf(id, sizeof id, "j%d", i);
		queue_list_append(&list, &new_job(id, &echo)->node);
	}
	ledger_begin(ledger, &list);
	for (int i = 1; i <= 100; i++) {
		struct job *job = await_back();
		bool bad = strcmp(job->id, "j37") == 0;
		assert_outcome(job, bad ? JOB_FAILED : JOB_COMPLETED);
		if (bad)
			ck_assert_str_eq(
				job->error, "Postgres says: not this one (SQLSTATE P0001)");
		test_job_free(job);
	}
	ck_assert_str_eq(test_postgres_value("SELECT count(*) FROM background_jobs WHERE status ="
					     " 'completed' AND attempts = 1"),
		"99");
	assert_row("j37", _i == 0 ? "failed 0 Postgres says: not this one (SQLSTATE P0001)"
				  : "failed 1 Postgres says: not this one (SQLSTATE P0001)");
}
END_TEST

/* ---- Away ---- */

START_TEST(what_is_in_hand_outlives_a_restart)
{
	test_postgres_row("runs", "pending", NULL);
	test_postgres_row("waits", "pending", NULL);
	struct job *runs = new_job("runs", &waiter), *waits = new_job("waits", &echo);
	begin(runs);
	await_begun();
	forget_touch();
	test_postgres_stop(SIGQUIT);
	await_news(false);
	ck_assert_uint_gt(strlen(news_text), 0);
	ck_assert_ptr_null(strchr(news_text, '\n'));
	begin(waits);
	sem_post(&may_end);
	while (pool_n_finished(pool) == 0)
		sched_yield();

	test_postgres_resume();
	await_news(true);
	ck_assert_str_eq(news_text, "");
	for (int i = 0; i < 2; i++)
		assert_outcome(await_back(), JOB_COMPLETED);
	assert_row("runs", "completed 1");
	assert_row("waits", "completed 1");
	test_job_free(runs);
	test_job_free(waits);
}
END_TEST

START_TEST(the_first_transaction_after_an_outage_touches_all_in_hand)
{
	struct job *job = run_waiter();

	forget_touch();
	test_postgres_stop(SIGINT);
	await_news(false);
	uint64_t n = ledger_n_touches(ledger);
	test_postgres_resume();
	while (ledger_n_touches(ledger) == n)
		wait_for_wake(), look();
	ck_assert(was_touched("j"));
	sem_post(&may_end);
	await_outcome(job, JOB_COMPLETED);
}
END_TEST

START_TEST(what_waited_here_for_too_long_is_not_begun)
{
	test_postgres_row("j", "pending", NULL);
	test_postgres_stop(SIGINT);
	await_news(false);
	struct job *job = new_job("j", &echo);
	job->begin_by = clock_boottime() + V / 4;
	begin(job);
	put_forward(V / 4 + USEC_PER_SEC);
	test_postgres_resume();
	ck_assert_ptr_eq(await_back(), job);
	assert_outcome(job, JOB_ELSEWHERE);
	ck_assert_uint_eq(job->retry_in, 0);
	assert_row("j", "pending 0");
	test_job_free(job);
}
END_TEST

START_TEST(a_job_told_to_stop_before_it_is_begun_leaves_its_row)
{
	test_postgres_row("j", "pending", NULL);
	test_postgres_stop(SIGINT);
	await_news(false);
	struct job *job = new_job("j", &echo);
	begin(job);
	pool_cancel(pool, job, JOB_STOP);
	await_outcome(job, JOB_ABANDONED);
	test_postgres_resume();
	await_news(true);
	assert_row("j", "pending 0");
}
END_TEST

START_TEST(a_silent_database_is_away_after_a_second)
{
	test_postgres_row("j", "pending", NULL);
	PGconn *other = lock_table();
	struct job *job = new_job("j", &echo);
	begin(job);
	await_news(false);
	ck_assert_ptr_nonnull(strstr(news_text, "has not answered for a second"));
	test_postgres_execute(other, "COMMIT");
	PQfinish(other);
	await_outcome(job, JOB_COMPLETED);
	look();
	ck_assert(up);
	assert_row("j", "completed 1");
}
END_TEST

START_TEST(a_database_that_is_silent_about_a_refused_row_is_away_too)
{
	test_postgres_row("j", "pending", NULL);
	PGconn *other = test_postgres_connect();
	test_postgres_execute(other, "SELECT pg_advisory_lock(1)");
	test_postgres_execute(NULL,
		"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
		" IF NEW.status = 'processing' THEN RAISE EXCEPTION 'not this one'; END IF;"
		" PERFORM pg_advisory_xact_lock(1); RETURN NEW; END $$;"
		"CREATE TRIGGER refuse BEFORE UPDATE ON background_jobs"
		" FOR EACH ROW EXECUTE FUNCTION refuse()");
	struct job *job = new_job("j", &echo);
	begin(job);
	await_news(false);
	ck_assert_ptr_nonnull(strstr(news_text, "has not answered for a second"));
	PQfinish(other);
	await_outcome(job, JOB_FAILED);
	await_news(true);
	assert_row("j", "failed 0 Postgres says: not this one (SQLSTATE P0001)");
}
END_TEST

START_TEST(an_end_does_not_wait_for_a_silent_database)
{
	test_postgres_row("j", "pending", NULL);
	PGconn *other = lock_table();
	struct job *job = new_job("j", &echo);
	begin(job);
	await_blocked();
	ledger_stop(ledger);
	/* Nor for what would end the statement. */
	ck_assert_int_gt(n_blocked(), 0);
	PQfinish(other);
	test_job_free(job);
}
END_TEST

START_TEST(a_new_url_is_used_from_the_next_turn)
{
	_cleanup_free_ char *wrong = test_postgres_url(NULL, "wr0ng", NULL);
	_cleanup_free_ char *right = test_postgres_url(NULL, NULL, NULL);
	char error[STORE_ERROR_MAX];

	ck_assert_int_eq(ledger_set_url(ledger, "postgresql://[", error), -EINVAL);
	await_turn();
	ck_assert_int_eq(ledger_set_url(ledger, wrong, error), 0);
	await_news(false);
	ck_assert_ptr_nonnull(strstr(news_text, "check user and password"));
	ck_assert_ptr_null(strstr(news_text, "wr0ng"));
	ck_assert_int_eq(ledger_set_url(ledger, right, error), 0);
	await_news(true);
	await_turn();
}
END_TEST

/* ---- Answers that are lost ---- */

static struct test_cut *cut;

static void setup_cut(void)
{
	setup();
	close_ledger();
	cut = test_cut_new();
	open_ledger(test_cut_url(cut));
	await_news(true);
}

static void teardown_cut(void)
{
	teardown();
	cut = test_cut_free(cut);
}

START_TEST(a_begin_that_committed_unheard_is_counted_once)
{
	test_postgres_row("j", "pending", NULL);
	struct job *job = new_job("j", &echo);
	test_cut_at_commit(cut);
	begin(job);
	ck_assert_ptr_eq(await_back(), job);
	assert_outcome(job, JOB_COMPLETED);
	ck_assert_uint_eq(test_cut_n(cut), 1);
	ck_assert_int_eq(job->attempt, 1);
	assert_row("j", "completed 1");
	test_job_free(job);
}
END_TEST

START_TEST(a_finish_that_committed_unheard_is_a_finish)
{
	struct job *job = _i == 0 ? run_waiter() : run_keeper(&waiter);

	test_cut_at_commit(cut);
	sem_post(&may_end);
	await_outcome(job, JOB_COMPLETED);
	ck_assert_uint_eq(test_cut_n(cut), 1);
	assert_row("j", "completed 1");
}
END_TEST

START_TEST(a_failure_of_a_kept_row_that_committed_unheard_stays_its_failure)
{
	struct job *job = run_keeper(&failing_waiter);

	test_cut_at_commit(cut);
	sem_post(&may_end);
	await_outcome(job, JOB_FAILED);
	ck_assert_uint_eq(test_cut_n(cut), 1);
	assert_row("j", "failed 1 broke");
}
END_TEST

int main(void)
{
	test_postgres_start();
	Suite *suite = suite_create("ledger");
	TCase *all = tcase_create("all"), *unheard = tcase_create("unheard");

	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, a_job_is_begun_run_and_finished);
	tcase_add_loop_test(all, what_is_not_begun_comes_back_and_says_why, 0, 4);
	tcase_add_test(all, a_failure_is_written_with_its_text);
	tcase_add_test(all, many_jobs_share_few_transactions);
	tcase_add_test(all, a_locked_row_is_for_later_while_its_neighbours_go_on);
	tcase_add_test(all, a_finish_waits_for_its_rows_lock);
	tcase_add_test(all, a_running_jobs_row_is_touched_every_third);
	tcase_add_test(all, without_extension_a_row_is_touched_once);
	tcase_add_test(all, a_handler_that_outlives_its_limit_keeps_its_row_no_longer);
	tcase_add_test(all, a_touch_that_finds_another_owner_stops_the_handler);
	tcase_add_loop_test(all,
		a_running_job_is_lost_when_both_its_leases_are_over_and_its_row_left_alone, 0, 3);
	tcase_add_test(all, a_job_that_is_lost_before_it_is_run_is_back_and_its_row_not_touched);
	tcase_add_test(all, a_finish_that_finds_another_owner_writes_nothing);
	tcase_add_loop_test(
		all, a_kept_row_has_one_attempt_after_one_run_whatever_its_handler_wrote, 0, 8);
	tcase_add_test(all, each_run_of_a_kept_row_is_counted_once);
	tcase_add_test(all, a_failure_after_the_row_was_completed_is_counted_as_completed);
	tcase_add_loop_test(all, a_stop_gives_a_kept_row_back_or_leaves_its_end, 0, 4);
	tcase_add_test(all, a_kept_row_is_touched_while_it_is_processing_and_else_proves_nothing);
	tcase_add_loop_test(all, without_extension_a_kept_row_is_looked_at_once, 0, 2);
	tcase_add_test(
		all, a_kept_row_that_another_has_taken_over_stops_the_handler_and_is_left_alone);
	tcase_add_loop_test(all, a_kept_row_that_another_has_taken_over_is_not_finished, 0, 2);
	tcase_add_test(all, a_refused_end_of_a_kept_row_says_what_postgres_said);
	tcase_add_test(all, a_refused_end_of_a_kept_row_that_is_locked_is_written_later);
	tcase_add_test(all, a_kept_row_that_may_not_even_fail_is_lost);
	tcase_add_loop_test(
		all, an_unanswered_begin_may_have_granted_a_row_but_never_a_kept_one, 0, 2);
	tcase_add_test(all, an_abandoned_kept_row_is_taken_over_too);
	tcase_add_test(all, an_abandoned_row_is_taken_over_at_once_while_all_is_well);
	tcase_add_test(all, after_a_time_without_transaction_others_may_touch_first);
	tcase_add_test(all, after_an_outage_others_may_touch_first);
	tcase_add_test(all, a_failed_first_connect_is_an_outage_too);
	tcase_add_loop_test(all, a_refused_value_fails_alone_and_its_neighbours_commit, 0, 2);
	tcase_add_test(all, what_is_in_hand_outlives_a_restart);
	tcase_add_test(all, the_first_transaction_after_an_outage_touches_all_in_hand);
	tcase_add_test(all, what_waited_here_for_too_long_is_not_begun);
	tcase_add_test(all, a_job_told_to_stop_before_it_is_begun_leaves_its_row);
	tcase_add_test(all, a_job_that_was_given_up_is_ended_by_its_stand_in);
	tcase_add_test(all, a_job_that_was_given_up_may_come_back_before_its_stand_in);
	tcase_add_test(all, a_silent_database_is_away_after_a_second);
	tcase_add_test(all, a_database_that_is_silent_about_a_refused_row_is_away_too);
	tcase_add_test(all, an_end_does_not_wait_for_a_silent_database);
	tcase_add_test(all, a_new_url_is_used_from_the_next_turn);
	suite_add_tcase(suite, all);

	tcase_set_timeout(unheard, 60);
	tcase_add_checked_fixture(unheard, setup_cut, teardown_cut);
	tcase_add_test(unheard, a_begin_that_committed_unheard_is_counted_once);
	tcase_add_loop_test(unheard, a_finish_that_committed_unheard_is_a_finish, 0, 2);
	tcase_add_test(unheard, a_failure_of_a_kept_row_that_committed_unheard_stays_its_failure);
	suite_add_tcase(suite, unheard);
	return test_suite_run(suite);
}

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>

#include "../support/test_job.h"
#include "../support/test_suite.h"
#include "handler/echo.h"
#include "handler/handler.h"
#include "handler/runner.h"

static struct handler echo = {.name = "test-echo", .run = echo_run};

static int wake_fd;
static struct job *job;

static void setup(void)
{
	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ck_assert_int_ge(wake_fd, 0);
}

static void teardown(void)
{
	test_job_free(job);
	close(wake_fd);
	clock_replace(NULL);
}

static void wake(void)
{
	uint64_t one = 1;

	ck_assert_int_eq(write(wake_fd, &one, sizeof one), sizeof one);
}

static void make(struct handler *handler, const char *payload)
{
	job = test_job_new("j1", "test-echo", payload);
	job->handler = handler;
	job->attempt = 1;
}

static void run(struct handler *handler, const char *payload)
{
	make(handler, payload);
	runner_run(job, wake_fd);
}

static void assert_ended(enum job_outcome outcome, const char *error)
{
	ck_assert(job->ran);
	test_job_assert_ended(job, outcome, error);
	ck_assert_uint_gt(atomic_load(&job->started_at), 0);
	ck_assert_uint_ge(atomic_load(&job->ran_at), atomic_load(&job->started_at));
}

/* ---- The runner ---- */

static struct handler_context seen;

static enum handler_result note(struct handler_context *context)
{
	seen = *context;
	return HANDLER_DONE;
}

START_TEST(a_handler_is_told_all_about_its_job)
{
	make(&(struct handler){.name = "test-echo", .run = note}, "{\"a\":1}");
	job->attempt = 3;
	job->timeout = 5 * USEC_PER_SEC;
	job->kill_grace = USEC_PER_SEC;
	runner_run(job, wake_fd);

	assert_ended(JOB_COMPLETED, NULL);
	ck_assert_ptr_eq(seen.job_id, job->id);
	ck_assert_ptr_eq(seen.job_type, job->type);
	ck_assert_ptr_eq(seen.payload, job->payload);
	ck_assert_uint_eq(seen.payload_len, 7);
	ck_assert_int_eq(seen.attempt, 3);
	ck_assert_uint_eq(seen.deadline, job->started_at + 5 * USEC_PER_SEC);
	ck_assert_uint_eq(job->leases_end_at, job->started_at + 6 * USEC_PER_SEC);
}
END_TEST

static enum handler_result refuse(struct handler_context *context)
{
	return handler_fail(context, "%s: %d\xff", "no", 5);
}

START_TEST(a_failure_has_the_handlers_text_as_the_column_takes_it)
{
	run(&(struct handler){.name = "x", .run = refuse}, "{}");
	assert_ended(JOB_FAILED, "no: 5?");
}
END_TEST

START_TEST(a_type_without_handler_fails_by_name)
{
	run(NULL, "{}");
	assert_ended(JOB_FAILED, "No handler registered for job type: test-echo");
}
END_TEST

static enum handler_result must_not_run(struct handler_context *context)
{
	(void)context;
	ck_abort_msg("the handler of a cancelled job was run");
}

START_TEST(a_job_that_was_told_to_stop_before_is_not_run)
{
	make(&(struct handler){.name = "x", .run = must_not_run}, "{}");
	atomic_store(&job->cancel, JOB_STOP);
	runner_run(job, wake_fd);
	assert_ended(JOB_ABANDONED, "interrupted by shutdown");
}
END_TEST

START_TEST(a_job_that_was_lost_before_is_not_run)
{
	make(&(struct handler){.name = "x", .run = must_not_run}, "{}");
	atomic_store(&job->cancel, JOB_LOSE);
	runner_run(job, wake_fd);
	assert_ended(JOB_LOST, NULL);
}
END_TEST

static enum handler_result end_well(struct handler_context *context)
{
	(void)context;
	return HANDLER_DONE;
}

START_TEST(a_job_that_can_be_proven_to_be_ours_by_its_row_or_its_message_is_run)
{
	static const struct {
		usec_t touched_ago, invisible_for;
		bool lost;
	} cases[] = {
		{USEC_PER_MIN - USEC_PER_SEC, 0, false},
		{USEC_PER_MIN, USEC_PER_SEC, false},
		{USEC_PER_MIN, 0, true},
	};
	usec_t at = clock_boottime();

	make(&(struct handler){.name = "x", .run = cases[_i].lost ? must_not_run : end_well}, "{}");
	job->row_lease = USEC_PER_MIN;
	atomic_store(&job->touched_at, at - cases[_i].touched_ago);
	atomic_store(&job->visible_at, at + cases[_i].invisible_for);
	runner_run(job, wake_fd);
	assert_ended(cases[_i].lost ? JOB_LOST : JOB_COMPLETED, NULL);
}
END_TEST

/* ---- Waiting, on a clock that stands ---- */

static _Atomic(usec_t) now = USEC_PER_HOUR;

/* How often it was looked at: at a job's start, and when a wait begins. */
static _Atomic(unsigned) n_looks;

static usec_t show(void)
{
	usec_t shown = atomic_load(&now);

	atomic_fetch_add(&n_looks, 1);
	return shown;
}

static int waited;
static _Atomic(bool) called;

static enum handler_result wait_a_minute(struct handler_context *context)
{
	atomic_store(&called, true);
	waited = handler_wait(context, USEC_PER_MIN);
	return waited < 0 ? HANDLER_INTERRUPTED : HANDLER_DONE;
}

static struct handler waiter = {.name = "x", .run = wait_a_minute};

static void *run_in_thread(void *userdata)
{
	(void)userdata;
	runner_run(job, wake_fd);
	return NULL;
}

/* Until its handler has it: what is told to stop before is not run. */
static void await_call(void)
{
	while (!atomic_load(&called))
		sched_yield();
}

/* Until it knows when its wait ends: a clock that moved before would move that, too. */
static void await_wait(void)
{
	while (atomic_load(&n_looks) < 2)
		sched_yield();
}

/* Until it waits: with nothing left in the eventfd the runner has looked at flag and clock. */
static void await_wake_taken(void)
{
	struct pollfd p = {.fd = wake_fd, .events = POLLIN};

	while (poll(&p, 1, 0) == 1)
		sched_yield();
}

/* Runs the job; once it waits, that is the time. */
static void run_and_show(usec_t time)
{
	pthread_t thread;

	clock_replace(show);
	atomic_store(&n_looks, 0);
	pthread_create(&thread, NULL, run_in_thread, NULL);
	await_wait();
	atomic_store(&now, time);
	wake();
	pthread_join(thread, NULL);
}

START_TEST(a_wait_ends_when_its_time_is_over)
{
	make(&waiter, "{}");
	run_and_show(USEC_PER_HOUR + USEC_PER_MIN);
	ck_assert_int_eq(waited, 0);
	assert_ended(JOB_COMPLETED, NULL);
}
END_TEST

START_TEST(a_wait_does_not_outlast_the_limit)
{
	make(&waiter, "{}");
	job->timeout = 30 * USEC_PER_SEC;
	run_and_show(USEC_PER_HOUR + 30 * USEC_PER_SEC);
	ck_assert_int_eq(waited, -ETIMEDOUT);
	assert_ended(JOB_TIMEOUT, "timed out after 30s");
}
END_TEST

START_TEST(a_visibility_that_ends_sooner_is_the_limit)
{
	make(&waiter, "{}");
	job->timeout = 30 * USEC_PER_SEC;
	/* A visibility ends at any microsecond, which is no business of who reads the error. */
	job->must_end_at = USEC_PER_HOUR + 5 * USEC_PER_SEC + 321;
	run_and_show(job->must_end_at);
	assert_ended(JOB_TIMEOUT, "timed out after 5s");
	ck_assert_uint_eq(job->leases_end_at, job->must_end_at);
}
END_TEST

START_TEST(with_no_time_left_a_wait_ends_at_once)
{
	clock_replace(show);
	make(&waiter, "{}");
	job->must_end_at = USEC_PER_HOUR - USEC_PER_SEC;
	runner_run(job, wake_fd);
	ck_assert_int_eq(waited, -ETIMEDOUT);
	assert_ended(JOB_TIMEOUT, "timed out after 0s");
}
END_TEST

START_TEST(a_cancelled_wait_ends_by_its_reason)
{
	static const struct {
		enum job_cancel reason;
		enum job_outcome outcome;
		const char *error;
	} cases[] = {
		{JOB_STOP, JOB_ABANDONED, "interrupted by shutdown"},
		{JOB_LOSE, JOB_LOST, NULL},
		{JOB_CUT, JOB_TIMEOUT, "stopped: its message's visibility could not be extended"},
	};
	make(&waiter, "{}");
	pthread_t thread;
	pthread_create(&thread, NULL, run_in_thread, NULL);
	await_call();
	atomic_store(&job->cancel, cases[_i].reason);
	wake();
	pthread_join(thread, NULL);
	ck_assert_int_eq(waited, -ECANCELED);
	assert_ended(cases[_i].outcome, cases[_i].error);
}
END_TEST

START_TEST(a_wake_that_was_meant_for_the_job_before_is_only_taken)
{
	clock_replace(show);
	make(&waiter, "{}");
	wake();
	pthread_t thread;
	pthread_create(&thread, NULL, run_in_thread, NULL);
	await_wake_taken();
	ck_assert_uint_eq(atomic_load(&job->ran_at), 0);
	atomic_store(&now, USEC_PER_HOUR + USEC_PER_MIN);
	wake();
	pthread_join(thread, NULL);
	assert_ended(JOB_COMPLETED, NULL);
}
END_TEST

static enum handler_result wait_for_ever(struct handler_context *context)
{
	waited = handler_wait(context, USEC_INFINITY - 5);
	return HANDLER_INTERRUPTED;
}

START_TEST(a_wait_for_ever_ends_at_the_limit)
{
	make(&(struct handler){.name = "x", .run = wait_for_ever}, "{}");
	job->timeout = USEC_PER_MSEC;
	runner_run(job, wake_fd);
	ck_assert_int_eq(waited, -ETIMEDOUT);
	assert_ended(JOB_TIMEOUT, "timed out after 1ms");
}
END_TEST

/* ---- test-echo ---- */

START_TEST(echo_ends_as_its_payload_says)
{
	static const struct {
		const char *payload;
		int attempt;
		enum job_outcome outcome;
		const char *error;
	} cases[] = {
		{"{}", 1, JOB_COMPLETED, NULL},
		{"null", 1, JOB_COMPLETED, NULL},
		{"[1,2]", 1, JOB_COMPLETED, NULL},
		{"\"text\"", 1, JOB_COMPLETED, NULL},
		{"{\"unknown\":1}", 1, JOB_COMPLETED, NULL},
		{"{\"fail\":\"as asked\"}", 1, JOB_FAILED, "as asked"},
		{"{\"fail\":\"100%s\"}", 9, JOB_FAILED, "100%s"},
		{"{\"fail\":7}", 1, JOB_COMPLETED, NULL},
		{"{\"failAttempts\":2}", 1, JOB_FAILED, "failed as asked"},
		{"{\"failAttempts\":2}", 2, JOB_FAILED, "failed as asked"},
		{"{\"failAttempts\":2}", 3, JOB_COMPLETED, NULL},
		{"{\"failAttempts\":1,\"fail\":\"once\"}", 1, JOB_FAILED, "once"},
		{"{\"failAttempts\":1,\"fail\":\"once\"}", 2, JOB_COMPLETED, NULL},
		{"{\"delayMs\":1}", 1, JOB_COMPLETED, NULL},
		{"{\"delayMs\":1,\"fail\":\"late\"}", 1, JOB_FAILED, "late"},
		{"{\"delayMs\":-5}", 1, JOB_COMPLETED, NULL},
		{"{\"delayMs\":\"soon\"}", 1, JOB_COMPLETED, NULL},
	};

	make(&echo, cases[_i].payload);
	job->attempt = cases[_i].attempt;
	runner_run(job, wake_fd);
	assert_ended(cases[_i].outcome, cases[_i].error);
	ck_assert_int_eq(N_OF(cases), 17);
}
END_TEST

START_TEST(echos_delay_ends_at_the_limit)
{
	static const char *const payloads[] = {
		"{\"delayMs\":60000}",
		"{\"delayMs\":9223372036854775807}",
		"{\"delayMs\":60000,\"fail\":\"never said\"}",
	};

	make(&echo, payloads[_i]);
	job->timeout = 2 * USEC_PER_MSEC;
	runner_run(job, wake_fd);
	assert_ended(JOB_TIMEOUT, "timed out after 2ms");
	ck_assert_uint_ge(job->ran_at - job->started_at, 2 * USEC_PER_MSEC);
}
END_TEST

/* What a handler sees of two descriptors of which one is ready, and then of none that is. */
static enum handler_result poll_two(struct handler_context *context)
{
	int ready = eventfd(1, EFD_CLOEXEC), silent = eventfd(0, EFD_CLOEXEC);
	struct pollfd fds[] = {{.fd = silent, .events = POLLIN}, {.fd = ready, .events = POLLIN}};

	ck_assert_int_eq(handler_poll(context, fds, 2, USEC_INFINITY), 1);
	ck_assert_int_eq(fds[0].revents, 0);
	ck_assert_int_eq(fds[1].revents, POLLIN);
	ck_assert_int_eq(handler_poll(context, fds, 1, clock_boottime() + USEC_PER_MSEC), 0);
	context->deadline = clock_boottime() + USEC_PER_MSEC;
	ck_assert_int_eq(handler_poll(context, fds, 1, USEC_INFINITY), -ETIMEDOUT);
	close(ready);
	close(silent);
	return HANDLER_DONE;
}

START_TEST(a_handler_may_wait_for_descriptors_of_its_own)
{
	run(&(struct handler){.name = "x", .run = poll_two}, "{}");
	assert_ended(JOB_COMPLETED, NULL);
}
END_TEST

static enum handler_result poll_deaf(struct handler_context *context)
{
	int silent = eventfd(0, EFD_CLOEXEC);
	struct pollfd fd = {.fd = silent, .events = POLLIN};

	wake();
	ck_assert_int_eq(handler_poll(context, &fd, 1, clock_boottime() + USEC_PER_MSEC), 0);
	atomic_store(&job->cancel, JOB_STOP);
	wake();
	ck_assert_int_eq(handler_poll(context, &fd, 1, USEC_INFINITY), -ECANCELED);
	close(silent);
	return HANDLER_INTERRUPTED;
}

START_TEST(a_wait_for_descriptors_ends_when_the_handler_is_to_stop)
{
	run(&(struct handler){.name = "x", .run = poll_deaf}, "{}");
	assert_ended(JOB_ABANDONED, "interrupted by shutdown");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("runner");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, a_handler_is_told_all_about_its_job);
	tcase_add_test(all, a_failure_has_the_handlers_text_as_the_column_takes_it);
	tcase_add_test(all, a_type_without_handler_fails_by_name);
	tcase_add_test(all, a_job_that_was_told_to_stop_before_is_not_run);
	tcase_add_test(all, a_job_that_was_lost_before_is_not_run);
	tcase_add_loop_test(
		all, a_job_that_can_be_proven_to_be_ours_by_its_row_or_its_message_is_run, 0, 3);
	tcase_add_test(all, a_wait_ends_when_its_time_is_over);
	tcase_add_test(all, a_wait_does_not_outlast_the_limit);
	tcase_add_test(all, a_visibility_that_ends_sooner_is_the_limit);
	tcase_add_test(all, with_no_time_left_a_wait_ends_at_once);
	tcase_add_loop_test(all, a_cancelled_wait_ends_by_its_reason, 0, 3);
	tcase_add_test(all, a_wake_that_was_meant_for_the_job_before_is_only_taken);
	tcase_add_test(all, a_wait_for_ever_ends_at_the_limit);
	tcase_add_test(all, a_handler_may_wait_for_descriptors_of_its_own);
	tcase_add_test(all, a_wait_for_descriptors_ends_when_the_handler_is_to_stop);
	tcase_add_loop_test(all, echo_ends_as_its_payload_says, 0, 17);
	tcase_add_loop_test(all, echos_delay_ends_at_the_limit, 0, 3);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}

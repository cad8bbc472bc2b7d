/*
 * Jobs and the runtimes that do them: when one starts, which one does what, and when it ends.
 * Programs are tests/unit/lambda_lab.h's.
 */
#include <check.h>
#include <errno.h>
#include <sys/wait.h>

#include "../support/test_descriptors.h"
#include "../support/test_suite.h"
#include "handler/runtime_pool.h"
#include "lambda_lab.h"

/* Says that it has work, and does it once the test lets it. */
#define PATIENT                                                                                    \
	"while True:\n"                                                                            \
	"    id, event = ask()\n"                                                                  \
	"    note('busy')\n"                                                                       \
	"    until('go')\n"                                                                        \
	"    answer(id)\n"

static void let_go(void)
{
	lab_write(lab_path("go"), "", 0600);
}

/* ---- Starting ---- */

START_TEST(a_runtime_stays_for_the_next_job)
{
	lab_begin(LAB_WILLING);
	ck_assert_uint_eq(lab_n_starts(), 0);
	for (int i = 0; i < 5; i++)
		lab_do("{}", JOB_COMPLETED, NULL);
	ck_assert_uint_eq(lab_n_starts(), 1);
	ck_assert(!lab_is_gone(lab_started_pid(0)));
}
END_TEST

START_TEST(jobs_at_once_have_a_runtime_each_up_to_the_limit)
{
	lab_begin(PATIENT);
	struct lab_run *runs[] = {lab_submit("{}"), lab_submit("{}"), lab_submit("{}")};

	lab_await(lab_n_notes("busy") == 2);
	ck_assert_uint_eq(lab_n_starts(), 2);
	let_go();
	for (int i = 0; i < 3; i++)
		lab_expect(runs[i], JOB_COMPLETED, NULL);
	ck_assert_uint_eq(lab_n_notes("busy"), 3);
	ck_assert_uint_eq(lab_n_starts(), 2);
}
END_TEST

static void refuse_bundle(const char *what, const char *path, const char *why)
{
	char text[256];

	snprintf(text, sizeof text, "%s%s: %s", what, lab_path(path), why);
	lab_do("{}", JOB_FAILED, text);
}

START_TEST(what_cannot_be_started_fails_the_job_with_the_reason)
{
	lab_make();
	refuse_bundle("bundle: ", "bundle", "No such file or directory");

	ck_assert_int_eq(mkdir(lab_path("bundle"), 0700), 0);
	refuse_bundle("cannot run ", "bundle/bootstrap", "No such file or directory");

	lab_write(lab_path("bundle/bootstrap"), "#!/bin/sh\n", 0600);
	refuse_bundle("cannot run ", "bundle/bootstrap", "Permission denied");

	/* What was wrong may be mended: the next job finds it so. */
	ck_assert_int_eq(rename(lab_path("bundle"), lab_path("old")), 0);
	lab_bundle("bundle", LAB_WILLING);
	lab_do("{}", JOB_COMPLETED, NULL);
}
END_TEST

START_TEST(a_bundle_that_never_starts_is_tried_no_more_often_than_there_are_jobs)
{
	enum {
		N = 10
	};
	struct lab_run *runs[N];

	lab_begin("sys.exit(3)\n");
	for (int i = 0; i < N; i++)
		runs[i] = lab_submit("{}");
	for (int i = 0; i < N; i++)
		lab_expect(
			runs[i], JOB_FAILED, "Runtime.ExitError: the runtime exited with status 3");
	ck_assert_uint_le(lab_n_starts(), N);
}
END_TEST

/* By hand: all of them are to wait before the loop's first turn. */
START_TEST(all_that_wait_for_one_that_cannot_start_fail_with_it)
{
	struct invocation waiting[4] = {0};
	struct runtime_plan *plan = NULL;
	struct runtime_pool *pool = NULL;
	char error[CHILD_ERROR_MAX] = "";

	lab_options.max_runtimes = 1;
	lab_bundle("v1", "sys.exit(3)\n");
	lab_link("v1");
	ck_assert_msg(runtime_plan_new(&lab_options, error, &plan) == 0, "%s", error);
	ck_assert_int_eq(runtime_pool_new(&lab_options, plan, &pool), 0);
	for (int i = 0; i < 4; i++) {
		waiting[i].done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		ck_assert_int_ge(waiting[i].done_fd, 0);
		runtime_pool_submit(pool, &waiting[i]);
	}
	for (int i = 0; i < 4; i++) {
		lab_await(waiting[i].ended);
		ck_assert_int_eq(waiting[i].result, INVOCATION_BAD);
		ck_assert_str_eq(
			waiting[i].text, "Runtime.ExitError: the runtime exited with status 3");
		close(waiting[i].done_fd);
	}
	ck_assert_uint_eq(lab_n_starts(), 1);
	runtime_pool_free(pool);
}
END_TEST

START_TEST(one_that_dies_while_it_is_idle_is_replaced_by_the_next_job)
{
	lab_begin(LAB_WILLING);
	lab_do("{}", JOB_COMPLETED, NULL);
	pid_t pid = lab_started_pid(0);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	lab_await(lab_is_gone(pid));
	ck_assert_ptr_nonnull(strstr(lab_logged(),
		"type=resize stderr: Runtime.ExitError: the runtime was killed by SIGKILL\n"));
	lab_do("{}", JOB_COMPLETED, NULL);
	ck_assert_uint_eq(lab_n_starts(), 2);
}
END_TEST

START_TEST(one_that_never_asks_again_does_not_keep_the_next_job)
{
	lab_begin("id, event = ask()\nanswer(id)\ntime.sleep(1000)\n");
	lab_do("{}", JOB_COMPLETED, NULL);
	/* Long before LAMBDA_ASK_LIMIT. */
	struct lab_run *run = lab_job("{}");
	run->job->timeout = 20 * USEC_PER_SEC;
	lab_start(run);
	lab_expect(run, JOB_COMPLETED, NULL);
	ck_assert_uint_eq(lab_n_starts(), 2);
}
END_TEST

/* ---- Growing old ---- */

START_TEST(after_so_many_jobs_another_one_takes_over)
{
	lab_options.max_jobs = 2;
	lab_begin(LAB_WILLING);
	for (int i = 0; i < 5; i++)
		lab_do("{}", JOB_COMPLETED, NULL);
	ck_assert_uint_eq(lab_n_starts(), 3);
	lab_await(lab_is_gone(lab_started_pid(0)) && lab_is_gone(lab_started_pid(1)));
	ck_assert(!lab_is_gone(lab_started_pid(2)));
	ck_assert_ptr_null(strstr(lab_logged(), "Runtime.ExitError"));
}
END_TEST

START_TEST(past_its_age_one_ends_after_its_job_and_never_before_its_first)
{
	lab_options.max_age = 1;
	lab_options.max_runtimes = 1;
	lab_begin("while True:\n"
		  "    id, event = ask()\n"
		  "    time.sleep(0.05)\n"
		  "    answer(id)\n");
	for (int i = 0; i < 3; i++)
		lab_do("{}", JOB_COMPLETED, NULL);
	ck_assert_uint_eq(lab_n_starts(), 3);
	lab_await(lab_is_gone(lab_started_pid(0)) && lab_is_gone(lab_started_pid(1)));
}
END_TEST

#define VERSION(v)                                                                                 \
	"while True:\n"                                                                            \
	"    id, event = ask()\n"                                                                  \
	"    note('busy')\n"                                                                       \
	"    if 'wait' in event:\n"                                                                \
	"        until('go')\n"                                                                    \
	"    fail(id, '" v "', os.path.basename(os.getcwd()))\n"

START_TEST(once_the_bundle_is_another_jobs_begin_on_that_and_end_on_theirs)
{
	lab_begin(VERSION("one"));
	lab_bundle("v2", VERSION("two"));
	struct lab_run *run = lab_submit("wait");
	lab_await(lab_n_notes("busy") == 1);

	lab_link("v2");
	lab_do("{}", JOB_FAILED, "two: v2");
	let_go();
	lab_expect(run, JOB_FAILED, "one: v1");
	lab_await(lab_is_gone(lab_started_pid(0)));
	lab_do("{}", JOB_FAILED, "two: v2");
	ck_assert_uint_eq(lab_n_starts(), 2);
}
END_TEST

START_TEST(an_idle_one_on_an_old_bundle_gives_way)
{
	lab_begin(VERSION("one"));
	lab_bundle("v2", VERSION("two"));
	lab_do("{}", JOB_FAILED, "one: v1");
	lab_link("v2");
	lab_do("{}", JOB_FAILED, "two: v2");
	lab_await(lab_is_gone(lab_started_pid(0)));

	/* Where there is nothing any more, what was there goes on. */
	ck_assert_int_eq(unlink(lab_path("bundle")), 0);
	lab_do("{}", JOB_FAILED, "two: v2");
}
END_TEST

/* ---- Stopping ---- */

/* Does at once what it is asked, but for this. */
#define HANGS                                                                                      \
	"while True:\n"                                                                            \
	"    id, event = ask()\n"                                                                  \
	"    if 'hang' in event:\n"                                                                \
	"        child = os.fork()\n"                                                              \
	"        if child:\n"                                                                      \
	"            note(f'child {child}')\n"                                                     \
	"        time.sleep(1000)\n"                                                               \
	"    answer(id)\n"

START_TEST(at_the_deadline_all_of_it_is_killed)
{
	lab_begin("signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" HANGS);
	lab_do("{}", JOB_COMPLETED, NULL);
	struct lab_run *run = lab_job("hang");
	run->job->timeout = 500 * USEC_PER_MSEC;
	lab_start(run);
	lab_expect(run, JOB_TIMEOUT, "timed out after 500ms");
	/* The job is over when nothing works on it any more. */
	ck_assert(lab_is_gone(lab_started_pid(0)));
	lab_await(lab_is_gone(lab_noted_pid("child ", 0)));
	lab_do("{}", JOB_COMPLETED, NULL);
	ck_assert_uint_eq(lab_n_starts(), 2);
}
END_TEST

static const struct {
	const char *at_sigterm;
	usec_t grace;
	enum job_outcome outcome;
	const char *error;
} STOPS[] = {
	{"answer(id); note('answered')", LAB_SOON, JOB_COMPLETED, NULL},
	{"fail(id, 'A', 'b'); note('answered')", LAB_SOON, JOB_ABANDONED,
		"interrupted by shutdown"},
	{"sys.exit(0)", LAB_SOON, JOB_ABANDONED, "interrupted by shutdown"},
	{"note('told')", 500 * USEC_PER_MSEC, JOB_ABANDONED, "interrupted by shutdown"},
};

START_TEST(one_that_is_told_to_stop_may_still_answer_and_is_killed_when_it_does_not_end)
{
	char script[512];

	snprintf(script, sizeof script,
		"id, event = ask()\n"
		"def stop(number, frame):\n"
		"    note('told'); %s\n"
		"signal.signal(signal.SIGTERM, stop)\n"
		"note('busy')\n"
		"while True:\n"
		"    time.sleep(1000)\n",
		STOPS[_i].at_sigterm);
	lab_begin(script);
	struct lab_run *run = lab_job("{}");
	run->job->kill_grace = STOPS[_i].grace;
	lab_start(run);
	lab_await(lab_n_notes("busy") == 1);
	lab_cancel(run, JOB_STOP);
	lab_expect(run, STOPS[_i].outcome, STOPS[_i].error);
	ck_assert_uint_ge(lab_n_notes("told"), 1);
	if (!strstr(STOPS[_i].at_sigterm, "answer"))
		ck_assert(lab_is_gone(lab_started_pid(0)));
}
END_TEST

START_TEST(a_job_that_waits_for_a_runtime_stops_at_once_and_costs_none)
{
	lab_options.max_runtimes = 1;
	lab_begin(PATIENT);
	struct lab_run *busy = lab_submit("{}");
	lab_await(lab_n_notes("busy") == 1);
	struct lab_run *stopped = lab_submit("{}"), *late = lab_job("{}");
	late->job->timeout = 100 * USEC_PER_MSEC;
	lab_start(late);
	lab_cancel(stopped, JOB_STOP);
	lab_expect(stopped, JOB_ABANDONED, "interrupted by shutdown");
	lab_expect(late, JOB_TIMEOUT, "timed out after 100ms");
	let_go();
	lab_expect(busy, JOB_COMPLETED, NULL);
	ck_assert_uint_eq(lab_n_starts(), 1);
	ck_assert_uint_eq(lab_n_notes("busy"), 1);
}
END_TEST

START_TEST(with_its_handler_go_all_runtimes)
{
	lab_begin("signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" PATIENT);
	struct lab_run *runs[] = {lab_submit("{}"), lab_submit("{}")};
	lab_await(lab_n_notes("busy") == 2);
	let_go();
	lab_expect(runs[0], JOB_COMPLETED, NULL);
	lab_expect(runs[1], JOB_COMPLETED, NULL);
	lab_handler = handler_unref(lab_handler);
	lab_await(lab_is_gone(lab_started_pid(0)) && lab_is_gone(lab_started_pid(1)));
}
END_TEST

/* ---- What it costs ---- */

/* Those that have not been reaped, alive or not. */
static unsigned n_children(void)
{
	char path[64];
	unsigned n = 0;
	int pid;

	snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
	FILE *children = fopen(path, "re");
	ck_assert_ptr_nonnull(children);
	while (fscanf(children, "%d", &pid) == 1)
		n++;
	fclose(children);
	return n;
}

START_TEST(two_hundred_jobs_leave_one_runtime_and_nothing_else)
{
	lab_options.max_jobs = 40;
	lab_begin("while True:\n"
		  "    id, event = ask()\n"
		  "    if 'crash' in event:\n"
		  "        sys.exit(1)\n"
		  "    answer(id)\n");
	lab_do("{}", JOB_COMPLETED, NULL);
	unsigned before = test_descriptors();
	for (int i = 0; i < 200; i++) {
		bool crash = i % 50 == 49;
		lab_do(crash ? "crash" : "{}", crash ? JOB_FAILED : JOB_COMPLETED,
			crash ? "Runtime.ExitError: the runtime exited with status 1" : NULL);
		lab_clear();
	}
	lab_do("{}", JOB_COMPLETED, NULL);
	ck_assert_uint_ge(lab_n_starts(), 8);
	lab_await(n_children() == 1);
	ck_assert_uint_eq(test_descriptors(), before);
}
END_TEST

START_TEST(what_a_runtime_takes_is_told_where_that_is_asked_for)
{
	lab_begin(LAB_WILLING);
	lab_do("{}", JOB_COMPLETED, NULL);
	ck_assert_uint_eq(lab_runs[0].job->peak_memory, 0);
	handler_unref(lab_handler);
	lab_options.measure = true;
	lab_make();
	lab_do("{}", JOB_COMPLETED, NULL);
	ck_assert_uint_gt(lab_runs[1].job->peak_memory, 1u << 20);
	ck_assert_uint_lt(lab_runs[1].job->peak_memory, 1u << 30);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lambda");
	TCase *tcase = tcase_create("lambda");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, lab_setup, lab_teardown);
	tcase_add_test(tcase, a_runtime_stays_for_the_next_job);
	tcase_add_test(tcase, jobs_at_once_have_a_runtime_each_up_to_the_limit);
	tcase_add_test(tcase, what_cannot_be_started_fails_the_job_with_the_reason);
	tcase_add_test(
		tcase, a_bundle_that_never_starts_is_tried_no_more_often_than_there_are_jobs);
	tcase_add_test(tcase, all_that_wait_for_one_that_cannot_start_fail_with_it);
	tcase_add_test(tcase, one_that_dies_while_it_is_idle_is_replaced_by_the_next_job);
	tcase_add_test(tcase, one_that_never_asks_again_does_not_keep_the_next_job);
	tcase_add_test(tcase, after_so_many_jobs_another_one_takes_over);
	tcase_add_test(tcase, past_its_age_one_ends_after_its_job_and_never_before_its_first);
	tcase_add_test(tcase, once_the_bundle_is_another_jobs_begin_on_that_and_end_on_theirs);
	tcase_add_test(tcase, an_idle_one_on_an_old_bundle_gives_way);
	tcase_add_test(tcase, at_the_deadline_all_of_it_is_killed);
	tcase_add_loop_test(tcase,
		one_that_is_told_to_stop_may_still_answer_and_is_killed_when_it_does_not_end, 0,
		N_OF(STOPS));
	tcase_add_test(tcase, a_job_that_waits_for_a_runtime_stops_at_once_and_costs_none);
	tcase_add_test(tcase, with_its_handler_go_all_runtimes);
	tcase_add_test(tcase, two_hundred_jobs_leave_one_runtime_and_nothing_else);
	tcase_add_test(tcase, what_a_runtime_takes_is_told_where_that_is_asked_for);
	suite_add_tcase(suite, tcase);
	return test_suite_run(suite);
}

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "../support/test_job.h"
#include "../support/test_suite.h"
#include "handler/handler.h"
#include "log_capture.h"
#include "work/pool.h"

#define N_JOBS 5000

static struct queue finished;
static struct pool *pool;

static void open_pool(unsigned n_threads)
{
	ck_assert_int_eq(queue_init(&finished, false), 0);
	ck_assert_int_eq(pool_new(n_threads, &finished, &pool), 0);
}

static void close_pool(void)
{
	pool = pool_free(pool);
	ck_assert_ptr_null(pool);
	queue_done(&finished);
}

static void submit(struct job *job)
{
	struct queue_list list;

	queue_list_init(&list);
	queue_list_append(&list, &job->node);
	pool_submit(pool, &list);
	ck_assert_uint_eq(list.n_nodes, 0);
}

static struct job *await_finished(void)
{
	return job_of_node(queue_pop(&finished));
}

/* ---- Handlers ---- */

static _Atomic(unsigned) n_runs;

static enum handler_result count_runs(struct handler_context *context)
{
	(void)context;
	atomic_fetch_add(&n_runs, 1);
	return HANDLER_DONE;
}

static pthread_barrier_t running;

/* Runs until it is told to stop. */
static enum handler_result wait_to_be_told(struct handler_context *context)
{
	pthread_barrier_wait(&running);
	int r = handler_wait(context, USEC_PER_HOUR);
	return r < 0 ? HANDLER_INTERRUPTED : HANDLER_DONE;
}

static struct handler counter = {.name = "count", .run = count_runs};
static struct handler waiter = {.name = "wait", .run = wait_to_be_told};

static struct job *new_job(const char *id, struct handler *handler)
{
	struct job *job = test_job_new(id, handler->name, "{}");

	job->handler = handler;
	return job;
}

START_TEST(every_job_is_run_once_and_handed_on)
{
	static struct job *jobs[N_JOBS];
	struct queue_list list;
	char id[16];

	open_pool(4);
	queue_list_init(&list);
	for (unsigned i = 0; i < N_JOBS; i++) {
		snprintf(id, sizeof id, "j%u", i);
		jobs[i] = new_job(id, &counter);
		queue_list_append(&list, &jobs[i]->node);
		if (i % 100 == 99)
			pool_submit(pool, &list);
	}
	for (unsigned i = 0; i < N_JOBS; i++) {
		struct job *job = await_finished();
		ck_assert(job->ran);
		ck_assert_int_eq(job->outcome, JOB_COMPLETED);
		job->ran = false; /* a second time would show */
	}
	ck_assert_uint_eq(atomic_load(&n_runs), N_JOBS);
	ck_assert_uint_eq(pool_n_started(pool), N_JOBS);
	ck_assert_uint_eq(pool_n_finished(pool), N_JOBS);
	ck_assert_ptr_null(queue_try_pop(&finished));
	close_pool();
	for (unsigned i = 0; i < N_JOBS; i++)
		test_job_free(jobs[i]);
}
END_TEST

START_TEST(as_many_run_side_by_side_as_there_are_threads)
{
	struct job *jobs[4];

	open_pool(3);
	pthread_barrier_init(&running, NULL, 4);
	for (unsigned i = 0; i < 4; i++) {
		jobs[i] = new_job("j", &waiter);
		submit(jobs[i]);
	}
	pthread_barrier_wait(&running);
	ck_assert_uint_eq(pool_n_started(pool), 3);
	ck_assert_uint_eq(pool_n_finished(pool), 0);
	ck_assert_uint_eq(pool_n_running(pool), 3);
	for (unsigned i = 4; i-- > 0;) /* the one that waits first: it would wait at the barrier */
		pool_cancel(pool, jobs[i], JOB_STOP);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(await_finished()->outcome, JOB_ABANDONED);
	ck_assert_uint_eq(pool_n_started(pool), 4);
	ck_assert_uint_eq(pool_n_running(pool), 0);
	close_pool();
	for (unsigned i = 0; i < 4; i++)
		test_job_free(jobs[i]);
}
END_TEST

START_TEST(a_running_job_is_told_and_its_neighbours_are_not)
{
	struct job *told = new_job("told", &waiter), *other = new_job("other", &waiter);

	open_pool(2);
	pthread_barrier_init(&running, NULL, 3);
	submit(told);
	submit(other);
	pthread_barrier_wait(&running);
	pool_cancel(pool, told, JOB_LOSE);
	ck_assert_ptr_eq(await_finished(), told);
	ck_assert_int_eq(told->outcome, JOB_LOST);
	ck_assert_uint_eq(atomic_load(&other->ran_at), 0);
	pool_cancel(pool, other, JOB_STOP);
	ck_assert_ptr_eq(await_finished(), other);
	close_pool();
	test_job_free(told);
	test_job_free(other);
}
END_TEST

START_TEST(a_job_that_still_waits_for_a_thread_is_not_run)
{
	struct job *runs = new_job("runs", &waiter), *waits = new_job("waits", &counter);

	open_pool(1);
	pthread_barrier_init(&running, NULL, 2);
	submit(runs);
	submit(waits);
	pthread_barrier_wait(&running);
	pool_cancel(pool, waits, JOB_STOP);
	pool_cancel(pool, runs, JOB_STOP);
	ck_assert_ptr_eq(await_finished(), runs);
	ck_assert_ptr_eq(await_finished(), waits);
	ck_assert_int_eq(waits->outcome, JOB_ABANDONED);
	ck_assert_uint_eq(atomic_load(&n_runs), 0);
	close_pool();
	test_job_free(runs);
	test_job_free(waits);
}
END_TEST

START_TEST(the_first_reason_to_stop_stays)
{
	struct job *job = new_job("j", &counter);

	open_pool(1);
	pool_cancel(pool, job, JOB_LOSE);
	pool_cancel(pool, job, JOB_STOP);
	submit(job);
	ck_assert_ptr_eq(await_finished(), job);
	ck_assert_int_eq(job->outcome, JOB_LOST);
	close_pool();
	test_job_free(job);
}
END_TEST

START_TEST(a_cancel_that_comes_late_does_not_stop_the_next_job)
{
	struct job *first = new_job("first", &waiter), *next = new_job("next", &waiter);

	open_pool(1);
	pthread_barrier_init(&running, NULL, 2);
	submit(first);
	submit(next);
	pthread_barrier_wait(&running);
	/* Both wake the one worker; only the flag says whom it is about. */
	pool_cancel(pool, first, JOB_STOP);
	pthread_barrier_wait(&running);
	ck_assert_ptr_eq(await_finished(), first);
	ck_assert_int_eq(atomic_load(&next->cancel), JOB_GO);
	ck_assert_uint_eq(atomic_load(&next->ran_at), 0);
	pool_cancel(pool, next, JOB_STOP);
	ck_assert_ptr_eq(await_finished(), next);
	close_pool();
	test_job_free(first);
	test_job_free(next);
}
END_TEST

/* Told at any instant of its life, a job ends, and as one that was told or one that was through. */
START_TEST(cancels_may_race_with_begin_and_end)
{
	static struct handler short_wait = {.name = "wait", .run = wait_to_be_told};
	unsigned n_stopped = 0;

	open_pool(2);
	pthread_barrier_init(&running, NULL, 1);
	for (unsigned i = 0; i < 2000; i++) {
		struct job *job = new_job("j", i % 2 ? &short_wait : &counter);
		submit(job);
		for (unsigned k = 0; k < i % 7; k++)
			sched_yield();
		/* Not after it has come back: so a job that may end by itself is asked first. */
		if (i % 2)
			pool_cancel(pool, job, JOB_STOP);
		struct job *back = await_finished();
		ck_assert_ptr_eq(back, job);
		n_stopped += back->outcome == JOB_ABANDONED;
		test_job_free(back);
	}
	ck_assert_uint_eq(n_stopped, 1000);
	close_pool();
}
END_TEST

static _Atomic(bool) may_return;

/* Deaf until it may. */
static enum handler_result do_not_listen(struct handler_context *context)
{
	(void)context;
	pthread_barrier_wait(&running);
	while (!atomic_load(&may_return))
		sched_yield();
	return HANDLER_DONE;
}

static struct handler deaf = {.name = "deaf", .run = do_not_listen};

START_TEST(another_thread_takes_the_place_of_one_that_is_given_up)
{
	struct job *stuck[3], *next = new_job("next", &counter);

	open_pool(1);
	pthread_barrier_init(&running, NULL, 2);
	for (unsigned i = 0; i < 2; i++) {
		stuck[i] = new_job("stuck", &deaf);
		submit(stuck[i]);
		pthread_barrier_wait(&running);
		/* As many as there are threads, and no more. */
		ck_assert_int_eq(pool_give_up(pool, stuck[i]), i < 1 ? 0 : -EAGAIN);
	}
	atomic_store(&may_return, true);
	for (unsigned i = 0; i < 2; i++)
		ck_assert(await_finished()->given_up);
	/* Neither thread goes on; a place is free again, but nobody was there to fill it. */
	submit(next);
	stuck[2] = new_job("none", &deaf);
	ck_assert_int_eq(pool_give_up(pool, stuck[2]), -ESRCH);
	ck_assert_uint_eq(atomic_load(&n_runs), 0);
	pool_free(pool);
	ck_assert_ptr_eq(job_of_node(queue_try_pop(&finished)), NULL);
	queue_done(&finished);
	test_job_free(next);
	for (unsigned i = 0; i < 3; i++)
		test_job_free(stuck[i]);
}
END_TEST

/* Whoever is first: it was given up for both, or for neither; and one thread is there afterwards.
 */
START_TEST(giving_up_may_race_with_the_end)
{
	open_pool(1);
	for (unsigned i = 0; i < 2000; i++) {
		struct job *job = new_job("j", &counter);
		submit(job);
		for (unsigned k = 0; k < i % 50; k++)
			sched_yield();
		int r = pool_give_up(pool, job);
		struct job *back = await_finished();
		ck_assert_ptr_eq(back, job);
		ck_assert_int_ne(r, -EAGAIN);
		ck_assert_int_eq(back->given_up, r == 0);
		test_job_free(back);
	}
	ck_assert_uint_eq(atomic_load(&n_runs), 2000);
	ck_assert_uint_eq(pool_n_finished(pool), 2000);
	close_pool();
}
END_TEST

START_TEST(an_end_waits_until_everything_submitted_was_run)
{
	struct job *jobs[50];

	open_pool(2);
	for (unsigned i = 0; i < 50; i++) {
		jobs[i] = new_job("j", &counter);
		submit(jobs[i]);
	}
	ck_assert_ptr_null(pool_free(pool));
	ck_assert_uint_eq(atomic_load(&n_runs), 50);
	for (unsigned i = 0; i < 50; i++)
		test_job_free(job_of_node(queue_try_pop(&finished)));
	queue_done(&finished);
	ck_assert_ptr_null(pool_free(NULL));
}
END_TEST

START_TEST(each_thread_says_what_it_runs)
{
	struct job *job = new_job("j7", &waiter);

	job->attempt = 2;
	open_pool(2);
	pthread_barrier_init(&running, NULL, 2);
	submit(job);
	pthread_barrier_wait(&running);
	int fd = pipe_as_stderr();
	pool_log(pool);
	const char *text = read_all(fd);
	ck_assert_msg(strstr(text, "job=j7 type=wait attempt=2 runs for "), "%s", text);
	ck_assert_uint_eq(count(text, ": idle\n"), 1);
	ck_assert_uint_eq(count(text, "\n"), 2);
	pool_cancel(pool, job, JOB_STOP);
	test_job_free(await_finished());
	close_pool();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pool");
	TCase *all = tcase_create("all");

	tcase_add_test(all, every_job_is_run_once_and_handed_on);
	tcase_add_test(all, as_many_run_side_by_side_as_there_are_threads);
	tcase_add_test(all, a_running_job_is_told_and_its_neighbours_are_not);
	tcase_add_test(all, a_job_that_still_waits_for_a_thread_is_not_run);
	tcase_add_test(all, the_first_reason_to_stop_stays);
	tcase_add_test(all, a_cancel_that_comes_late_does_not_stop_the_next_job);
	tcase_add_test(all, cancels_may_race_with_begin_and_end);
	tcase_add_test(all, another_thread_takes_the_place_of_one_that_is_given_up);
	tcase_add_test(all, giving_up_may_race_with_the_end);
	tcase_add_test(all, an_end_waits_until_everything_submitted_was_run);
	tcase_add_test(all, each_thread_says_what_it_runs);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}

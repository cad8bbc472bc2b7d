#include "work/pool.h"

#include <errno.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "handler/runner.h"
#include "work/event.h"

/* Handlers are given a comfortable stack; only the pages that they touch cost memory. */
#define POOL_STACK_BYTES (1u << 20)

struct worker {
	struct pool *pool;
	pthread_t thread;
	int wake_fd;  /* -1: none yet */
	bool started; /* and not joined */
	_Atomic(bool) ended;
	_Atomic(struct job *) job;      /* the one that runs, or NULL */
	_Atomic(struct job *) given_up; /* that one, when its thread is to end after it */
};

struct pool {
	struct queue submitted;
	struct queue *finished;
	unsigned n_workers; /* room for twice as many as work: the others may be given up */
	_Atomic(uint64_t) n_started;
	_Atomic(uint64_t) n_finished;
	struct worker workers[];
};

/* Whether the thread goes on. */
static bool pool_run(struct worker *worker, struct job *job)
{
	struct pool *pool = worker->pool;
	struct job *expected = job;

	/* In this order: whoever cancels sets the job's flag before it looks for the worker. */
	atomic_store(&worker->job, job);
	atomic_fetch_add(&pool->n_started, 1);
	runner_run(job, worker->wake_fd);
	/* And in this: whoever gives it up says so before it looks whether it still runs. */
	atomic_store(&worker->job, NULL);
	bool given_up = atomic_compare_exchange_strong(&worker->given_up, &expected, NULL);
	job->given_up = given_up;
	atomic_fetch_add(&pool->n_finished, 1);
	queue_push(pool->finished, &job->node);
	return !given_up;
}

static void *pool_thread(void *userdata)
{
	struct worker *worker = userdata;
	struct queue_node *node;

	while ((node = queue_pop(&worker->pool->submitted)))
		if (!pool_run(worker, job_of_node(node)))
			break;
	atomic_store(&worker->ended, true);
	return NULL;
}

static void pool_join(struct worker *worker)
{
	if (worker->started)
		pthread_join(worker->thread, NULL);
	worker->started = false;
}

/* In a place where none is, or none any more. */
static int pool_start_worker(struct worker *worker)
{
	pthread_attr_t attributes;
	char name[16];

	pool_join(worker);
	if (worker->wake_fd < 0)
		worker->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker->wake_fd < 0)
		return -errno;
	atomic_store(&worker->ended, false);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, POOL_STACK_BYTES);
	int r = pthread_create(&worker->thread, &attributes, pool_thread, worker);
	pthread_attr_destroy(&attributes);
	if (r != 0)
		return -r;
	worker->started = true;
	snprintf(name, sizeof name, "worker-%u", (unsigned)(worker - worker->pool->workers));
	pthread_setname_np(worker->thread, name);
	return 0;
}

int pool_new(unsigned n_threads, struct queue *finished, struct pool **ret)
{
	unsigned n_workers = 2 * n_threads;
	struct pool *pool = calloc(1, sizeof *pool + n_workers * sizeof pool->workers[0]);

	if (!pool)
		return -ENOMEM;
	pool->finished = finished;
	pool->n_workers = n_workers;
	for (unsigned i = 0; i < n_workers; i++) {
		pool->workers[i].pool = pool;
		pool->workers[i].wake_fd = -1;
	}
	int r = queue_init(&pool->submitted, false);
	for (unsigned i = 0; r == 0 && i < n_threads; i++)
		r = pool_start_worker(&pool->workers[i]);
	if (r < 0) {
		pool_free(pool);
		return r;
	}
	*ret = pool;
	return 0;
}

struct pool *pool_free(struct pool *pool)
{
	if (!pool)
		return NULL;
	queue_close(&pool->submitted);
	for (unsigned i = 0; i < pool->n_workers; i++) {
		pool_join(&pool->workers[i]);
		closep(&pool->workers[i].wake_fd);
	}
	queue_done(&pool->submitted);
	free(pool);
	return NULL;
}

void pool_submit(struct pool *pool, struct queue_list *jobs)
{
	queue_push_list(&pool->submitted, jobs);
}

void pool_cancel(struct pool *pool, struct job *job, enum job_cancel reason)
{
	int go = JOB_GO;
	uint64_t one = 1;

	if (!atomic_compare_exchange_strong(&job->cancel, &go, reason))
		return;
	for (unsigned i = 0; i < pool->n_workers; i++) {
		if (atomic_load(&pool->workers[i].job) != job)
			continue;
		ssize_t n = write(pool->workers[i].wake_fd, &one, sizeof one);
		(void)n; /* a full counter wakes as well */
	}
}

static int pool_replace(struct pool *pool)
{
	for (unsigned i = 0; i < pool->n_workers; i++) {
		struct worker *worker = &pool->workers[i];
		if (!worker->started || atomic_load(&worker->ended))
			return pool_start_worker(worker);
	}
	return -EAGAIN;
}

int pool_give_up(struct pool *pool, struct job *job)
{
	for (unsigned i = 0; i < pool->n_workers; i++) {
		struct worker *worker = &pool->workers[i];
		struct job *expected = job;
		if (atomic_load(&worker->job) != job)
			continue;
		atomic_store(&worker->given_up, job);
		/* Unless it returned meanwhile without having seen that. */
		if (atomic_load(&worker->job) == job ||
			!atomic_compare_exchange_strong(&worker->given_up, &expected, NULL))
			return pool_replace(pool);
	}
	return -ESRCH;
}

static void pool_log_worker(unsigned number, const struct job *job)
{
	char ran[CLOCK_DURATION_MAX];

	if (!job) {
		log_info("slot %u: idle", number);
		return;
	}
	usec_t started_at = atomic_load(&job->started_at);
	usec_t run = started_at ? usec_sub(clock_boottime(), started_at) : 0;
	log_as_job(EVENT_NONE, LOG_INFO, job, "slot %u: job=%s type=%s attempt=%d runs for %s",
		number, job->id, job->type, job->attempt,
		clock_format_duration(run - run % USEC_PER_MSEC, ran));
}

void pool_log(const struct pool *pool)
{
	for (unsigned i = 0; i < pool->n_workers; i++) {
		const struct worker *worker = &pool->workers[i];
		if (worker->started && !atomic_load(&worker->ended))
			pool_log_worker(i, atomic_load(&worker->job));
	}
}

uint64_t pool_n_started(const struct pool *pool)
{
	return atomic_load(&pool->n_started);
}

uint64_t pool_n_finished(const struct pool *pool)
{
	return atomic_load(&pool->n_finished);
}

uint64_t pool_n_running(const struct pool *pool)
{
	/* In this order, in which what both begins and ends meanwhile makes it too few, and not
	 * less than none. */
	uint64_t n_started = pool_n_started(pool);
	uint64_t n_finished = pool_n_finished(pool);

	return n_started > n_finished ? n_started - n_finished : 0;
}

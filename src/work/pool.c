#include "work/pool.h"

#include <errno.h>
#include <stdio.h>
#include <sys/eventfd.h>

#include "base/log.h"
#include "handler/runner.h"

/* Handlers are given a comfortable stack; only the pages that they touch cost memory. */
#define POOL_STACK_BYTES (1u << 20)

struct worker {
	struct pool *pool;
	pthread_t thread;
	int wake_fd;
	_Atomic(struct job *) job; /* the one that runs, or NULL */
};

struct pool {
	struct queue submitted;
	struct queue *finished;
	unsigned n_workers;
	_Atomic(uint64_t) n_started;
	_Atomic(uint64_t) n_finished;
	struct worker workers[];
};

static void pool_run(struct worker *worker, struct job *job)
{
	struct pool *pool = worker->pool;

	/* In this order: whoever cancels sets the job's flag before it looks for the worker. */
	atomic_store(&worker->job, job);
	atomic_fetch_add(&pool->n_started, 1);
	runner_run(job, worker->wake_fd);
	atomic_store(&worker->job, NULL);
	atomic_fetch_add(&pool->n_finished, 1);
	queue_push(pool->finished, &job->node);
}

static void *pool_thread(void *userdata)
{
	struct worker *worker = userdata;
	struct queue_node *node;

	while ((node = queue_pop(&worker->pool->submitted)))
		pool_run(worker, job_of_node(node));
	return NULL;
}

static int pool_start_worker(struct pool *pool, struct worker *worker)
{
	pthread_attr_t attributes;
	char name[16];

	worker->pool = pool;
	worker->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker->wake_fd < 0)
		return -errno;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, POOL_STACK_BYTES);
	int r = pthread_create(&worker->thread, &attributes, pool_thread, worker);
	pthread_attr_destroy(&attributes);
	if (r != 0) {
		close(worker->wake_fd);
		return -r;
	}
	snprintf(name, sizeof name, "worker-%u", pool->n_workers);
	pthread_setname_np(worker->thread, name);
	pool->n_workers++;
	return 0;
}

int pool_new(unsigned n_threads, struct queue *finished, struct pool **ret)
{
	struct pool *pool = calloc(1, sizeof *pool + n_threads * sizeof pool->workers[0]);

	if (!pool)
		return -ENOMEM;
	pool->finished = finished;
	int r = queue_init(&pool->submitted, false);
	for (unsigned i = 0; r == 0 && i < n_threads; i++)
		r = pool_start_worker(pool, &pool->workers[i]);
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
		pthread_join(pool->workers[i].thread, NULL);
		close(pool->workers[i].wake_fd);
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

static void pool_log_worker(unsigned number, const struct job *job)
{
	char ran[CLOCK_DURATION_MAX];

	if (!job) {
		log_info("slot %u: idle", number);
		return;
	}
	usec_t run = usec_sub(clock_boottime(), atomic_load(&job->started_at));
	log_info("slot %u: job=%s type=%s attempt=%d runs for %s", number, job->id, job->type,
		job->attempt, clock_format_duration(run - run % USEC_PER_MSEC, ran));
}

void pool_log(const struct pool *pool)
{
	for (unsigned i = 0; i < pool->n_workers; i++)
		pool_log_worker(i, atomic_load(&pool->workers[i].job));
}

uint64_t pool_n_started(const struct pool *pool)
{
	return atomic_load(&pool->n_started);
}

uint64_t pool_n_finished(const struct pool *pool)
{
	return atomic_load(&pool->n_finished);
}

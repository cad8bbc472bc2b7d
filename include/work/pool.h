/*
 * N worker threads, each with one job in its hands.
 *
 * Owns the threads and the queue before them. A job that was run goes to the queue named at the
 * start. pool_submit() and pool_cancel() may be called from any thread, pool_give_up() only from
 * the one that frees jobs: a job that a worker has is not freed under it.
 */
#pragma once

#include <stdint.h>

#include "base/cleanup.h"
#include "base/queue.h"
#include "job/job.h"

struct pool;

/* finished is borrowed for the pool's life. 0 or a negative errno. */
int pool_new(unsigned n_threads, struct queue *finished, struct pool **ret);
/* Waits until everything submitted was run, which handlers that do not return never are. Returns
 * NULL. */
struct pool *pool_free(struct pool *pool);
DEFINE_CLEANUP(struct pool *, pool_free)

/* Takes all of the list's jobs, and empties it. */
void pool_submit(struct pool *pool, struct queue_list *jobs);

/*
 * Tells a job's handler to stop, wherever the job is: running, or still to come. The job must not
 * have come back yet. The first reason stays.
 */
void pool_cancel(struct pool *pool, struct job *job, enum job_cancel reason);

/*
 * The job's handler does not return: its thread is its alone from now on, and ends after it, and
 * the job is handed on as given_up then. Another thread is started in its place; at most N are
 * given up at a time so, further ones are only missing. 0; -ESRCH: the handler has returned, and
 * nothing is changed; otherwise it is given up, and no other thread could be started (-EAGAIN: that
 * many are).
 */
int pool_give_up(struct pool *pool, struct job *job);

/*
 * One line for each thread into the log: what it runs, and for how long. From the thread that frees
 * jobs, as pool_give_up().
 */
void pool_log(const struct pool *pool);

/* How many jobs were ever begun, and how many of those were handed on. */
uint64_t pool_n_started(const struct pool *pool);
uint64_t pool_n_finished(const struct pool *pool);
/* How many run now, those that were given up with them. */
uint64_t pool_n_running(const struct pool *pool);

/*
 * The job table's thread: begins, touches and finishes rows, all that waits in one transaction,
 * again and again.
 *
 * Owns: its thread, the database connection, and the claims of the jobs that were begun: while a
 * worker runs a job the ledger goes on touching its row every third of the visibility timeout.
 * A begun job goes on to the pool; every other comes back through the queue named at the start:
 *   ran, finished:   outcome COMPLETED, FAILED, TIMEOUT or ABANDONED, durably written; or LOST;
 *                    a handler that keeps its row has the last word on whether it completed
 *   not begun:       DUPLICATE, MISSING, REJECTED, ELSEWHERE (also when the row is locked, or it is
 *                    too late; retry_in says when to ask again), FAILED
 *                    (Postgres refused the values), LOST
 * While the database is away everything waits here, claims and results included, and goes on by
 * itself; the first transaction then touches all rows in hand. So it does, on a new connection,
 * when the clocks jumped. A job whose leases were both over before its row could be touched again
 * is told to stop, and its row left alone.
 *
 * Called from the loop thread, and never blocks it. Rows: see job/store.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/histogram.h"
#include "base/queue.h"
#include "job/store.h"
#include "work/pool.h"

struct ledger;

/* What the loop is told of the database, through ledger_news(); without memory it is not. */
struct ledger_news {
	struct queue_node node;
	char text[STORE_ERROR_MAX]; /* what is wrong, or "" */
};

/*
 * back is borrowed, has an eventfd, and is woken for news too. -EINVAL with one line in ret_error
 * when the URL is not one.
 */
int ledger_new(const char *database_url, struct queue *back, struct ledger **ret,
	char ret_error[STORE_ERROR_MAX]);
/*
 * Gives up what is going on and ends the thread; jobs that are in its hands stay where they are.
 * The pool may still hand jobs back, until ledger_free().
 */
void ledger_stop(struct ledger *ledger);
/* Returns NULL. */
struct ledger *ledger_free(struct ledger *ledger);
DEFINE_CLEANUP(struct ledger *, ledger_free)

/* Where the pool hands its jobs to. */
struct queue *ledger_finished(struct ledger *ledger);
/* Starts the thread; pool is borrowed. Terms must be set before the first begin. */
int ledger_start(struct ledger *ledger, struct pool *pool);

/* visibility: V; touches go on only where visibility can be extended as well. */
void ledger_set_terms(struct ledger *ledger, usec_t visibility, bool extendable);
/* At the next turn a new connection is used. -EINVAL as ledger_new(). */
int ledger_set_url(
	struct ledger *ledger, const char *database_url, char ret_error[STORE_ERROR_MAX]);

/* Takes the list's jobs to have their rows begun, and empties it. */
void ledger_begin(struct ledger *ledger, struct queue_list *jobs);

/* Whether the database answers; back is woken whenever that changes. */
bool ledger_is_up(const struct ledger *ledger);

/* Has the thread look at the clocks at once, for they jumped. */
void ledger_wake(struct ledger *ledger);

/* The oldest unread news, owned by the caller, who frees it; NULL: none. */
struct ledger_news *ledger_news(struct ledger *ledger);

/* Counters that only grow: turns that were made, turns in which rows were touched. */
uint64_t ledger_n_turns(const struct ledger *ledger);
uint64_t ledger_n_touches(const struct ledger *ledger);
/* How many rows each turn was about. Borrowed. */
extern const struct histogram_bounds ledger_batch_bounds;
const struct histogram *ledger_batches(const struct ledger *ledger);
/* CLOCK_MONOTONIC: when the thread last showed that it lives. */
usec_t ledger_seen_at(const struct ledger *ledger);

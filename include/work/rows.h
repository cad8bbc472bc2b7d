/*
 * The rows that the ledger has in hand: what it is to ask for next, and what each answer means.
 *
 * Owns: the lists of jobs that wait to be begun or finished, those whose rows were locked, and the
 * claims, which are the granted rows whose jobs may be anywhere. Knows nothing of connections: it
 * fills a store_turn, and settles it, or puts it back when there was no answer. Ledger thread only.
 */
#pragma once

#include <stdbool.h>

#include "base/queue.h"
#include "job/store.h"
#include "work/pool.h"

/* Rows of one kind in one transaction. */
#define ROWS_BATCH 1000

TAILQ_HEAD(claim_list, job);

struct rows {
	struct pool *pool;   /* borrowed: where begun jobs go */
	struct queue *back;  /* borrowed: where all others go */
	usec_t visibility;   /* V */
	bool extendable;     /* visibility is, so that touches go on */
	usec_t take_over_at; /* CLOCK_BOOTTIME: rows that look abandoned are left alone before */

	struct queue_list begins;
	struct queue_list finishes;
	struct queue_list locked; /* finishes that ask again later */
	usec_t locked_until;      /* CLOCK_BOOTTIME: the earliest of them */
	struct claim_list claims;
	usec_t touch_at; /* CLOCK_BOOTTIME: the earliest claim's */
	bool touch_all;  /* at the next turn, whatever is due */
	struct store_ask asks[STORE_N_STEPS][ROWS_BATCH];
};

void rows_init(struct rows *rows, struct pool *pool, struct queue *back);

/*
 * Takes what came: jobs that ran are to be finished, the others begun. A stand-in takes over the
 * claim of the job that was given up, which goes back as it is. Empties the list.
 */
void rows_take(struct rows *rows, struct queue_list *list);
/* Sends back what was told to stop before it was begun. */
void rows_return_stopped(struct rows *rows);

/* CLOCK_BOOTTIME: when there will be something to ask; 0: there is. */
usec_t rows_due_at(const struct rows *rows);
/* Moves what is due into turn->steps; fences are the store's. */
void rows_gather(struct rows *rows, struct store *store, struct store_turn *turn);

/* After STORE_OK. */
void rows_settle(struct rows *rows, struct store_turn *turn);
/* After STORE_AWAY: all of it will be asked again, as it was. */
void rows_put_back(struct rows *rows, struct store_turn *turn);
/* The turn's one row was refused: it ended as failed (written), or could not even be marked so. */
void rows_refused(struct rows *rows, struct job *job, bool written, const char *text);

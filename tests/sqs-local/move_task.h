/*
 * The tasks that bring dead letters back: each sends what is visible in its source queue anew, at
 * its pace, to its destination or to the queue that each message came from.
 *
 * Owns its tasks. Time is given from outside, as in local_queue, and what is due is done only in
 * move_tasks_settle(): whoever looks at a task or a queue settles first. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "rng.h"

#define MOVE_TASK_SHOWN_MAX 10 /* of one source; what is older is forgotten */

struct account;
struct local_queue;

enum move_status {
	MOVE_RUNNING,
	MOVE_CANCELLING, /* until the next message would have been moved */
	MOVE_CANCELLED,
	MOVE_COMPLETED,
	MOVE_FAILED,
};

struct move_task {
	TAILQ_ENTRY(move_task) next;
	char *source;        /* owns: ARN */
	char *destination;   /* owns: ARN; NULL: where each message came from */
	unsigned per_second; /* 0: all at once */
	enum move_status status;
	const char *failure; /* a constant; NULL: none */
	size_t n_to_move;    /* as counted at the start */
	size_t n_moved;
	usec_t started_at;
	char id[RNG_UUID_SIZE];
};

TAILQ_HEAD(move_task_list, move_task); /* the newest first */

/* Is a task of that source neither done nor failed? */
bool move_task_is_active(const struct account *account, const char *source);

/* There must be no active one. destination may be NULL. Copies; the task is borrowed. */
struct move_task *move_task_start(struct account *account, struct local_queue *source,
	const struct local_queue *destination, unsigned per_second, usec_t now);

/* Borrowed; NULL: none. */
struct move_task *move_task_find(const struct account *account, const char *source, const char *id);

/* Moves and ends what is due. */
void move_tasks_settle(struct account *account, usec_t now);
/* When there is something to settle next; USEC_INFINITY: never. */
usec_t move_tasks_next(const struct account *account);
void move_tasks_done(struct move_task_list *tasks);

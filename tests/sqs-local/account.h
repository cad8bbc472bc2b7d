/*
 * The account: its queues in one region, their clock and their chance. What one queue cannot know
 * alone is here: names, dead letter queues, how much a receive hands out.
 *
 * Owns the queues, and the tasks that move messages between them. One thread.
 */
#pragma once

#include "local_queue.h"
#include "move_task.h"

TAILQ_HEAD(queue_list, local_queue);

struct account_options {
	const char *region;
	const char *id;        /* 12 digits */
	bool full_batches;     /* a receive gives all it may */
	size_t in_flight_max;  /* of one queue */
	usec_t recreate_after; /* a deleted queue's name is free again after this */
	uint64_t seed;
};

struct account {
	struct account_options options; /* borrows its texts */
	struct queue_list queues;
	struct move_task_list move_tasks;
	struct waiter_list orphans; /* receives whose queue was deleted under them */
	struct slots slots;
	struct journal journal;
	struct rng rng;
	usec_t clock_offset; /* the account's clock shows CLOCK_BOOTTIME plus this */
	usec_t stopped_at;   /* CLOCK_BOOTTIME that it goes on showing; 0: it runs */
	json_t *deleted;     /* name -> when, for recreate_after */
};

void account_init(struct account *account, const struct account_options *options);
/* There must be no waiters. */
void account_done(struct account *account);

/* Wall-clock time as the queues know it: steady, unless a test moves or stops it. */
usec_t account_now(const struct account *account);
void account_advance(struct account *account, usec_t by);
/* Once it runs again it goes on from where it was stopped. */
void account_stop_clock(struct account *account, bool stop);

/* Borrowed; NULL: none. */
struct local_queue *account_find(const struct account *account, const char *name);
struct local_queue *account_find_arn(const struct account *account, const char *arn);

/* Does the redrive policy of a queue name it? */
bool account_takes_dead_letters(const struct account *account, const struct local_queue *queue);

/* What a queue of that name is called, or would be; returns owned. */
char *account_arn(const struct account *account, const char *name);

/* The name must be valid and free. Takes the settings; the queue is borrowed. */
struct local_queue *account_create(
	struct account *account, const char *name, struct settings *settings, usec_t now);
void account_delete(struct account *account, struct local_queue *queue, usec_t now);
/* Was a queue of this name deleted so recently that the name is not free? */
bool account_deleted_recently(const struct account *account, const char *name, usec_t now);

/* How many more messages of a queue may be in flight. */
size_t account_room(const struct account *account, const struct local_queue *queue);
/* Would a receive that is not a short poll take something now, or move it? Settle first. */
bool account_can_take(const struct account *account, const struct local_queue *queue);

/*
 * Takes up to n_wanted messages, moving to the dead letter queue what was received too often.
 * short_poll: may overlook what is there, as SQS then asks only some of its servers. Returns how
 * many; they are borrowed.
 */
struct take {
	struct local_queue *queue;
	unsigned n_wanted; /* 1 .. ACCOUNT_TAKE_MAX */
	usec_t visibility;
	bool short_poll;
};

#define ACCOUNT_TAKE_MAX      10
#define ACCOUNT_IN_FLIGHT_MAX 120000

unsigned account_take(struct account *account, const struct take *take,
	struct local_message *ret_messages[ACCOUNT_TAKE_MAX], usec_t now);

void account_wait(struct local_queue *queue, struct waiter *waiter);
/* Nothing happens if it waits for nothing. */
void account_unwait(struct waiter *waiter);

/*
 * The one way in which something passes from one thread to another, and the only lock that
 * threads share on the way of a job.
 *
 * A node lives inside what it carries, so a push cannot fail and costs no memory. Order is first
 * in, first out. Nothing is called while the lock is held. Who pushes gives the object away; who
 * takes has it alone.
 *
 * A receiver waits in one of two ways: in queue_pop(), on a condition (worker threads), or on the
 * eventfd from queue_fd(), beside other descriptors (the loop, the ledger). The eventfd is written
 * only when the queue was empty; queue_take_all() clears it.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "base/clock.h"

struct queue_node {
	struct queue_node *next;
};

/*
 * A plain list of nodes, not locked: what is built up to be pushed, or was taken, as one. It may
 * point into itself, so it is not copied.
 */
struct queue_list {
	struct queue_node *first;
	struct queue_node **last;
	unsigned n_nodes;
};

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	struct queue_list list;
	unsigned n_waiting;
	int fd;
	bool closed;
};

void queue_list_init(struct queue_list *list);
void queue_list_append(struct queue_list *list, struct queue_node *node);
/* NULL when empty. */
struct queue_node *queue_list_pop(struct queue_list *list);
/* All of from behind what is in to; empties from. */
void queue_list_move(struct queue_list *to, struct queue_list *from);

/* with_fd: the receiver waits on queue_fd(); otherwise in queue_pop(). 0 or a negative errno. */
int queue_init(struct queue *q, bool with_fd);
/* No other thread may be inside a call, or come to one. What is still in it is the caller's. */
void queue_done(struct queue *q);
int queue_fd(const struct queue *q);

void queue_push(struct queue *q, struct queue_node *node);
/* All of it at once, and empties list. */
void queue_push_list(struct queue *q, struct queue_list *list);
/* Makes the eventfd, which there must be, readable without pushing anything. */
void queue_wake(struct queue *q);

/* Everything that is there, possibly nothing; does not block. */
void queue_take_all(struct queue *q, struct queue_list *ret);

/* One node, or NULL; does not block. */
struct queue_node *queue_try_pop(struct queue *q);

/* Blocks until there is a node; NULL once the queue is closed and empty. */
struct queue_node *queue_pop(struct queue *q);
/* No pop blocks any more. */
void queue_close(struct queue *q);

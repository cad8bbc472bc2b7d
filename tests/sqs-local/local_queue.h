/*
 * One standard queue and its messages. Time is given from outside in every call (microseconds of
 * the account's clock), so that nothing here waits or looks at a clock.
 *
 * Owns its messages. Invariant: a message is in `by_age` and, by its state, either in `visible` or
 * in `hidden`; the three counts are the three states'. What falls due is noticed only in
 * local_queue_settle(): whoever reads or takes settles first. Every step is O(log n) or better.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "handle.h"
#include "heap.h"
#include "journal.h"
#include "rng.h"
#include "settings.h"
#include "slots.h"

#define LOCAL_QUEUE_NAME_MAX    80
#define LOCAL_QUEUE_HIDDEN_MAX  (12 * USEC_PER_HOUR)
#define LOCAL_QUEUE_PURGE_EVERY USEC_PER_MIN

enum message_state {
	MESSAGE_DELAYED,
	MESSAGE_VISIBLE,
	MESSAGE_IN_FLIGHT,
	MESSAGE_N_STATES,
};

struct local_message {
	TAILQ_ENTRY(local_message) by_age;
	TAILQ_ENTRY(local_message) visible;
	struct deadline hidden_until;
	struct local_queue *queue; /* borrows */
	const char *sender;        /* borrows */
	json_t *attributes;        /* owns: name -> {DataType, ...Value}, or NULL */
	json_t *system;            /* owns: system attributes that only some have, or NULL */
	uint64_t serial;
	uint64_t n_handles; /* handles given so far; only the newest has an effect */
	usec_t sent_at;
	usec_t first_received_at;
	usec_t received_at;
	enum message_state state;
	uint32_t slot;
	unsigned receive_count;
	char id[RNG_UUID_SIZE];
	unsigned char md5[16];
	size_t body_len;
	char body[];
};

TAILQ_HEAD(message_list, local_message);

/* A receive that waits for a message; lives inside what waits. */
struct waiter {
	TAILQ_ENTRY(waiter) next;
	struct waiter_list *list; /* that it is in; NULL: in none */
};

TAILQ_HEAD(waiter_list, waiter);

struct queue_counts {
	uint64_t sent;
	uint64_t received;
	uint64_t deleted;
	uint64_t deleted_stale; /* deletes that had no effect */
	uint64_t dead_lettered; /* moved from here */
	uint64_t expired;
};

struct local_queue {
	TAILQ_ENTRY(local_queue) others;
	struct waiter_list waiters;
	struct message_list by_age; /* ascending sent_at */
	struct message_list visible;
	struct heap hidden;
	size_t n_in[MESSAGE_N_STATES];
	struct queue_counts counts;
	struct settings settings; /* owns */
	struct slots *slots;      /* borrows */
	uint32_t serial;
	usec_t created_at;
	usec_t modified_at;
	usec_t purged_at; /* 0: never */
	json_t *tags;     /* owns: name -> value */
	char name[LOCAL_QUEUE_NAME_MAX + 1];
	char *arn;               /* owns; given by the account, as the next */
	struct journal *journal; /* borrows */
};

/* What a new message is made of. Takes both objects; borrows the rest, the sender for ever. */
struct draft {
	const char *body;
	size_t body_len;
	json_t *attributes;
	json_t *system;
	const char *sender;
	usec_t delay;
};

/* name has been checked. Takes the settings; borrows slots; returns owned. */
struct local_queue *local_queue_new(
	const char *name, struct settings *settings, struct slots *slots, usec_t now);
/* Frees its messages; there must be no waiters. Returns NULL. */
struct local_queue *local_queue_free(struct local_queue *queue);

/* Returns the message, borrowed. */
struct local_message *local_queue_send(
	struct local_queue *queue, const struct draft *draft, struct rng *rng, usec_t now);

/* Sends a message's body and attributes anew, to any queue: with an id, an age, a count of its own.
 */
void local_queue_copy(
	const struct local_message *message, struct local_queue *to, struct rng *rng, usec_t now);

/* Ends delays and visibility timeouts that are over, drops what is older than the retention. */
void local_queue_settle(struct local_queue *queue, usec_t now);

/* Hands out a visible message: counts the receive and hides it. */
void local_queue_take(
	struct local_queue *queue, struct local_message *message, usec_t visibility, usec_t now);

/* The handle of a message's newest receive. */
void local_queue_handle(const struct local_message *message, char ret[HANDLE_SIZE]);

/* The message that a handle of this queue still has power over, borrowed; NULL: stale. */
struct local_message *local_queue_find(struct local_queue *queue, const struct handle *handle);

/* Hides a message until then, however it is now; not after now: visible at once. */
void local_queue_hide(struct local_message *message, usec_t until, usec_t now);

/* Moves a visible message to another queue, where it is visible with the age it has. */
void local_queue_move(struct local_message *message, struct local_queue *to);

void local_queue_delete(struct local_message *message);
void local_queue_purge(struct local_queue *queue);

/* When something falls due next; USEC_INFINITY: never. */
usec_t local_queue_next(const struct local_queue *queue);

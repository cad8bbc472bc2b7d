/*
 * The heart: decides what is received, begun, run, deleted, left or given back. Start reading here.
 *
 *     intake --messages--> dispatcher --begin--> ledger --run--> pool --finish--> ledger --> back
 *                               |--> lease keeps what is in hand, waiting what may not begin yet,
 *                               |    overdue what a handler does not return
 *                               '--> departure lets out what is settled; acker ends its messages
 *
 * Every event of the loop ends in dispatcher_pump(), which does what may be done now: begins jobs
 * that will start soon, and asks the queue for as many messages as there is use for.
 *
 * Owns: all of these, report and stop, and all jobs and messages in hand. Loop thread only; never
 * blocks, but for dispatcher_free(), which waits for handlers.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "aws/sqs.h"
#include "base/cleanup.h"
#include "base/histogram.h"
#include "handler/registry.h"
#include "job/store.h"
#include "work/credits.h"
#include "work/lease.h"
#include "work/trouble.h"

/* What a reload may change. */
struct dispatcher_limits {
	struct credits_limits in_hand;
	usec_t drain_timeout;
	unsigned completed_per_second;
	bool dead_letters; /* what fails for good goes to the dead letter queue at once */
};

struct dispatcher_options {
	struct dispatcher_limits limits;
	const char *database_url;
	unsigned concurrency;
	usec_t wait_time;
	unsigned max_polls;
	struct trouble_causes *causes; /* of what is wrong with the queue; borrowed */
};

struct dispatcher_events {
	/* The queue gave nothing, and nothing is in hand. */
	void (*empty)(void *userdata);
	/* After dispatcher_drain(): all is settled, or (false) left to its leases. */
	void (*drained)(void *userdata, bool clean);
	/* More handlers do not return than can be replaced: a restart is due. */
	void (*exhausted)(void *userdata);
	/* What dispatcher_status() says has changed. */
	void (*changed)(void *userdata);
	void *userdata;
};

struct dispatcher;

/* Borrows event, sqs and registry. -EINVAL with ret_error when the database URL is not one. */
int dispatcher_new(sd_event *event, struct sqs *sqs, struct registry *registry,
	const struct dispatcher_options *options, const struct dispatcher_events *events,
	struct dispatcher **ret, char ret_error[STORE_ERROR_MAX]);
/* Returns NULL. */
struct dispatcher *dispatcher_free(struct dispatcher *dispatcher);
DEFINE_CLEANUP(struct dispatcher *, dispatcher_free)

/*
 * V, and whether it can be extended; nothing is received before this. asked: V is to be asked for
 * in each receive, for it is not the queue's own.
 */
void dispatcher_set_terms(
	struct dispatcher *dispatcher, const struct lease_terms *terms, bool asked);

/*
 * The URL of the dead letter queue, copied; NULL: there is none. max_receives: after so many the
 * queue moves a message there; 0: never. 0 or -ENOMEM.
 */
int dispatcher_set_dead_letters(
	struct dispatcher *dispatcher, const char *queue_url, unsigned max_receives);

void dispatcher_set_limits(struct dispatcher *dispatcher, const struct dispatcher_limits *limits);
int dispatcher_set_database_url(
	struct dispatcher *dispatcher, const char *database_url, char ret_error[STORE_ERROR_MAX]);
/* The registry's entries have. */
void dispatcher_types_changed(struct dispatcher *dispatcher);

/* The clocks jumped: all leases are proven again. */
void dispatcher_prove(struct dispatcher *dispatcher);

/* No new message; ends in events.drained. */
void dispatcher_drain(struct dispatcher *dispatcher);
/* For an end before that: what is in hand and left, into the log. */
void dispatcher_say_left(const struct dispatcher *dispatcher);

/* What each thread runs, into the log. */
void dispatcher_log_slots(const struct dispatcher *dispatcher);

struct dispatcher_status {
	unsigned n_threads, n_busy;
	unsigned n_overdue; /* handlers that were given up and have not returned */
	unsigned n_in_hand;
	uint64_t n_completed, n_failed;
	usec_t oldest_poll;    /* CLOCK_MONOTONIC; 0: none is out */
	usec_t answered_at;    /* CLOCK_MONOTONIC: when the queue last answered a poll well */
	usec_t ledger_seen_at; /* CLOCK_MONOTONIC */
	uint64_t progress;     /* grows with whatever is settled */
	bool database_up;
	const char *database_trouble; /* these are borrowed, and "" when there is none */
	const char *queue_trouble;
	const char *dead_letter_trouble; /* keeps only copies from being sent */
};
void dispatcher_status(const struct dispatcher *dispatcher, struct dispatcher_status *ret);
/* The ledger's, borrowed. */
const struct histogram *dispatcher_batches(const struct dispatcher *dispatcher);

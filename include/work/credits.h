/*
 * How many jobs may be begun, and how many messages asked for. Pure; one thread.
 *
 * Messages: idle threads, and what the threads get to at their pace, within what may be in hand.
 * Rows: twice what the threads began during the ledger's last turn, for a received message costs
 * nothing but its visibility, while a begun one has an attempt on its row.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "work/pace.h"

/* What may be in hand. */
struct credits_limits {
	usec_t prefetch_time;
	unsigned prefetch_max; /* messages */
	size_t memory;         /* bytes of their bodies */
};

struct credits {
	unsigned n_threads;
	struct credits_limits limits;
	struct pace ahead;
	unsigned begin_allowance;
	uint64_t n_turns, n_started; /* as last seen */
};

/* What is in hand. */
struct credits_use {
	uint64_t n_holds;       /* jobs, whatever their state */
	uint64_t n_need_thread; /* those that have still to run, or do */
	uint64_t n_asked;       /* messages that polls may still bring */
	uint64_t n_undeleted;   /* messages of completed jobs */
	uint64_t n_bodies;      /* in memory, whatever they are kept for */
	size_t body_bytes;      /* theirs */
	uint64_t n_started;     /* jobs that were ever begun to run */
	bool ahead;             /* fetching ahead is allowed */
};

void credits_init(struct credits *credits, unsigned n_threads, const struct credits_limits *limits);

/* Jobs that may be begun and not running yet. n_turns counts the ledger's. */
unsigned credits_begin(struct credits *credits, uint64_t n_turns, uint64_t n_started);

/* Messages that may be asked for beyond those that are. now: CLOCK_MONOTONIC. */
unsigned credits_receive(struct credits *credits, const struct credits_use *use, usec_t now);

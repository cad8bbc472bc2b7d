/*
 * What the ledger consists of. For work/ledger, which is its thread and what the loop asks of it,
 * and work/ledger_turn, which is one turn; nobody else includes it.
 */
#pragma once

#include "base/jump.h"
#include "work/ledger.h"
#include "work/outage.h"
#include "work/rows.h"

struct ledger {
	pthread_t thread;
	bool started;
	struct queue inbox;
	struct queue *back;
	struct queue news;

	/* Written by the loop. */
	_Atomic(bool) stopping;
	_Atomic(usec_t) visibility;
	_Atomic(bool) extendable;
	_Atomic(struct store *) next_store;
	/* Written by the thread. */
	_Atomic(uint64_t) n_turns;
	_Atomic(uint64_t) n_touches;
	struct histogram batches;
	_Atomic(usec_t) seen_at;

	/* The thread's own. */
	struct store *store;
	struct outage outage;
	struct jump clocks; /* as last seen */
	struct rows rows;
};

/* One transaction with all that is due, or several if Postgres refuses some of it. */
void ledger_turn(struct ledger *ledger);

/* There is no connection, or none any more. */
void ledger_away(struct ledger *ledger);

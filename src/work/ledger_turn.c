#include "work/ledger_parts.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "work/lease.h"

static void ledger_run(struct ledger *ledger, struct store_turn *turn);

static size_t ledger_n_asks(const struct store_turn *turn)
{
	size_t n_asks = 0;

	for (enum store_step step = 0; step < STORE_N_STEPS; step++)
		n_asks += turn->steps[step].n_asks;
	return n_asks;
}

/* The one row that Postgres refuses ends as failed, with what Postgres says. */
static void ledger_refuse(struct ledger *ledger, struct store_turn *turn, enum store_step step)
{
	struct store_ask *ask = &turn->steps[step].asks[0];
	char text[STORE_ERROR_MAX];

	if (step == STORE_TOUCH) {
		ask->verdict = STORE_LOCKED;
		rows_settle(&ledger->rows, turn);
		return;
	}
	snprintf(text, sizeof text, "%s", store_error(ledger->store));
	outage_asked(&ledger->outage);
	enum store_result result = store_refuse(ledger->store, ask, text);
	outage_answered(&ledger->outage);
	if (result == STORE_AWAY) {
		rows_put_back(&ledger->rows, turn);
		ledger_away(ledger);
		return;
	}
	outage_heard(&ledger->outage);
	if (result == STORE_OK && step == STORE_FINISH && ask->job->keeps_row) {
		rows_settle(&ledger->rows, turn);
		return;
	}
	bool written = result == STORE_OK && ask->verdict == STORE_WRITTEN;
	if (!written)
		log_as_job(EVENT_NONE, LOG_ERR, ask->job,
			"job=%s: %s; its row could not be marked as failed", ask->job->id, text);
	rows_refused(&ledger->rows, ask->job, written, text);
}

/* Postgres refuses some value in here: halve until it stands alone; the others commit. */
static void ledger_split(struct ledger *ledger, const struct store_turn *turn, size_t n_asks)
{
	for (enum store_step step = 0; step < STORE_N_STEPS; step++) {
		struct store_asks whole = turn->steps[step];
		size_t n_first = whole.n_asks < n_asks ? whole.n_asks : whole.n_asks / 2;
		struct store_turn part = *turn;

		memset(part.steps, 0, sizeof part.steps);
		part.steps[step] = (struct store_asks){whole.asks, n_first};
		ledger_run(ledger, &part);
		part.steps[step] =
			(struct store_asks){whole.asks + n_first, whole.n_asks - n_first};
		ledger_run(ledger, &part);
	}
}

static void ledger_refused(struct ledger *ledger, struct store_turn *turn)
{
	size_t n_asks = ledger_n_asks(turn);

	if (n_asks > 1) {
		ledger_split(ledger, turn, n_asks);
		return;
	}
	for (enum store_step step = 0; step < STORE_N_STEPS; step++)
		if (turn->steps[step].n_asks == 1)
			ledger_refuse(ledger, turn, step);
}

/* The loop is woken for the counters too, when no job comes back. */
static void ledger_count(struct ledger *ledger, const struct store_turn *turn)
{
	atomic_fetch_add(&ledger->n_turns, 1);
	histogram_observe(&ledger->batches, &ledger_batch_bounds, ledger_n_asks(turn));
	if (turn->steps[STORE_TOUCH].n_asks > 0)
		atomic_fetch_add(&ledger->n_touches, 1);
	queue_wake(ledger->back);
}

/* Sees the turn to its end, whatever that is: every job in it is somewhere else afterwards. */
static void ledger_run(struct ledger *ledger, struct store_turn *turn)
{
	if (ledger_n_asks(turn) == 0)
		return;
	if (!store_is_connected(ledger->store)) {
		rows_put_back(&ledger->rows, turn);
		return;
	}
	ledger->rows.take_over_at = outage_take_over_at(&ledger->outage);
	turn->may_take_over = clock_boottime() >= ledger->rows.take_over_at;
	outage_asked(&ledger->outage);
	enum store_result result = store_turn(ledger->store, turn);
	outage_answered(&ledger->outage);
	switch (result) {
	case STORE_OK:
		outage_success(&ledger->outage, turn->sent_at);
		rows_settle(&ledger->rows, turn);
		ledger_count(ledger, turn);
		return;
	case STORE_AWAY:
		rows_put_back(&ledger->rows, turn);
		ledger_away(ledger);
		return;
	case STORE_REFUSED:
		outage_heard(&ledger->outage);
		ledger_refused(ledger, turn);
		return;
	}
}

void ledger_turn(struct ledger *ledger)
{
	struct store_turn turn = {
		.lease = lease_row(ledger->rows.visibility),
		.statement_timeout = outage_patience(&ledger->outage),
	};

	rows_gather(&ledger->rows, ledger->store, &turn);
	/* It lets us in, and there is nothing to ask it for. */
	if (ledger_n_asks(&turn) == 0 && !outage_is_up(&ledger->outage))
		outage_heard(&ledger->outage);
	ledger_run(ledger, &turn);
}

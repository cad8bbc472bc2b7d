#include "work/ledger.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/backoff.h"
#include "base/jump.h"
#include "base/log.h"
#include "work/rows.h"
#include "work/trouble.h"

/* Unanswered for that long, the database counts as away. */
#define LEDGER_OVERDUE USEC_PER_SEC
static const char overdue_text[] = "the database has not answered for a second; look at its load, "
				   "at locks and at the pooler";

/* What V is taken for until the queue was asked. */
#define VISIBILITY_UNKNOWN (30 * USEC_PER_SEC)

/* How long an idle ledger sleeps before it shows that it lives. */
#define LEDGER_IDLE (15 * USEC_PER_SEC)

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
	_Atomic(bool) up;

	/* The thread's own. */
	struct store *store;
	struct trouble trouble;
	struct backoff pause;
	usec_t connect_at;  /* CLOCK_MONOTONIC */
	usec_t asked_at;    /* CLOCK_MONOTONIC; 0: nothing is unanswered */
	usec_t success_at;  /* CLOCK_BOOTTIME: the last transaction; 0: none */
	struct jump clocks; /* as last seen */
	struct rows rows;
};

/* ---- From the loop ---- */

static int ledger_tick(void *userdata);

static int ledger_make_store(
	struct ledger *ledger, const char *url, struct store **ret, char ret_error[STORE_ERROR_MAX])
{
	struct store_options options = {.url = url, .tick = ledger_tick, .userdata = ledger};

	return store_new(&options, ret, ret_error);
}

int ledger_new(const char *database_url, struct queue *back, struct ledger **ret,
	char ret_error[STORE_ERROR_MAX])
{
	_cleanup_(ledger_freep) struct ledger *ledger = calloc(1, sizeof *ledger);

	if (!ledger)
		return -ENOMEM;
	ledger->back = back;
	ledger->trouble =
		(struct trouble){.away = EVENT_DATABASE_AWAY, .back = EVENT_DATABASE_BACK};
	ledger->pause = (struct backoff){.base = 100 * USEC_PER_MSEC};
	atomic_store(&ledger->seen_at, clock_monotonic());
	int r = queue_init(&ledger->news, false);
	if (r == 0)
		r = queue_init(&ledger->inbox, true);
	if (r == 0)
		r = ledger_make_store(ledger, database_url, &ledger->store, ret_error);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(ledger);
	return 0;
}

void ledger_stop(struct ledger *ledger)
{
	if (!ledger || !ledger->started)
		return;
	atomic_store(&ledger->stopping, true);
	queue_wake(&ledger->inbox);
	pthread_join(ledger->thread, NULL);
	ledger->started = false;
}

struct ledger *ledger_free(struct ledger *ledger)
{
	struct ledger_news *news;

	if (!ledger)
		return NULL;
	ledger_stop(ledger);
	while ((news = ledger_news(ledger)))
		free(news);
	store_free(atomic_load(&ledger->next_store));
	store_free(ledger->store);
	queue_done(&ledger->news);
	queue_done(&ledger->inbox);
	free(ledger);
	return NULL;
}

struct queue *ledger_finished(struct ledger *ledger)
{
	return &ledger->inbox;
}

void ledger_set_terms(struct ledger *ledger, usec_t visibility, bool extendable)
{
	atomic_store(&ledger->visibility, visibility);
	atomic_store(&ledger->extendable, extendable);
}

int ledger_set_url(struct ledger *ledger, const char *database_url, char ret_error[STORE_ERROR_MAX])
{
	struct store *store;

	int r = ledger_make_store(ledger, database_url, &store, ret_error);
	if (r < 0)
		return r;
	store_free(atomic_exchange(&ledger->next_store, store));
	queue_wake(&ledger->inbox);
	return 0;
}

void ledger_begin(struct ledger *ledger, struct queue_list *jobs)
{
	queue_push_list(&ledger->inbox, jobs);
}

bool ledger_is_up(const struct ledger *ledger)
{
	return atomic_load(&ledger->up);
}

void ledger_wake(struct ledger *ledger)
{
	queue_wake(&ledger->inbox);
}

struct ledger_news *ledger_news(struct ledger *ledger)
{
	struct queue_node *node = queue_try_pop(&ledger->news);

	return node ? container_of(node, struct ledger_news, node) : NULL;
}

uint64_t ledger_n_turns(const struct ledger *ledger)
{
	return atomic_load(&ledger->n_turns);
}

static const uint64_t batch_bounds[] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000};
const struct histogram_bounds ledger_batch_bounds = {
	batch_bounds, sizeof batch_bounds / sizeof batch_bounds[0]};

const struct histogram *ledger_batches(const struct ledger *ledger)
{
	return &ledger->batches;
}

uint64_t ledger_n_touches(const struct ledger *ledger)
{
	return atomic_load(&ledger->n_touches);
}

usec_t ledger_seen_at(const struct ledger *ledger)
{
	return atomic_load(&ledger->seen_at);
}

/* ---- Up and away ---- */

/* Only the words need memory: who sees the change without them hears of them soon. */
static void ledger_tell(struct ledger *ledger, bool up, const char *text)
{
	struct ledger_news *news = calloc(1, sizeof *news);

	atomic_store(&ledger->up, up);
	if (news) {
		snprintf(news->text, sizeof news->text, "%s", text);
		queue_push(&ledger->news, &news->node);
	}
	queue_wake(ledger->back);
}

/* While the store waits: shows that the thread lives, and that an answer is overdue. */
static int ledger_tick(void *userdata)
{
	struct ledger *ledger = userdata;
	usec_t now = clock_monotonic();

	atomic_store(&ledger->seen_at, now);
	if (ledger_is_up(ledger) && ledger->asked_at > 0 &&
		now - ledger->asked_at >= LEDGER_OVERDUE) {
		trouble_report(&ledger->trouble, overdue_text);
		ledger_tell(ledger, false, overdue_text);
	}
	return atomic_load(&ledger->stopping) ? -ECANCELED : 0;
}

static usec_t ledger_third(const struct ledger *ledger)
{
	usec_t visibility = atomic_load(&ledger->visibility);

	return (visibility > 0 ? visibility : VISIBILITY_UNKNOWN) / 3;
}

/* How long a statement, and so a probe, may take. */
static usec_t ledger_patience(const struct ledger *ledger)
{
	return usec_min(5 * USEC_PER_SEC, ledger_third(ledger) / 2);
}

/* How long rows that look abandoned are left alone. */
static usec_t ledger_hold_off(const struct ledger *ledger)
{
	return usec_min(10 * USEC_PER_SEC, ledger_third(ledger));
}

/*
 * After an outage, or a time in which there may have been one, rows that look abandoned may only
 * be untouched, as ours are: their owners get time to touch them.
 */
static bool ledger_may_take_over(struct ledger *ledger)
{
	usec_t now = clock_boottime(), third = ledger_third(ledger);
	/* Idle is not away: what has been waited for once counts as seen. */
	usec_t seen_at = usec_max(ledger->success_at, ledger->rows.take_over_at);

	if (ledger->success_at == 0 || usec_sub(now, seen_at) > third)
		ledger->rows.take_over_at = now + ledger_hold_off(ledger);
	return now >= ledger->rows.take_over_at;
}

static void ledger_away(struct ledger *ledger)
{
	if (atomic_load(&ledger->stopping))
		return;
	ledger->success_at = 0;
	ledger->pause.cap = ledger_patience(ledger);
	ledger->connect_at = clock_monotonic() + backoff_next(&ledger->pause);
	trouble_report(&ledger->trouble, store_error(ledger->store));
	ledger_tell(ledger, false, store_error(ledger->store));
}

/* It answers; even a refusal is an answer. */
static void ledger_heard(struct ledger *ledger)
{
	backoff_reset(&ledger->pause);
	trouble_end(&ledger->trouble, "the job table");
	if (!ledger_is_up(ledger))
		ledger_tell(ledger, true, "");
}

static void ledger_success(struct ledger *ledger, usec_t sent_at)
{
	ledger->success_at = sent_at;
	ledger_heard(ledger);
}

/* What the turn that follows makes of it decides whether the database counts as up. */
static void ledger_connect(struct ledger *ledger)
{
	bool first = ledger->success_at == 0 && ledger->trouble.since == 0;

	ledger->asked_at = clock_monotonic();
	enum store_result result = store_connect(ledger->store, ledger_patience(ledger));
	ledger->asked_at = 0;
	if (result != STORE_OK) {
		ledger_away(ledger);
		return;
	}
	usec_t now = clock_boottime();
	if (!first) /* others could not touch their rows either */
		ledger->rows.take_over_at = now + ledger_hold_off(ledger);
	ledger->rows.touch_all = true;
	ledger->success_at = now;
}

static void ledger_change_store(struct ledger *ledger)
{
	struct store *next = atomic_exchange(&ledger->next_store, NULL);

	if (!next)
		return;
	store_free(ledger->store);
	ledger->store = next;
	ledger->connect_at = 0;
}

/* ---- The turn ---- */

static void ledger_run(struct ledger *ledger, struct store_turn *turn);

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
	enum store_result result = store_refuse(ledger->store, ask, text);
	if (result == STORE_AWAY) {
		rows_put_back(&ledger->rows, turn);
		ledger_away(ledger);
		return;
	}
	ledger_heard(ledger);
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

static size_t ledger_n_asks(const struct store_turn *turn)
{
	size_t n_asks = 0;

	for (enum store_step step = 0; step < STORE_N_STEPS; step++)
		n_asks += turn->steps[step].n_asks;
	return n_asks;
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
	turn->may_take_over = ledger_may_take_over(ledger);
	ledger->asked_at = clock_monotonic();
	enum store_result result = store_turn(ledger->store, turn);
	ledger->asked_at = 0;
	switch (result) {
	case STORE_OK:
		ledger_success(ledger, turn->sent_at);
		rows_settle(&ledger->rows, turn);
		ledger_count(ledger, turn);
		return;
	case STORE_AWAY:
		rows_put_back(&ledger->rows, turn);
		ledger_away(ledger);
		return;
	case STORE_REFUSED:
		ledger_heard(ledger);
		ledger_refused(ledger, turn);
		return;
	}
}

static void ledger_turn(struct ledger *ledger)
{
	struct store_turn turn = {
		.lease = ledger->rows.visibility / 4 * 3,
		.statement_timeout = ledger_patience(ledger),
	};

	rows_gather(&ledger->rows, ledger->store, &turn);
	if (ledger_n_asks(&turn) == 0 && !ledger_is_up(ledger))
		ledger_heard(ledger); /* it lets us in, and there is nothing to ask it for */
	ledger_run(ledger, &turn);
}

/* ---- The thread ---- */

/* How long nothing will be due, in milliseconds for poll(). */
static int ledger_sleep(const struct ledger *ledger)
{
	usec_t now = clock_boottime(), sleep = LEDGER_IDLE;

	if (!store_is_connected(ledger->store)) {
		usec_t pause = usec_sub(ledger->connect_at, clock_monotonic());
		sleep = usec_min(pause, USEC_PER_SEC);
	} else {
		sleep = usec_min(sleep, usec_sub(rows_due_at(&ledger->rows), now));
	}
	return (int)((sleep + USEC_PER_MSEC - 1) / USEC_PER_MSEC);
}

/* The connection may be dead without a word, and the database's time is not what it seemed. */
static void ledger_look_at_clocks(struct ledger *ledger)
{
	struct jump moved;

	if (!jump_look(&ledger->clocks, &moved))
		return;
	store_disconnect(ledger->store);
	ledger->connect_at = 0;
}

/* The other side may hang up while nothing is asked. */
static void ledger_watch(struct ledger *ledger)
{
	if (store_check(ledger->store) != STORE_OK)
		ledger_away(ledger);
}

/* As the loop last said. */
static void ledger_take_terms(struct ledger *ledger)
{
	ledger->rows.visibility = atomic_load(&ledger->visibility);
	ledger->rows.extendable = atomic_load(&ledger->extendable);
}

static void *ledger_thread(void *userdata)
{
	struct ledger *ledger = userdata;

	while (!atomic_load(&ledger->stopping)) {
		struct pollfd p[] = {
			{.fd = queue_fd(&ledger->inbox), .events = POLLIN},
			{.fd = store_fd(ledger->store), .events = POLLIN},
		};
		struct queue_list came;

		int r = poll(p, 2, ledger_sleep(ledger));
		atomic_store(&ledger->seen_at, clock_monotonic());
		ledger_look_at_clocks(ledger);
		ledger_change_store(ledger);
		if (r > 0 && p[1].revents && p[1].fd == store_fd(ledger->store))
			ledger_watch(ledger);
		queue_take_all(&ledger->inbox, &came);
		ledger_take_terms(ledger);
		rows_take(&ledger->rows, &came);
		rows_return_stopped(&ledger->rows);
		if (!store_is_connected(ledger->store) && clock_monotonic() >= ledger->connect_at)
			ledger_connect(ledger);
		if (store_is_connected(ledger->store))
			ledger_turn(ledger);
	}
	return NULL;
}

int ledger_start(struct ledger *ledger, struct pool *pool)
{
	rows_init(&ledger->rows, pool, ledger->back);
	jump_init(&ledger->clocks);
	int r = pthread_create(&ledger->thread, NULL, ledger_thread, ledger);
	if (r != 0)
		return -r;
	pthread_setname_np(ledger->thread, "ledger");
	ledger->started = true;
	return 0;
}

#include "work/ledger.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/backoff.h"
#include "base/log.h"
#include "work/trouble.h"

/* Rows of one kind in one transaction. */
#define LEDGER_BATCH 1000

/* Unanswered for that long, the database counts as away. */
#define LEDGER_OVERDUE USEC_PER_SEC

/* How long an idle ledger sleeps before it shows that it lives. */
#define LEDGER_IDLE (15 * USEC_PER_SEC)

#define LOCKED_PAUSE_MIN (50 * USEC_PER_MSEC)
#define LOCKED_PAUSE_MAX (5 * USEC_PER_SEC)

TAILQ_HEAD(claim_list, job);

struct ledger {
	pthread_t thread;
	bool started;
	struct pool *pool;
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
	_Atomic(usec_t) seen_at;

	/* The thread's own. */
	struct store *store;
	bool up;
	struct trouble trouble;
	struct backoff pause;
	usec_t connect_at;   /* CLOCK_MONOTONIC */
	usec_t asked_at;     /* CLOCK_MONOTONIC; 0: nothing is unanswered */
	usec_t success_at;   /* CLOCK_BOOTTIME: the last transaction; 0: none */
	usec_t take_over_at; /* CLOCK_BOOTTIME: not before, others could not touch either */
	bool touch_all;
	usec_t touch_at; /* CLOCK_BOOTTIME: the earliest claim's */
	struct claim_list claims;
	struct queue_list begins;
	struct queue_list finishes;
	struct queue_list locked; /* begins and finishes that ask again later */
	usec_t locked_until;      /* CLOCK_BOOTTIME: the earliest of them */
	struct store_ask asks[STORE_N_STEPS][LEDGER_BATCH];
};

/* --- from the loop ------------------------------------------------------------------------- */

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
	ledger->pause = (struct backoff){.base = 100 * USEC_PER_MSEC};
	ledger->touch_at = ledger->locked_until = USEC_INFINITY;
	TAILQ_INIT(&ledger->claims);
	queue_list_init(&ledger->begins);
	queue_list_init(&ledger->finishes);
	queue_list_init(&ledger->locked);
	atomic_store(&ledger->seen_at, clock_monotonic());
	int r = queue_init(&ledger->inbox, true);
	if (r == 0)
		r = queue_init(&ledger->news, false);
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

struct ledger_news *ledger_news(struct ledger *ledger)
{
	struct queue_node *node = queue_try_pop(&ledger->news);

	return node ? container_of(node, struct ledger_news, node) : NULL;
}

uint64_t ledger_n_turns(const struct ledger *ledger)
{
	return atomic_load(&ledger->n_turns);
}

uint64_t ledger_n_touches(const struct ledger *ledger)
{
	return atomic_load(&ledger->n_touches);
}

usec_t ledger_seen_at(const struct ledger *ledger)
{
	return atomic_load(&ledger->seen_at);
}

/* --- up and away --------------------------------------------------------------------------- */

/* Without memory the loop learns of it at the next change; nothing else depends on it. */
static void ledger_tell(struct ledger *ledger, bool up, const char *text)
{
	struct ledger_news *news = calloc(1, sizeof *news);

	ledger->up = up;
	if (!news)
		return;
	news->up = up;
	snprintf(news->text, sizeof news->text, "%s", text);
	queue_push(&ledger->news, &news->node);
	queue_wake(ledger->back);
}

/* While the store waits: shows that the thread lives, and that an answer is overdue. */
static int ledger_tick(void *userdata)
{
	struct ledger *ledger = userdata;
	usec_t now = clock_monotonic();

	atomic_store(&ledger->seen_at, now);
	if (ledger->up && ledger->asked_at > 0 && now - ledger->asked_at >= LEDGER_OVERDUE)
		ledger_tell(ledger, false, "the database has not answered for a second");
	return atomic_load(&ledger->stopping) ? -ECANCELED : 0;
}

static usec_t ledger_third(const struct ledger *ledger)
{
	return usec_max(atomic_load(&ledger->visibility), 4 * USEC_PER_SEC) / 3;
}

/* How long a statement, and so a probe, may take. */
static usec_t ledger_patience(const struct ledger *ledger)
{
	return usec_min(5 * USEC_PER_SEC, ledger_third(ledger) / 2);
}

/*
 * After an outage, or a time in which there may have been one, rows that look abandoned may only
 * be untouched, as ours are: their owners get time to touch them.
 */
static bool ledger_may_take_over(struct ledger *ledger)
{
	usec_t now = clock_boottime(), third = ledger_third(ledger);

	if (ledger->success_at == 0 || now - ledger->success_at > third)
		ledger->take_over_at = now + usec_min(10 * USEC_PER_SEC, third);
	return now >= ledger->take_over_at;
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

static void ledger_success(struct ledger *ledger, usec_t sent_at)
{
	ledger->success_at = sent_at;
	backoff_reset(&ledger->pause);
	trouble_end(&ledger->trouble, "the job table");
	if (!ledger->up)
		ledger_tell(ledger, true, "");
}

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
	if (first)
		ledger->success_at = now; /* it was never seen away */
	ledger->touch_all = true;
	ledger_success(ledger, now);
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

/* --- what became of each row ---------------------------------------------------------------- */

static void ledger_unclaim(struct ledger *ledger, struct job *job)
{
	if (!job->claim.granted)
		return;
	TAILQ_REMOVE(&ledger->claims, job, claim.link);
	job->claim = (struct job_claim){0};
}

static void ledger_return(
	struct ledger *ledger, struct queue_list *back, struct job *job, enum job_outcome outcome)
{
	ledger_unclaim(ledger, job);
	/* An answer that is definite: a later begin chooses a fence of its own time. */
	if (!job->claim.unsure)
		job->claim.fence = 0;
	job->claim.pause = 0;
	job->outcome = outcome;
	queue_list_append(back, &job->node);
}

static void ledger_ask_later(struct ledger *ledger, struct job *job)
{
	usec_t pause = usec_max(job->claim.pause * 2, LOCKED_PAUSE_MIN);

	job->claim.pause = usec_min(pause, LOCKED_PAUSE_MAX);
	job->claim.again_at =
		clock_boottime() + job->claim.pause - backoff_random(job->claim.pause / 4);
	ledger->locked_until = usec_min(ledger->locked_until, job->claim.again_at);
	queue_list_append(&ledger->locked, &job->node);
}

static void ledger_schedule_touch(struct ledger *ledger, struct job *job, usec_t sent_at)
{
	usec_t visibility = atomic_load(&ledger->visibility);
	bool extendable = atomic_load(&ledger->extendable);
	bool first = atomic_exchange(&job->touched_at, sent_at) == 0;

	if (extendable)
		job->claim.touch_at = sent_at + visibility / 3;
	else /* once, so that both leases end together and a redelivery finds the row free */
		job->claim.touch_at = first ? sent_at + visibility / 4 : USEC_INFINITY;
	ledger->touch_at = usec_min(ledger->touch_at, job->claim.touch_at);
}

static void ledger_granted(struct ledger *ledger, struct store_ask *ask, usec_t sent_at)
{
	struct job *job = ask->job;

	job->claim.granted = true;
	job->claim.unsure = false;
	job->claim.attempts = job->attempt = ask->attempts;
	job->claim.pause = 0;
	TAILQ_INSERT_TAIL(&ledger->claims, job, claim.link);
	atomic_store(&job->touched_at, 0);
	ledger_schedule_touch(ledger, job, sent_at);
}

static void ledger_settle_begins(
	struct ledger *ledger, struct store_asks *asks, usec_t sent_at, struct queue_list *back)
{
	struct queue_list run;

	queue_list_init(&run);
	for (size_t i = 0; i < asks->n_asks; i++) {
		struct store_ask *ask = &asks->asks[i];
		struct job *job = ask->job;
		switch (ask->verdict) {
		case STORE_WRITTEN:
			ledger_granted(ledger, ask, sent_at);
			queue_list_append(&run, &job->node);
			break;
		case STORE_LOCKED:
			ledger_ask_later(ledger, job);
			break;
		case STORE_ELSEWHERE:
			job->retry_in = usec_max(
				ask->wait, usec_sub(ledger->take_over_at, clock_boottime()));
			ledger_return(ledger, back, job, JOB_ELSEWHERE);
			break;
		case STORE_COMPLETED:
			ledger_return(ledger, back, job, JOB_DUPLICATE);
			break;
		case STORE_MISSING:
			ledger_return(ledger, back, job, JOB_MISSING);
			break;
		case STORE_OTHER_TYPE:
			ledger_return(ledger, back, job, JOB_REJECTED);
			break;
		case STORE_TAKEN:
			ledger_return(ledger, back, job, JOB_LOST);
			break;
		}
	}
	pool_submit(ledger->pool, &run);
}

static void ledger_settle_finishes(
	struct ledger *ledger, struct store_asks *asks, struct queue_list *back)
{
	for (size_t i = 0; i < asks->n_asks; i++) {
		struct job *job = asks->asks[i].job;
		switch (asks->asks[i].verdict) {
		case STORE_WRITTEN:
			ledger_return(ledger, back, job, job->outcome);
			break;
		case STORE_LOCKED:
			ledger_ask_later(ledger, job);
			break;
		case STORE_ELSEWHERE:
		case STORE_COMPLETED:
		case STORE_MISSING:
		case STORE_OTHER_TYPE:
		case STORE_TAKEN:
			ledger_return(ledger, back, job, JOB_LOST);
			break;
		}
	}
}

static void ledger_settle_touches(struct ledger *ledger, struct store_asks *asks, usec_t sent_at)
{
	for (size_t i = 0; i < asks->n_asks; i++) {
		struct job *job = asks->asks[i].job;
		switch (asks->asks[i].verdict) {
		case STORE_WRITTEN:
			ledger_schedule_touch(ledger, job, sent_at);
			break;
		case STORE_LOCKED:
			job->claim.touch_at = clock_boottime() + ledger_third(ledger) / 8;
			ledger->touch_at = usec_min(ledger->touch_at, job->claim.touch_at);
			break;
		case STORE_ELSEWHERE:
		case STORE_COMPLETED:
		case STORE_MISSING:
		case STORE_OTHER_TYPE:
		case STORE_TAKEN:
			job->claim.taken = true;
			job->claim.touch_at = USEC_INFINITY;
			pool_cancel(ledger->pool, job, JOB_LOSE);
			break;
		}
	}
	if (asks->n_asks > 0)
		atomic_fetch_add(&ledger->n_touches, 1);
}

static void ledger_settle(struct ledger *ledger, struct store_turn *turn)
{
	struct queue_list back;

	queue_list_init(&back);
	ledger_settle_touches(ledger, &turn->steps[STORE_TOUCH], turn->sent_at);
	ledger_settle_finishes(ledger, &turn->steps[STORE_FINISH], &back);
	ledger_settle_begins(ledger, &turn->steps[STORE_BEGIN], turn->sent_at, &back);
	atomic_fetch_add(&ledger->n_turns, 1);
	if (back.n_nodes > 0)
		queue_push_list(ledger->back, &back);
	else
		queue_wake(ledger->back);
}

/* Nothing was answered: all of it is asked again, as it was. */
static void ledger_put_back(struct ledger *ledger, struct store_turn *turn)
{
	for (size_t i = 0; i < turn->steps[STORE_BEGIN].n_asks; i++) {
		struct job *job = turn->steps[STORE_BEGIN].asks[i].job;
		job->claim.unsure = true;
		queue_list_append(&ledger->begins, &job->node);
	}
	for (size_t i = 0; i < turn->steps[STORE_FINISH].n_asks; i++)
		queue_list_append(&ledger->finishes, &turn->steps[STORE_FINISH].asks[i].job->node);
}

/* --- the turn ------------------------------------------------------------------------------- */

static void ledger_run(struct ledger *ledger, struct store_turn *turn);

/* The one row that Postgres refuses ends as failed, with what Postgres says. */
static void ledger_refuse(struct ledger *ledger, struct store_turn *turn, enum store_step step)
{
	struct store_ask *ask = &turn->steps[step].asks[0];
	struct queue_list back;
	char text[STORE_ERROR_MAX];

	if (step == STORE_TOUCH) {
		ask->verdict = STORE_LOCKED;
		ledger_settle_touches(ledger, &turn->steps[step], turn->sent_at);
		return;
	}
	snprintf(text, sizeof text, "%s", store_error(ledger->store));
	enum store_result result = store_refuse(ledger->store, ask, text);
	if (result == STORE_AWAY) {
		ledger_put_back(ledger, turn);
		ledger_away(ledger);
		return;
	}
	bool written = result == STORE_OK && ask->verdict == STORE_WRITTEN;
	if (!written)
		log_error("job=%s: %s; its row could not be marked as failed", ask->job->id, text);
	job_set_error(ask->job, "%s", text);
	queue_list_init(&back);
	ledger_return(ledger, &back, ask->job, written ? JOB_FAILED : JOB_LOST);
	queue_push_list(ledger->back, &back);
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
	size_t n_asks = 0;

	for (enum store_step step = 0; step < STORE_N_STEPS; step++)
		n_asks += turn->steps[step].n_asks;
	if (n_asks > 1) {
		ledger_split(ledger, turn, n_asks);
		return;
	}
	for (enum store_step step = 0; step < STORE_N_STEPS; step++)
		if (turn->steps[step].n_asks == 1)
			ledger_refuse(ledger, turn, step);
}

/* Sees the turn to its end, whatever that is: every job in it is somewhere else afterwards. */
static void ledger_run(struct ledger *ledger, struct store_turn *turn)
{
	if (turn->steps[STORE_FINISH].n_asks + turn->steps[STORE_TOUCH].n_asks +
			turn->steps[STORE_BEGIN].n_asks ==
		0)
		return;
	if (!store_is_connected(ledger->store)) {
		ledger_put_back(ledger, turn);
		return;
	}
	turn->may_take_over = ledger_may_take_over(ledger);
	ledger->asked_at = clock_monotonic();
	enum store_result result = store_turn(ledger->store, turn);
	ledger->asked_at = 0;
	switch (result) {
	case STORE_OK:
		ledger_success(ledger, turn->sent_at);
		ledger_settle(ledger, turn);
		return;
	case STORE_AWAY:
		ledger_put_back(ledger, turn);
		ledger_away(ledger);
		return;
	case STORE_REFUSED:
		ledger_refused(ledger, turn);
		return;
	}
}

/* --- gathering ------------------------------------------------------------------------------ */

/* A job whose row was taken away has nothing to write. */
static void ledger_gather_finishes(struct ledger *ledger, struct store_asks *asks)
{
	struct queue_list back;
	struct queue_node *node;

	queue_list_init(&back);
	while (asks->n_asks < LEDGER_BATCH && (node = queue_list_pop(&ledger->finishes))) {
		struct job *job = job_of_node(node);
		if (job->claim.taken || job->outcome == JOB_LOST)
			ledger_return(ledger, &back, job, JOB_LOST);
		else
			asks->asks[asks->n_asks++] = (struct store_ask){.job = job};
	}
	queue_push_list(ledger->back, &back);
}

/* Told to stop before it was begun: its row is left as it is. */
static void ledger_return_stopped(struct ledger *ledger)
{
	struct queue_list keep, back;
	struct queue_node *node;

	queue_list_init(&keep);
	queue_list_init(&back);
	while ((node = queue_list_pop(&ledger->begins))) {
		struct job *job = job_of_node(node);
		if (atomic_load(&job->cancel) == JOB_GO)
			queue_list_append(&keep, node);
		else
			ledger_return(ledger, &back, job, JOB_ABANDONED);
	}
	queue_list_move(&ledger->begins, &keep);
	queue_push_list(ledger->back, &back);
}

static void ledger_gather_begins(struct ledger *ledger, struct store_asks *asks)
{
	int64_t fence = 0;
	struct queue_node *node;

	while (asks->n_asks < LEDGER_BATCH && (node = queue_list_pop(&ledger->begins))) {
		struct job *job = job_of_node(node);
		if (job->claim.fence == 0)
			job->claim.fence = fence ? fence : (fence = store_fence(ledger->store));
		asks->asks[asks->n_asks++] = (struct store_ask){.job = job};
	}
}

/* A handler that outlives its limit keeps its leases no longer. */
static bool ledger_must_touch(const struct job *job, usec_t now)
{
	usec_t end = atomic_load(&job->leases_end_at);

	return !job->claim.taken && (end == 0 || now < end || atomic_load(&job->ran_at) > 0);
}

/* All that is due, and what will be soon, so that touches come in few transactions. */
static void ledger_gather_touches(struct ledger *ledger, struct store_asks *asks, usec_t now)
{
	usec_t soon = now + ledger_third(ledger) / 8;
	usec_t earliest = USEC_INFINITY;
	struct job *job;

	if (!ledger->touch_all && now < ledger->touch_at)
		return;
	TAILQ_FOREACH(job, &ledger->claims, claim.link)
	{
		bool due = ledger->touch_all || job->claim.touch_at <= soon;
		if (due && ledger_must_touch(job, now) && asks->n_asks < LEDGER_BATCH) {
			job->claim.touch_at = soon; /* should this turn fail */
			asks->asks[asks->n_asks++] = (struct store_ask){.job = job};
		}
		earliest = usec_min(earliest, usec_max(job->claim.touch_at, soon));
	}
	ledger->touch_at = earliest;
	ledger->touch_all = false;
}

/* Sorts what came: a job that ran is to be finished. */
static void ledger_sort(struct ledger *ledger, struct queue_list *list)
{
	struct queue_node *node;

	while ((node = queue_list_pop(list)))
		queue_list_append(
			job_of_node(node)->ran ? &ledger->finishes : &ledger->begins, node);
}

static void ledger_unlock(struct ledger *ledger, usec_t now)
{
	struct queue_list due, later;
	struct queue_node *node;

	if (now < ledger->locked_until)
		return;
	queue_list_init(&due);
	queue_list_init(&later);
	ledger->locked_until = USEC_INFINITY;
	while ((node = queue_list_pop(&ledger->locked))) {
		struct job *job = job_of_node(node);
		if (job->claim.again_at <= now) {
			queue_list_append(&due, node);
			continue;
		}
		queue_list_append(&later, node);
		ledger->locked_until = usec_min(ledger->locked_until, job->claim.again_at);
	}
	queue_list_move(&ledger->locked, &later);
	ledger_sort(ledger, &due);
}

static void ledger_turn(struct ledger *ledger)
{
	usec_t now = clock_boottime();
	struct store_turn turn = {
		.lease = atomic_load(&ledger->visibility) / 4 * 3,
		.statement_timeout = ledger_patience(ledger),
	};

	for (enum store_step step = 0; step < STORE_N_STEPS; step++)
		turn.steps[step].asks = ledger->asks[step];
	ledger_unlock(ledger, now);
	ledger_gather_finishes(ledger, &turn.steps[STORE_FINISH]);
	ledger_gather_touches(ledger, &turn.steps[STORE_TOUCH], now);
	ledger_gather_begins(ledger, &turn.steps[STORE_BEGIN]);
	ledger_run(ledger, &turn);
}

/* --- the thread ------------------------------------------------------------------------------ */

/* How long nothing will be due, in milliseconds for poll(). */
static int ledger_sleep(const struct ledger *ledger)
{
	usec_t now = clock_boottime(), sleep = LEDGER_IDLE;

	if (!store_is_connected(ledger->store)) {
		usec_t pause = usec_sub(ledger->connect_at, clock_monotonic());
		sleep = usec_min(pause, USEC_PER_SEC);
	} else {
		if (ledger->begins.first || ledger->finishes.first || ledger->touch_all)
			return 0;
		sleep = usec_min(sleep, usec_sub(ledger->touch_at, now));
		sleep = usec_min(sleep, usec_sub(ledger->locked_until, now));
	}
	return (int)((sleep + USEC_PER_MSEC - 1) / USEC_PER_MSEC);
}

/* The other side may hang up while nothing is asked. */
static void ledger_watch(struct ledger *ledger)
{
	if (store_check(ledger->store) != STORE_OK)
		ledger_away(ledger);
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
		ledger_change_store(ledger);
		if (r > 0 && p[1].revents && p[1].fd == store_fd(ledger->store))
			ledger_watch(ledger);
		queue_take_all(&ledger->inbox, &came);
		ledger_sort(ledger, &came);
		ledger_return_stopped(ledger);
		if (!store_is_connected(ledger->store) && clock_monotonic() >= ledger->connect_at)
			ledger_connect(ledger);
		if (store_is_connected(ledger->store))
			ledger_turn(ledger);
	}
	return NULL;
}

int ledger_start(struct ledger *ledger, struct pool *pool)
{
	ledger->pool = pool;
	int r = pthread_create(&ledger->thread, NULL, ledger_thread, ledger);
	if (r != 0)
		return -r;
	pthread_setname_np(ledger->thread, "ledger");
	ledger->started = true;
	return 0;
}

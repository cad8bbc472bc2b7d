#include "work/ledger_parts.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>

/* How long an idle ledger sleeps before it shows that it lives. */
#define LEDGER_IDLE (15 * USEC_PER_SEC)

/* ---- From the outage, and from the store, on the thread ---- */

/* Only the words need memory: who sees the change without them hears of them soon. */
static void ledger_tell(void *userdata, const char *text)
{
	struct ledger *ledger = userdata;
	struct ledger_news *news = calloc(1, sizeof *news);

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

	atomic_store(&ledger->seen_at, clock_monotonic());
	outage_look(&ledger->outage);
	return atomic_load(&ledger->stopping) ? -ECANCELED : 0;
}

/* ---- From the loop ---- */

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
	outage_init(&ledger->outage, ledger_tell, ledger);
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
	return outage_is_up(&ledger->outage);
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

/* ---- The thread ---- */

/* How long nothing will be due, in milliseconds for poll(). */
static int ledger_sleep(const struct ledger *ledger)
{
	usec_t now = clock_boottime(), sleep = LEDGER_IDLE;

	if (!store_is_connected(ledger->store))
		sleep = usec_min(outage_pause(&ledger->outage), USEC_PER_SEC);
	else
		sleep = usec_min(sleep, usec_sub(rows_due_at(&ledger->rows), now));
	return (int)((sleep + USEC_PER_MSEC - 1) / USEC_PER_MSEC);
}

void ledger_away(struct ledger *ledger)
{
	if (!atomic_load(&ledger->stopping))
		outage_away(&ledger->outage, store_error(ledger->store));
}

static void ledger_connect(struct ledger *ledger)
{
	outage_asked(&ledger->outage);
	enum store_result result = store_connect(ledger->store, outage_patience(&ledger->outage));
	outage_answered(&ledger->outage);
	if (result != STORE_OK) {
		ledger_away(ledger);
		return;
	}
	outage_connected(&ledger->outage);
	ledger->rows.touch_all = true;
}

static void ledger_change_store(struct ledger *ledger)
{
	struct store *next = atomic_exchange(&ledger->next_store, NULL);

	if (!next)
		return;
	store_free(ledger->store);
	ledger->store = next;
	outage_end_pause(&ledger->outage);
}

/* The connection may be dead without a word, and the database's time is not what it seemed. */
static void ledger_look_at_clocks(struct ledger *ledger)
{
	struct jump moved;

	if (!jump_look(&ledger->clocks, &moved))
		return;
	store_disconnect(ledger->store);
	outage_end_pause(&ledger->outage);
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
	ledger->outage.visibility = ledger->rows.visibility;
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
		if (!store_is_connected(ledger->store) && outage_pause(&ledger->outage) == 0)
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

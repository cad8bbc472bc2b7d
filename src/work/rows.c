#include "work/rows.h"

#include "base/backoff.h"
#include "base/log.h"
#include "work/event.h"
#include "work/lease.h"

#define LOCKED_PAUSE_MIN (50 * USEC_PER_MSEC)
#define LOCKED_PAUSE_MAX (5 * USEC_PER_SEC)

void rows_init(struct rows *rows, struct pool *pool, struct queue *back)
{
	rows->pool = pool;
	rows->back = back;
	rows->touch_at = rows->locked_until = USEC_INFINITY;
	TAILQ_INIT(&rows->claims);
	queue_list_init(&rows->begins);
	queue_list_init(&rows->finishes);
	queue_list_init(&rows->locked);
}

/* ---- What became of each row ---- */

static void rows_unclaim(struct rows *rows, struct job *job)
{
	if (!job->claim.granted)
		return;
	TAILQ_REMOVE(&rows->claims, job, claim.link);
	job->claim = (struct job_claim){0};
}

static void rows_return(
	struct rows *rows, struct queue_list *back, struct job *job, enum job_outcome outcome)
{
	rows_unclaim(rows, job);
	/* An answer that is definite: a later begin chooses a fence of its own time. */
	if (!job->claim.unsure)
		job->claim.fence = 0;
	job->claim.pause = 0;
	job->outcome = outcome;
	queue_list_append(back, &job->node);
}

/* How long to leave a locked row alone. */
static usec_t rows_locked_pause(struct job *job)
{
	usec_t pause = usec_max(job->claim.pause * 2, LOCKED_PAUSE_MIN);

	job->claim.pause = usec_min(pause, LOCKED_PAUSE_MAX);
	return job->claim.pause - backoff_random(job->claim.pause / 4);
}

/* Not begun: it waits with the loop, where it takes up no thread's place, and keeps its fence. */
static void rows_begin_later(struct queue_list *back, struct job *job)
{
	job->retry_in = rows_locked_pause(job);
	job->outcome = JOB_ELSEWHERE;
	queue_list_append(back, &job->node);
}

static void rows_finish_later(struct rows *rows, struct job *job)
{
	job->claim.again_at = clock_boottime() + rows_locked_pause(job);
	rows->locked_until = usec_min(rows->locked_until, job->claim.again_at);
	queue_list_append(&rows->locked, &job->node);
}

/* touched_at: what proves the row's lease from now on, if anything does. */
static void rows_schedule_touch(
	struct rows *rows, struct job *job, usec_t sent_at, usec_t touched_at)
{
	usec_t visibility = rows->visibility;
	bool extendable = rows->extendable;
	bool first = atomic_exchange(&job->touched_at, touched_at) == 0;

	if (extendable)
		job->claim.touch_at = sent_at + visibility / 3;
	else /* once, so that both leases end together and a redelivery finds the row free */
		job->claim.touch_at = first ? sent_at + visibility / 4 : USEC_INFINITY;
	rows->touch_at = usec_min(rows->touch_at, job->claim.touch_at);
}

static void rows_granted(struct rows *rows, struct store_ask *ask, usec_t sent_at)
{
	struct job *job = ask->job;

	job->claim.granted = true;
	job->claim.unsure = false;
	job->claim.attempts = ask->attempts;
	job->attempt = ask->attempts + job->keeps_row;
	job->claim.pause = 0;
	job->row_lease = lease_row(rows->visibility);
	TAILQ_INSERT_TAIL(&rows->claims, job, claim.link);
	atomic_store(&job->touched_at, 0);
	rows_schedule_touch(rows, job, sent_at, job->keeps_row ? JOB_UNHELD : sent_at);
}

static void rows_settle_begins(
	struct rows *rows, struct store_asks *asks, usec_t sent_at, struct queue_list *back)
{
	struct queue_list run;

	queue_list_init(&run);
	for (size_t i = 0; i < asks->n_asks; i++) {
		struct store_ask *ask = &asks->asks[i];
		struct job *job = ask->job;
		switch (ask->verdict) {
		case STORE_WRITTEN:
			rows_granted(rows, ask, sent_at);
			queue_list_append(&run, &job->node);
			break;
		case STORE_LOCKED:
			rows_begin_later(back, job);
			break;
		case STORE_ELSEWHERE:
			job->retry_in =
				usec_max(ask->wait, usec_sub(rows->take_over_at, clock_boottime()));
			rows_return(rows, back, job, JOB_ELSEWHERE);
			break;
		case STORE_COMPLETED:
			rows_return(rows, back, job, JOB_DUPLICATE);
			break;
		case STORE_MISSING:
			rows_return(rows, back, job, JOB_MISSING);
			break;
		case STORE_OTHER_TYPE:
			rows_return(rows, back, job, JOB_REJECTED);
			break;
		case STORE_FAILED:
		case STORE_UNHELD:
		case STORE_TAKEN:
			rows_return(rows, back, job, JOB_LOST);
			break;
		}
	}
	pool_submit(rows->pool, &run);
}

/* A stop is no failure: what it cut short was done. */
static void rows_warn_completed(const struct job *job)
{
	if (job->outcome != JOB_ABANDONED)
		log_as_job(EVENT_NONE, LOG_WARNING, job,
			"job=%s: its handler failed after it had completed the row: %s; counted "
			"as completed",
			job->id, job->error ? job->error : "no reason given");
}

static void rows_settle_finishes(
	struct rows *rows, struct store_asks *asks, struct queue_list *back)
{
	for (size_t i = 0; i < asks->n_asks; i++) {
		struct job *job = asks->asks[i].job;
		switch (asks->asks[i].verdict) {
		case STORE_WRITTEN:
			rows_return(rows, back, job, job->outcome);
			break;
		case STORE_LOCKED:
			rows_finish_later(rows, job);
			break;
		case STORE_COMPLETED:
			rows_warn_completed(job);
			rows_return(rows, back, job, JOB_COMPLETED);
			break;
		case STORE_FAILED:
			job_set_error(job, "its handler has written why into its row");
			rows_return(rows, back, job, JOB_FAILED);
			break;
		case STORE_ELSEWHERE:
		case STORE_UNHELD:
		case STORE_MISSING:
		case STORE_OTHER_TYPE:
		case STORE_TAKEN:
			rows_return(rows, back, job, JOB_LOST);
			break;
		}
	}
}

/* Somebody else has it, or may: nothing is written any more. */
static void rows_lose(struct rows *rows, struct job *job)
{
	job->claim.taken = true;
	job->claim.touch_at = USEC_INFINITY;
	pool_cancel(rows->pool, job, JOB_LOSE);
}

static void rows_settle_touches(struct rows *rows, struct store_asks *asks, usec_t sent_at)
{
	for (size_t i = 0; i < asks->n_asks; i++) {
		struct job *job = asks->asks[i].job;
		switch (asks->asks[i].verdict) {
		case STORE_WRITTEN:
			rows_schedule_touch(rows, job, sent_at, sent_at);
			break;
		case STORE_UNHELD:
			rows_schedule_touch(rows, job, sent_at, JOB_UNHELD);
			break;
		case STORE_LOCKED:
			job->claim.touch_at = clock_boottime() + (rows->visibility / 3) / 8;
			rows->touch_at = usec_min(rows->touch_at, job->claim.touch_at);
			break;
		case STORE_ELSEWHERE:
		case STORE_COMPLETED:
		case STORE_FAILED:
		case STORE_MISSING:
		case STORE_OTHER_TYPE:
		case STORE_TAKEN:
			rows_lose(rows, job);
			break;
		}
	}
}

void rows_settle(struct rows *rows, struct store_turn *turn)
{
	struct queue_list back;

	queue_list_init(&back);
	rows_settle_touches(rows, &turn->steps[STORE_TOUCH], turn->sent_at);
	rows_settle_finishes(rows, &turn->steps[STORE_FINISH], &back);
	rows_settle_begins(rows, &turn->steps[STORE_BEGIN], turn->sent_at, &back);
	queue_push_list(rows->back, &back);
}

void rows_refused(struct rows *rows, struct job *job, bool written, const char *text)
{
	struct queue_list back;

	queue_list_init(&back);
	job_set_error(job, "%s", text);
	rows_return(rows, &back, job, written ? JOB_FAILED : JOB_LOST);
	queue_push_list(rows->back, &back);
}

void rows_put_back(struct rows *rows, struct store_turn *turn)
{
	for (size_t i = 0; i < turn->steps[STORE_BEGIN].n_asks; i++) {
		struct job *job = turn->steps[STORE_BEGIN].asks[i].job;
		job->claim.unsure = !job->keeps_row;
		queue_list_append(&rows->begins, &job->node);
	}
	for (size_t i = 0; i < turn->steps[STORE_FINISH].n_asks; i++)
		queue_list_append(&rows->finishes, &turn->steps[STORE_FINISH].asks[i].job->node);
}

/* ---- Gathering ---- */

/* A job whose row was taken away has nothing to write. */
static void rows_gather_finishes(struct rows *rows, struct store_asks *asks)
{
	struct queue_list back;
	struct queue_node *node;

	queue_list_init(&back);
	while (asks->n_asks < ROWS_BATCH && (node = queue_list_pop(&rows->finishes))) {
		struct job *job = job_of_node(node);
		if (job->claim.taken || job->outcome == JOB_LOST)
			rows_return(rows, &back, job, JOB_LOST);
		else
			asks->asks[asks->n_asks++] = (struct store_ask){.job = job};
	}
	queue_push_list(rows->back, &back);
}

/* Told to stop before it was begun: its row is left as it is. */
void rows_return_stopped(struct rows *rows)
{
	struct queue_list keep, back;
	struct queue_node *node;

	queue_list_init(&keep);
	queue_list_init(&back);
	while ((node = queue_list_pop(&rows->begins))) {
		struct job *job = job_of_node(node);
		if (atomic_load(&job->cancel) == JOB_GO)
			queue_list_append(&keep, node);
		else
			rows_return(rows, &back, job, JOB_ABANDONED);
	}
	queue_list_move(&rows->begins, &keep);
	queue_push_list(rows->back, &back);
}

/* What has waited here for too long is told to the loop, which leaves it to the queue. */
static void rows_gather_begins(struct rows *rows, struct store *store, struct store_asks *asks)
{
	usec_t now = clock_boottime();
	int64_t fence = 0;
	struct queue_list back;
	struct queue_node *node;

	queue_list_init(&back);
	while (asks->n_asks < ROWS_BATCH && (node = queue_list_pop(&rows->begins))) {
		struct job *job = job_of_node(node);
		if (now > job->begin_by && !job->claim.unsure) {
			job->retry_in = 0;
			rows_return(rows, &back, job, JOB_ELSEWHERE);
			continue;
		}
		if (job->claim.fence == 0 && !job->keeps_row)
			job->claim.fence = fence ? fence : (fence = store_fence(store));
		asks->asks[asks->n_asks++] = (struct store_ask){.job = job};
	}
	queue_push_list(rows->back, &back);
}

/* A handler that outlives its limit keeps its leases no longer, nor does one that is lost. */
static bool rows_must_touch(const struct job *job, usec_t now)
{
	usec_t end = atomic_load(&job->leases_end_at);

	if (job->claim.taken || atomic_load(&job->cancel) == JOB_LOSE)
		return false;
	return end == 0 || now < end || atomic_load(&job->ran_at) > 0;
}

/* All that is due, and what will be soon, so that touches come in few transactions. */
static void rows_gather_touches(struct rows *rows, struct store_asks *asks, usec_t now)
{
	usec_t soon = now + (rows->visibility / 3) / 8;
	usec_t earliest = USEC_INFINITY;
	struct job *job;

	if (!rows->touch_all && now < rows->touch_at)
		return;
	TAILQ_FOREACH(job, &rows->claims, claim.link)
	{
		bool due = rows->touch_all || job->claim.touch_at <= soon;
		if (due && atomic_load(&job->ran_at) == 0 && job_is_lost(job, now))
			rows_lose(rows, job);
		if (due && rows_must_touch(job, now) && asks->n_asks < ROWS_BATCH) {
			job->claim.touch_at = soon; /* should this turn fail */
			asks->asks[asks->n_asks++] = (struct store_ask){.job = job};
		}
		earliest = usec_min(earliest, usec_max(job->claim.touch_at, soon));
	}
	rows->touch_at = earliest;
	rows->touch_all = false;
}

/* Its row is not ours to write any more once a stand-in has its claim, and not before. */
static void rows_take_given_up(struct rows *rows, struct job *job)
{
	if (job->claim.granted)
		job->claim.came_back = true;
	else
		queue_push(rows->back, &job->node);
}

static void rows_take_stand_in(struct rows *rows, struct job *job)
{
	struct job *other = job->stands_for;
	struct job_claim claim = other->claim;

	job->stands_for = NULL;
	rows_unclaim(rows, other);
	job->claim = claim;
	job->claim.came_back = false;
	TAILQ_INSERT_TAIL(&rows->claims, job, claim.link);
	queue_list_append(&rows->finishes, &job->node);
	if (claim.came_back)
		queue_push(rows->back, &other->node);
}

void rows_take(struct rows *rows, struct queue_list *list)
{
	struct queue_node *node;

	while ((node = queue_list_pop(list))) {
		struct job *job = job_of_node(node);
		if (job->stands_for)
			rows_take_stand_in(rows, job);
		else if (job->given_up)
			rows_take_given_up(rows, job);
		else
			queue_list_append(job->ran ? &rows->finishes : &rows->begins, node);
	}
}

static void rows_unlock(struct rows *rows, usec_t now)
{
	struct queue_list due, later;
	struct queue_node *node;

	if (now < rows->locked_until)
		return;
	queue_list_init(&due);
	queue_list_init(&later);
	rows->locked_until = USEC_INFINITY;
	while ((node = queue_list_pop(&rows->locked))) {
		struct job *job = job_of_node(node);
		if (job->claim.again_at <= now) {
			queue_list_append(&due, node);
			continue;
		}
		queue_list_append(&later, node);
		rows->locked_until = usec_min(rows->locked_until, job->claim.again_at);
	}
	queue_list_move(&rows->locked, &later);
	rows_take(rows, &due);
}

usec_t rows_due_at(const struct rows *rows)
{
	if (rows->begins.first || rows->finishes.first || rows->touch_all)
		return 0;
	return usec_min(rows->touch_at, rows->locked_until);
}

void rows_gather(struct rows *rows, struct store *store, struct store_turn *turn)
{
	usec_t now = clock_boottime();

	for (enum store_step step = 0; step < STORE_N_STEPS; step++)
		turn->steps[step] = (struct store_asks){.asks = rows->asks[step]};
	rows_unlock(rows, now);
	/* What has nothing to write is the loop's from here on: so before touches are gathered. */
	rows_gather_finishes(rows, &turn->steps[STORE_FINISH]);
	rows_gather_touches(rows, &turn->steps[STORE_TOUCH], now);
	rows_gather_begins(rows, store, &turn->steps[STORE_BEGIN]);
}

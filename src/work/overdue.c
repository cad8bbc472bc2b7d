#include "work/overdue.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "work/event.h"

#define LOOK_EVERY USEC_PER_SEC
#define SAY_EVERY  USEC_PER_MIN

/* What is told to stop may be an instant late. */
#define OVERDUE_MARGIN USEC_PER_SEC

static void overdue_exhaust(struct overdue *overdue)
{
	if (!overdue->is_exhausted)
		overdue->exhausted(overdue->userdata);
	overdue->is_exhausted = true;
}

static usec_t overdue_lasts(const struct hold *hold, usec_t now)
{
	usec_t lasted = usec_sub(now, atomic_load(&hold->job.started_at));

	return lasted - lasted % USEC_PER_SEC;
}

static void overdue_say(const struct hold *hold, usec_t now, const char *what)
{
	char lasted[CLOCK_DURATION_MAX];

	log_as_job(EVENT_JOB_OVERDUE, LOG_WARNING, &hold->job,
		"job=%s type=%s: its handler has not returned for %s, though told to stop%s",
		hold->job.id, hold->job.type,
		clock_format_duration(overdue_lasts(hold, now), lasted), what);
}

/* ---- Giving up ---- */

/* What ends the row: all that the ledger needs, as the handler would have returned it in time. */
static void overdue_fill(const struct job *job, struct job *ret)
{
	usec_t started_at = atomic_load(&job->started_at);
	usec_t limit = atomic_load(&job->leases_end_at) - started_at - job->kill_grace;
	enum job_cancel reason = (enum job_cancel)atomic_load(&job->cancel);

	ret->keeps_row = job->keeps_row;
	ret->attempt = job->attempt;
	ret->ran = true;
	atomic_store(&ret->touched_at, atomic_load(&job->touched_at));
	atomic_store(&ret->started_at, started_at);
	atomic_store(&ret->ran_at, clock_boottime());
	/* Only what has returned was interrupted by a stop. */
	job_cut_short(ret, reason == JOB_STOP ? JOB_GO : reason, limit);
}

static void overdue_give_up(struct overdue *overdue, struct hold *hold, usec_t now)
{
	struct hold *stand_in = delivery_stand_in(hold);
	struct queue_list list;

	if (!stand_in)
		return;
	int r = pool_give_up(overdue->pool, &hold->job);
	if (r == -ESRCH) {
		delivery_free_hold(stand_in);
		return;
	}
	overdue_fill(&hold->job, &stand_in->job);
	stand_in->job.stands_for = &hold->job;
	delivery_replace(overdue->index, hold, stand_in);
	hold->given_up_at = hold->said_at = now;
	TAILQ_INSERT_TAIL(&overdue->holds, hold, link);
	overdue->n_holds++;
	overdue->body_bytes += hold->body_bytes;
	overdue_say(hold, now,
		r < 0 ? "; it keeps its thread"
		      : "; it keeps its thread, and another takes its place");
	queue_list_init(&list);
	queue_list_append(&list, &stand_in->job.node);
	ledger_begin(overdue->ledger, &list);
	if (r < 0)
		overdue_exhaust(overdue);
}

static bool overdue_is(const struct job *job, usec_t now)
{
	usec_t end = atomic_load(&job->leases_end_at);

	return end > 0 && now >= end + OVERDUE_MARGIN && atomic_load(&job->ran_at) == 0;
}

static void overdue_find(struct overdue *overdue, usec_t now)
{
	struct hold *hold = TAILQ_FIRST(&overdue->index->states[HOLD_AWAY]), *next;

	for (; hold; hold = next) {
		next = TAILQ_NEXT(hold, link);
		if (overdue_is(&hold->job, now))
			overdue_give_up(overdue, hold, now);
	}
}

/* ---- While they do not return ---- */

static void overdue_repeat(struct overdue *overdue, usec_t now)
{
	struct hold *hold;

	TAILQ_FOREACH(hold, &overdue->holds, link)
	if (now - hold->said_at >= SAY_EVERY) {
		overdue_say(hold, now, "");
		hold->said_at = now;
	}
}

/* They have all places of the type for which so much waits that nothing is received. */
static bool overdue_blocks(const struct overdue *overdue)
{
	const struct hold *parked = TAILQ_FIRST(&overdue->index->states[HOLD_PARKED]), *hold;
	unsigned n = 0;

	if (overdue->n_holds == 0 || !parked || !waiting_is_crowded(overdue->waiting))
		return false;
	TAILQ_FOREACH(hold, &overdue->holds, link)
	n += hold->type == parked->type;
	return n >= parked->type->max_concurrency;
}

static int overdue_on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct overdue *overdue = userdata;
	usec_t now = clock_boottime();

	(void)usec;
	overdue_find(overdue, now);
	overdue_repeat(overdue, now);
	if (overdue_blocks(overdue))
		overdue_exhaust(overdue);
	overdue->armed = overdue->n_holds > 0 || overdue->index->n_in_state[HOLD_AWAY] > 0;
	if (!overdue->armed)
		return 0;
	loop_set_timer(source, clock_monotonic() + LOOK_EVERY);
	return 0;
}

/* ---- From outside ---- */

void overdue_watch(struct overdue *overdue)
{
	if (overdue->armed || overdue->index->n_in_state[HOLD_AWAY] == 0)
		return;
	overdue->armed = true;
	loop_set_timer(overdue->timer, clock_monotonic() + LOOK_EVERY);
}

bool overdue_has(const struct overdue *overdue, const char *job_id)
{
	const struct hold *hold;

	TAILQ_FOREACH(hold, &overdue->holds, link)
	if (strcmp(hold->job.id, job_id) == 0)
		return true;
	return false;
}

void overdue_returned(struct overdue *overdue, struct hold *hold)
{
	char lasted[CLOCK_DURATION_MAX];

	log_as_job(EVENT_NONE, LOG_NOTICE, &hold->job,
		"job=%s type=%s: its handler has returned at last, after %s", hold->job.id,
		hold->job.type,
		clock_format_duration(overdue_lasts(hold, clock_boottime()), lasted));
	TAILQ_REMOVE(&overdue->holds, hold, link);
	overdue->n_holds--;
	overdue->body_bytes -= hold->body_bytes;
	waiting_free_place(overdue->waiting, hold);
	handler_unref(hold->job.handler);
	delivery_free_hold(hold);
}

void overdue_name(const struct overdue *overdue)
{
	const struct hold *hold;

	TAILQ_FOREACH(hold, &overdue->holds, link)
	log_as_job(EVENT_LEFT, LOG_WARNING, &hold->job,
		"job=%s type=%s: its handler has not returned; it ends with the daemon",
		hold->job.id, hold->job.type);
}

int overdue_init(struct overdue *overdue)
{
	TAILQ_INIT(&overdue->holds);
	return loop_add_timer(overdue->event, CLOCK_MONOTONIC, "overdue", overdue_on_timer, overdue,
		&overdue->timer);
}

void overdue_done(struct overdue *overdue)
{
	struct hold *hold;

	sd_event_source_disable_unref(overdue->timer);
	while ((hold = TAILQ_FIRST(&overdue->holds))) {
		TAILQ_REMOVE(&overdue->holds, hold, link);
		handler_unref(hold->job.handler);
		delivery_free_hold(hold);
	}
}

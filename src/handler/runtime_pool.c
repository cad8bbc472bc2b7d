#include "handler/runtime_pool.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/loop.h"
#include "handler/runtime.h"

/* One that was idle for so long ends, if it is not the last. */
#define IDLE_LIMIT (5 * USEC_PER_MIN)
/* For one that ends without having done anything wrong. */
#define PARTING_GRACE (2 * USEC_PER_SEC)
/* Who has answered asks again at once. One that does not is not waited for any longer than that. */
#define LATE_LIMIT (1 * USEC_PER_SEC)

/* A folder, whatever its name is now. */
struct folder_id {
	dev_t dev;
	ino_t ino;
};

struct member {
	TAILQ_ENTRY(member) link;
	struct runtime_pool *pool;
	struct runtime *runtime;
	struct invocation *invocation; /* that it does; NULL: none */
	struct folder_id folder;
	/* CLOCK_BOOTTIME: when it asked for work at first, asked last, and answered last. 0: not
	 * yet. */
	usec_t started_at;
	usec_t idle_at;
	usec_t answered_at;
};
TAILQ_HEAD(member_list, member);
TAILQ_HEAD(invocation_list, invocation);

struct runtime_pool {
	sd_event *event;
	struct runtime_plan *plan;
	unsigned max_runtimes;
	unsigned max_jobs;
	usec_t max_age;
	usec_t ask_limit;
	bool measure;

	struct queue inbox;
	struct queue stops;
	sd_event_source *inbox_source;
	sd_event_source *stops_source;
	sd_event_source *idle_timer;
	sd_event_source *late_timer;
	struct invocation_list waiting;
	unsigned n_waiting;
	struct member_list members; /* who was idle last comes first */
	unsigned n_members;
};

static void pool_serve(struct runtime_pool *pool);

/* ---- Invocations end ---- */

/* Its last touch is the write: from then on the worker has it. */
static void invocation_tell(struct invocation *invocation, uint64_t what)
{
	int fd = invocation->done_fd;

	(void)!write(fd, &what, sizeof what);
}

static void invocation_end(
	struct invocation *invocation, enum invocation_result result, const char *text)
{
	invocation->ended = true;
	invocation->result =
		invocation->stopped && result != INVOCATION_GOOD ? INVOCATION_CUT : result;
	snprintf(invocation->text, sizeof invocation->text, "%s", text);
	invocation_tell(invocation, INVOCATION_ENDED);
}

static struct invocation *pool_next(struct runtime_pool *pool)
{
	struct invocation *invocation = TAILQ_FIRST(&pool->waiting);

	if (invocation) {
		TAILQ_REMOVE(&pool->waiting, invocation, link);
		pool->n_waiting--;
	}
	return invocation;
}

/* ---- Runtimes come and go ---- */

static void member_free(struct member *member)
{
	struct runtime_pool *pool = member->pool;

	TAILQ_REMOVE(&pool->members, member, link);
	pool->n_members--;
	runtime_free(member->runtime);
	free(member);
}

static bool same_folder(const struct folder_id *id, const struct stat *st)
{
	return id->dev == st->st_dev && id->ino == st->st_ino;
}

static bool member_is_fit(const struct member *member)
{
	const struct runtime_pool *pool = member->pool;
	const struct runtime *runtime = member->runtime;
	struct stat st;

	if (pool->max_jobs && runtime_n_given(runtime) >= pool->max_jobs)
		return false;
	/* Who has done nothing yet is not old: else one that takes long to start never did. */
	if (pool->max_age && runtime_n_given(runtime) > 0 &&
		clock_boottime() - member->started_at >= pool->max_age)
		return false;
	/* Where nothing is any more, what was there goes on. */
	return stat(runtime_plan_bundle(pool->plan), &st) < 0 || same_folder(&member->folder, &st);
}

/* Those that ended before they could do anything fail who would have waited for them. */
static void pool_fail_waiting(struct runtime_pool *pool, const char *text)
{
	struct invocation *invocation;

	do {
		invocation = pool_next(pool);
		if (invocation)
			invocation_end(invocation, INVOCATION_BAD, text);
	} while (invocation && pool->n_members == 0);
}

/* With one alone there is nothing to end. */
static void pool_watch_idle(struct runtime_pool *pool)
{
	int enabled = SD_EVENT_OFF;

	sd_event_source_get_enabled(pool->idle_timer, &enabled);
	if (enabled != SD_EVENT_OFF || pool->n_members < 2)
		return;
	sd_event_source_set_time(pool->idle_timer, clock_monotonic() + USEC_PER_MIN);
	sd_event_source_set_enabled(pool->idle_timer, SD_EVENT_ON);
}

static void on_ready(void *userdata, struct runtime *runtime)
{
	struct member *member = userdata;
	struct runtime_pool *pool = member->pool;

	member->idle_at = clock_boottime();
	if (!member->started_at)
		member->started_at = member->idle_at;
	if (!member_is_fit(member)) {
		runtime_end(runtime, PARTING_GRACE);
		pool_serve(pool);
		return;
	}
	TAILQ_REMOVE(&pool->members, member, link);
	TAILQ_INSERT_HEAD(&pool->members, member, link);
	pool_serve(pool);
	if (!member->invocation)
		pool_watch_idle(pool);
}

static void on_answered(void *userdata, struct runtime *runtime, bool good, const char *text)
{
	struct member *member = userdata;
	struct invocation *invocation = TAKE_PTR(member->invocation);

	member->answered_at = clock_boottime();
	if (member->pool->measure)
		invocation->peak_memory = runtime_peak_memory(runtime);
	invocation_end(invocation, good ? INVOCATION_GOOD : INVOCATION_BAD, text);
}

static void on_gone(void *userdata, struct runtime *runtime, const char *text)
{
	struct member *member = userdata;
	struct runtime_pool *pool = member->pool;
	struct invocation *invocation = member->invocation;
	char why[LAMBDA_TEXT_MAX]; /* text goes with the runtime */
	bool started = member->started_at > 0;

	(void)runtime;
	snprintf(why, sizeof why, "%s", text);
	member_free(member);
	if (invocation)
		invocation_end(invocation, INVOCATION_BAD, why);
	else if (!started)
		pool_fail_waiting(pool, why);
	pool_serve(pool);
}

static int pool_start(struct runtime_pool *pool, char error[LAMBDA_TEXT_MAX])
{
	const char *bundle = runtime_plan_bundle(pool->plan);
	_cleanup_free_ char *folder = realpath(bundle, NULL);
	struct member *member = calloc(1, sizeof *member);
	struct runtime_events events = {on_ready, on_answered, on_gone, member};
	struct stat st;

	if (!member || !folder || stat(folder, &st) < 0) {
		snprintf(error, LAMBDA_TEXT_MAX, "bundle: %s: %s", bundle, strerrordesc_np(errno));
		free(member);
		return -ENOENT;
	}
	member->pool = pool;
	member->folder = (struct folder_id){st.st_dev, st.st_ino};
	int r = runtime_new(
		pool->event, pool->plan, folder, pool->ask_limit, &events, error, &member->runtime);
	if (r < 0) {
		free(member);
		return r;
	}
	TAILQ_INSERT_TAIL(&pool->members, member, link);
	pool->n_members++;
	return 0;
}

/* ---- Work to whoever is there ---- */

static void member_give(struct member *member, struct invocation *invocation)
{
	member->invocation = invocation;
	invocation->runtime = member->runtime;
	runtime_give(member->runtime, &invocation->work);
}

/* NULL: none. Those that are not fit any more end here. */
static struct member *pool_idle_member(struct runtime_pool *pool)
{
	struct member *member;

	TAILQ_FOREACH(member, &pool->members, link)
	{
		if (!runtime_is_ready(member->runtime))
			continue;
		if (member_is_fit(member))
			return member;
		runtime_end(member->runtime, PARTING_GRACE);
	}
	return NULL;
}

/* That starts, be it in vain, or has just answered. */
static bool member_is_coming(const struct member *member, usec_t now)
{
	const struct runtime *runtime = member->runtime;

	if (!member->started_at)
		return true;
	return !member->invocation && !runtime_is_ready(runtime) && !runtime_is_ending(runtime) &&
	       now - member->answered_at < LATE_LIMIT;
}

static unsigned pool_n_coming(const struct runtime_pool *pool)
{
	const struct member *member;
	usec_t now = clock_boottime();
	unsigned n = 0;

	TAILQ_FOREACH(member, &pool->members, link)
	n += member_is_coming(member, now);
	return n;
}

/* Those that end are on their way out, and take nobody's place. */
static unsigned pool_n_alive(const struct runtime_pool *pool)
{
	const struct member *member;
	unsigned n = 0;

	TAILQ_FOREACH(member, &pool->members, link)
	n += !runtime_is_ending(member->runtime);
	return n;
}

/* Who is coming may be late: then it is asked again whether another one is needed. */
static void pool_watch_late(struct runtime_pool *pool)
{
	loop_set_timer(pool->late_timer, clock_boottime() + LATE_LIMIT);
}

static void pool_serve(struct runtime_pool *pool)
{
	char error[LAMBDA_TEXT_MAX];
	struct member *member;

	while (pool->n_waiting > 0 && (member = pool_idle_member(pool)))
		member_give(member, pool_next(pool));
	while (pool_n_coming(pool) < pool->n_waiting && pool_n_alive(pool) < pool->max_runtimes)
		if (pool_start(pool, error) < 0)
			pool_fail_waiting(pool, error);
	if (pool->n_waiting > 0 && pool_n_alive(pool) < pool->max_runtimes)
		pool_watch_late(pool);
}

static int on_late_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	pool_serve(userdata);
	return 0;
}

static int on_inbox(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct runtime_pool *pool = userdata;
	struct queue_list came;
	struct queue_node *node;

	(void)source;
	(void)fd;
	(void)revents;
	queue_take_all(&pool->inbox, &came);
	while ((node = queue_list_pop(&came))) {
		struct invocation *invocation = container_of(node, struct invocation, node);
		TAILQ_INSERT_TAIL(&pool->waiting, invocation, link);
		pool->n_waiting++;
	}
	pool_serve(pool);
	return 0;
}

/* ---- Stopping what is to stop ---- */

static void pool_stop(struct runtime_pool *pool, struct invocation *invocation)
{
	invocation->stopped = true;
	if (!invocation->ended && invocation->runtime) {
		runtime_end(invocation->runtime, invocation->stop_grace);
	} else if (!invocation->ended) {
		TAILQ_REMOVE(&pool->waiting, invocation, link);
		pool->n_waiting--;
		invocation_end(invocation, INVOCATION_CUT, "");
	}
	invocation_tell(invocation, INVOCATION_STOPPED);
}

static int on_stops(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct runtime_pool *pool = userdata;
	struct queue_list stops;
	struct queue_node *node;

	/* What is to stop was submitted before: once it is taken from here it is there as well. */
	queue_take_all(&pool->stops, &stops);
	on_inbox(source, fd, revents, userdata);
	while ((node = queue_list_pop(&stops)))
		pool_stop(pool, container_of(node, struct invocation, stop_node));
	return 0;
}

/* ---- Idle ones grow old ---- */

static int on_idle_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct runtime_pool *pool = userdata;
	usec_t now = clock_boottime();
	struct member *member;
	unsigned n_idle = 0;

	TAILQ_FOREACH(member, &pool->members, link)
	{
		if (!runtime_is_ready(member->runtime))
			continue;
		if (n_idle++ > 0 && now - member->idle_at >= IDLE_LIMIT)
			runtime_end(member->runtime, PARTING_GRACE);
	}
	sd_event_source_set_time(source, usec + USEC_PER_MIN);
	return sd_event_source_set_enabled(source, n_idle > 1 ? SD_EVENT_ON : SD_EVENT_OFF);
}

/* ---- From outside ---- */

static int pool_add_timers(struct runtime_pool *pool)
{
	int r = sd_event_add_time(pool->event, &pool->idle_timer, CLOCK_MONOTONIC, 0, USEC_PER_SEC,
		on_idle_timer, pool);
	if (r >= 0)
		r = sd_event_source_set_enabled(pool->idle_timer, SD_EVENT_OFF);
	if (r >= 0)
		r = loop_add_timer(pool->event, CLOCK_BOOTTIME, "late", on_late_timer, pool,
			&pool->late_timer);
	return r;
}

static int pool_build(struct runtime_pool *pool)
{
	/* Both, whatever becomes of the first: both are undone. */
	int r = queue_init(&pool->inbox, true);
	int of_stops = queue_init(&pool->stops, true);

	if (r == 0)
		r = of_stops;
	if (r == 0)
		r = sd_event_add_io(pool->event, &pool->inbox_source, queue_fd(&pool->inbox),
			EPOLLIN, on_inbox, pool);
	if (r >= 0)
		r = sd_event_add_io(pool->event, &pool->stops_source, queue_fd(&pool->stops),
			EPOLLIN, on_stops, pool);
	return r < 0 ? r : pool_add_timers(pool);
}

int runtime_pool_new(
	const struct lambda_options *options, struct runtime_plan *plan, struct runtime_pool **ret)
{
	_cleanup_(runtime_pool_freep) struct runtime_pool *pool = calloc(1, sizeof *pool);

	if (!pool) {
		runtime_plan_free(plan);
		return -ENOMEM;
	}
	pool->event = options->event;
	pool->plan = plan;
	pool->max_runtimes = options->max_runtimes;
	pool->max_jobs = options->max_jobs;
	pool->max_age = options->max_age;
	pool->ask_limit = options->ask_limit > 0 ? options->ask_limit : LAMBDA_ASK_LIMIT;
	pool->measure = options->measure;
	TAILQ_INIT(&pool->waiting);
	TAILQ_INIT(&pool->members);
	int r = pool_build(pool);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(pool);
	return 0;
}

struct runtime_pool *runtime_pool_free(struct runtime_pool *pool)
{
	if (!pool)
		return NULL;
	while (!TAILQ_EMPTY(&pool->members))
		member_free(TAILQ_FIRST(&pool->members));
	sd_event_source_disable_unref(pool->inbox_source);
	sd_event_source_disable_unref(pool->stops_source);
	sd_event_source_disable_unref(pool->idle_timer);
	sd_event_source_disable_unref(pool->late_timer);
	queue_done(&pool->inbox);
	queue_done(&pool->stops);
	runtime_plan_free(pool->plan);
	free(pool);
	return NULL;
}

void runtime_pool_submit(struct runtime_pool *pool, struct invocation *invocation)
{
	queue_push(&pool->inbox, &invocation->node);
}

void runtime_pool_stop(struct runtime_pool *pool, struct invocation *invocation)
{
	queue_push(&pool->stops, &invocation->stop_node);
}

const char *runtime_pool_arn(const struct runtime_pool *pool)
{
	return runtime_plan_arn(pool->plan);
}

#include "daemon/health.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "daemon/notify.h"
#include "work/event.h"

/* An upgrade must not hang on a database that is down. */
#define READY_PATIENCE (30 * USEC_PER_SEC)

#define STATUS_SOON  USEC_PER_SEC
#define STATUS_EVERY (5 * USEC_PER_SEC)

/* A poll that is out for this much longer than it asked for is stuck. */
#define POLL_MARGIN    (10 * USEC_PER_SEC)
#define LEDGER_SILENCE USEC_PER_MIN

#define OVERDUE_MAX 48

/* What a stop that goes on asks systemd for. */
#define STOP_EXTENSION (30 * USEC_PER_SEC)

struct health {
	struct health_options options;
	sd_event_source *ready_timer;
	sd_event_source *status_timer;
	sd_event_source *watchdog_timer; /* NULL: not asked for */
	const char *note;                /* a constant */
	bool ready;
	bool stopping;
	bool given_up;
	usec_t broken_since; /* CLOCK_MONOTONIC; 0: all is well */
	uint64_t progress;
};

/* The queue's: before it was looked at, and since. */
static const char *health_queue_trouble(
	const struct health *health, const struct dispatcher_status *s)
{
	const char *text = preflight_trouble(health->options.preflight);

	return text[0] ? text : s->queue_trouble;
}

/* "; handlers that do not return: 2", or nothing. */
static const char *health_overdue(const struct dispatcher_status *s, char buffer[OVERDUE_MAX])
{
	buffer[0] = '\0';
	if (s->n_overdue > 0)
		snprintf(buffer, OVERDUE_MAX, HEALTH_AMISS "handlers that do not return: %u",
			s->n_overdue);
	return buffer;
}

static void health_tell(struct health *health, const struct dispatcher_status *s)
{
	const char *queue = health_queue_trouble(health, s), *database = s->database_trouble;
	/* Where both have one cause it is said once. */
	const char *dead = strcmp(s->dead_letter_trouble, queue) == 0 ? "" : s->dead_letter_trouble;
	char overdue[OVERDUE_MAX];

	notify_status("%s%u of %u threads busy, %u in hand, %" PRIu64 " completed, %" PRIu64
		      " failed%s%s%s%s%s%s%s%s%s",
		health->stopping ? "stopping: " : "", s->n_busy, s->n_threads, s->n_in_hand,
		s->n_completed, s->n_failed, health_overdue(s, overdue),
		queue[0] ? HEALTH_AMISS : "", queue, database[0] ? HEALTH_AMISS : "", database,
		dead[0] ? HEALTH_AMISS "dead letter queue: " : "", dead,
		health->note[0] ? HEALTH_AMISS : "", health->note);
	if (health->stopping && s->progress != health->progress)
		notify_extend(STOP_EXTENSION);
}

static void health_set_ready(struct health *health, const struct dispatcher_status *s)
{
	health->ready = true;
	health_tell(health, s);
	notify_ready();
	sd_event_source_set_enabled(health->ready_timer, SD_EVENT_OFF);
}

static void health_look(struct health *health, const struct dispatcher_status *s)
{
	bool proven = s->database_up && preflight_trouble(health->options.preflight)[0] == '\0';

	if (proven && !health->ready && !health->stopping) {
		log_as(EVENT_READY, LOG_INFO, "ready");
		health_set_ready(health, s);
	}
	if (proven && s->database_trouble[0] == '\0' && s->queue_trouble[0] == '\0')
		health->broken_since = 0;
	else if (health->broken_since == 0)
		health->broken_since = clock_monotonic();
}

/* Ready or not: nobody is to wait any longer, but everybody is to know for what. */
static void health_say_away(const struct health *health, const struct dispatcher_status *s)
{
	const char *queue = health_queue_trouble(health, s), *database = s->database_trouble;

	if (!s->database_up && !database[0])
		database = "the database has not answered yet";
	log_as(EVENT_READY_WITHOUT, LOG_NOTICE, "ready, though not all is there yet: %s%s%s", queue,
		queue[0] && database[0] ? "; " : "", database);
}

static int health_on_ready_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct health *health = userdata;
	struct dispatcher_status s;

	(void)source;
	(void)usec;
	dispatcher_status(health->options.dispatcher, &s);
	if (!health->ready && !health->stopping) {
		health_say_away(health, &s);
		health_set_ready(health, &s);
	}
	return 0;
}

static void health_arm_status(struct health *health, usec_t pause)
{
	loop_set_timer(health->status_timer, clock_monotonic() + pause);
}

static int health_on_status_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct health *health = userdata;
	struct dispatcher_status s;

	(void)source;
	(void)usec;
	dispatcher_status(health->options.dispatcher, &s);
	health_look(health, &s);
	health_tell(health, &s);
	if (s.progress != health->progress || health->broken_since > 0 || health->stopping)
		health_arm_status(health, STATUS_EVERY);
	health->progress = s.progress;

	if (!health->given_up && health->broken_since > 0 &&
		clock_monotonic() - health->broken_since >= health->options.patience) {
		health->given_up = true;
		health->options.given_up(health->options.userdata);
	}
	return 0;
}

/* The loop turned, or this would not run; polls and the ledger must live too. */
static int health_on_watchdog(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct health *health = userdata;
	struct dispatcher_status s;
	usec_t now = clock_monotonic();

	dispatcher_status(health->options.dispatcher, &s);
	bool polls =
		s.oldest_poll == 0 || now - s.oldest_poll < health->options.wait_time + POLL_MARGIN;
	bool ledger = usec_sub(now, s.ledger_seen_at) < LEDGER_SILENCE;
	if (polls && ledger)
		notify_watchdog();
	else
		log_as(EVENT_WATCHDOG, LOG_ERR, "the watchdog is not fed: %s",
			polls ? "the ledger's thread is silent" : "a poll does not end");
	sd_event_source_set_time(source, usec + notify_watchdog_interval());
	return 0;
}

int health_new(sd_event *event, const struct health_options *options, struct health **ret)
{
	_cleanup_(health_freep) struct health *health = calloc(1, sizeof *health);
	usec_t watchdog = notify_watchdog_interval();

	if (!health)
		return -ENOMEM;
	health->options = *options;
	health->note = "";
	int r = sd_event_add_time_relative(event, &health->ready_timer, CLOCK_MONOTONIC,
		READY_PATIENCE, 0, health_on_ready_timer, health);
	if (r >= 0)
		r = sd_event_add_time_relative(event, &health->status_timer, CLOCK_MONOTONIC,
			STATUS_SOON, 0, health_on_status_timer, health);
	if (r >= 0 && watchdog > 0)
		r = sd_event_add_time_relative(event, &health->watchdog_timer, CLOCK_MONOTONIC,
			watchdog, 0, health_on_watchdog, health);
	if (r >= 0 && watchdog > 0)
		r = sd_event_source_set_enabled(health->watchdog_timer, SD_EVENT_ON);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(health);
	return 0;
}

struct health *health_free(struct health *health)
{
	if (!health)
		return NULL;
	sd_event_source_disable_unref(health->ready_timer);
	sd_event_source_disable_unref(health->status_timer);
	sd_event_source_disable_unref(health->watchdog_timer);
	free(health);
	return NULL;
}

static bool health_tells_soon(const struct health *health)
{
	usec_t at = 0;

	return sd_event_source_get_enabled(health->status_timer, NULL) > 0 &&
	       sd_event_source_get_time(health->status_timer, &at) >= 0 &&
	       at <= clock_monotonic() + STATUS_SOON;
}

/*
 * Readiness at once, the rest soon: many changes make one line. That something is wrong, or is not
 * any more, does not wait for the next one that is due.
 */
void health_changed(struct health *health)
{
	bool was_broken = health->broken_since > 0;
	struct dispatcher_status s;

	dispatcher_status(health->options.dispatcher, &s);
	health_look(health, &s);
	bool turned = (health->broken_since > 0) != was_broken;
	if (turned ? !health_tells_soon(health)
		   : sd_event_source_get_enabled(health->status_timer, NULL) == 0)
		health_arm_status(health, STATUS_SOON);
}

void health_note(struct health *health, const char *note)
{
	struct dispatcher_status s;

	health->note = note;
	dispatcher_status(health->options.dispatcher, &s);
	health_tell(health, &s);
}

void health_stopping(struct health *health)
{
	struct dispatcher_status s;

	health->stopping = true;
	dispatcher_status(health->options.dispatcher, &s);
	health_tell(health, &s);
	health_arm_status(health, STATUS_SOON);
}

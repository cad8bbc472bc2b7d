/*
 * What happened, by the identifiers under which the journal's catalog explains it: each has an
 * entry in systemd/nexus-worker.catalog, which journalctl -x shows below the line. Constants; an
 * identifier never changes its meaning.
 */
#pragma once

#include "base/log.h"

enum event {
	EVENT_NONE,              /* it needs no explanation */
	EVENT_STARTED,           /* the daemon has begun */
	EVENT_READY,             /* queue and job table are proven */
	EVENT_READY_WITHOUT,     /* nobody is to wait any longer, though something is away */
	EVENT_STOPPING,          /* it drains */
	EVENT_DRAINED,           /* what was left, and what that costs */
	EVENT_LEFT,              /* a job or messages that a stop leaves */
	EVENT_KILLED,            /* a second signal */
	EVENT_RELOADED,          /* new settings hold */
	EVENT_RELOAD_REFUSED,    /* a mistake in them: nothing was changed */
	EVENT_RELOAD_INCOMPLETE, /* some need a restart */
	EVENT_QUEUE_AWAY,        /* a request to SQS fails */
	EVENT_QUEUE_BACK,
	EVENT_DATABASE_AWAY,
	EVENT_DATABASE_BACK,
	EVENT_CREDENTIALS_AWAY, /* there are none, or they cannot be renewed */
	EVENT_CREDENTIALS_BACK,
	EVENT_DEAD_LETTERS_AWAY, /* copies cannot be sent */
	EVENT_DEAD_LETTERS_BACK,
	EVENT_CROWDED, /* a type's jobs hold up all others */
	EVENT_UNCROWDED,
	EVENT_QUEUE_FINDING, /* the queue is not as it should be */
	EVENT_QUEUE_MENDED,  /* it is now */
	EVENT_CLOCK_WRONG,   /* signatures are corrected */
	EVENT_CLOCK_JUMPED,  /* a suspend, or somebody set it */
	EVENT_JOB_FAILED,
	EVENT_JOB_TIMEOUT,
	EVENT_JOB_MISSING,
	EVENT_JOB_REJECTED,
	EVENT_JOB_LOST,
	EVENT_JOB_ABANDONED,
	EVENT_JOB_OVERDUE,  /* a handler does not return */
	EVENT_EXHAUSTED,    /* too many of them: a restart is due */
	EVENT_WATCHDOG,     /* it is not fed */
	EVENT_METRICS_AWAY, /* their port is taken */
};
#define N_EVENTS (EVENT_METRICS_AWAY + 1)

/* 32 hexadecimal digits; NULL for EVENT_NONE. */
const char *event_id(enum event event);

/* As log_event(), with that identifier alone, and with the job that it is about. */
#define log_as(event, priority, ...)                                                               \
	log_event(priority, (&(const struct log_field){"MESSAGE_ID", event_id(event)}), 1,         \
		__VA_ARGS__)

#define log_as_job(event, priority, job, ...)                                                      \
	log_event(priority,                                                                        \
		((const struct log_field[]){{"MESSAGE_ID", event_id(event)},                       \
			{"NEXUS_JOB_ID", (job)->id}, {"NEXUS_JOB_TYPE", (job)->type}}),            \
		3, __VA_ARGS__)

/*
 * Looks at the queue before anything is received, at every reload, and again every few minutes:
 * its visibility timeout, its redrive policy and dead letter queue, and whether this key may
 * extend a visibility (tried on a receipt handle that cannot be one, so without any effect).
 *
 * What keeps it from knowing is said once and then each minute, and it asks again, without an end.
 * What it finds wanting is said once, and again when it changes or is cured (findings). The dead
 * letter queue is looked at last and is waited for by nobody.
 *
 * Owns: its requests and a timer. Loop thread only.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "aws/sqs.h"
#include "conf/settings.h"
#include "work/lease.h"
#include "work/trouble.h"

/* V: for how long a daemon asks for messages. configured: 0: the queue's own. */
usec_t preflight_visibility(usec_t configured, usec_t queues_own);

/* After fewer receives a single fault may send a good job to the dead letter queue. */
#define PREFLIGHT_RECEIVES_MIN 3
/* May be tried without any effect. */
#define PREFLIGHT_NO_HANDLE "a-handle-that-cannot-be"

/* So long a job may run where visibility cannot be extended. */
usec_t preflight_job_limit(usec_t visibility);

/* What the settings ask of the queue. */
struct preflight_wants {
	bool dead_letters;         /* what fails for good is to be sent to its dead letter queue */
	usec_t visibility_timeout; /* 0: the queue's own */
	usec_t job_timeout;        /* the longest of all types */
	char job_type[SETTINGS_TYPE_MAX + 1];
};

/* What is known of the queue; borrowed. */
struct preflight_found {
	struct lease_terms terms;
	bool asked; /* V is not the queue's own and has to be asked for in each receive */
	const char *dead_letters_url; /* NULL: it has no redrive policy that can be followed */
	unsigned max_receives;        /* before the queue moves a message there; 0: any number */
};

typedef void preflight_fn(void *userdata, const struct preflight_found *found);

struct preflight;

struct preflight_options {
	const char *queue_url;         /* borrowed for its life */
	struct trouble_causes *causes; /* likewise */
	struct preflight_wants wants;
	bool waits;          /* the first look is when preflight_look() says so */
	preflight_fn *known; /* after each look */
	void *userdata;
};

/* Borrows event and sqs. 0 or a negative errno. */
int preflight_new(sd_event *event, struct sqs *sqs, const struct preflight_options *options,
	struct preflight **ret);
struct preflight *preflight_free(struct preflight *preflight);
DEFINE_CLEANUP(struct preflight *, preflight_free)

/* From the next look on, which comes at once. */
void preflight_configure(struct preflight *preflight, const struct preflight_wants *wants);

/* At once. */
void preflight_look(struct preflight *preflight);

/* What keeps it from knowing; "" when it knows. */
const char *preflight_trouble(const struct preflight *preflight);

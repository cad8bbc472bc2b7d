#include "daemon/preflight.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/backoff.h"
#include "base/log.h"
#include "work/trouble.h"

#define PREFLIGHT_EVERY (5 * USEC_PER_MIN)

/* A shorter visibility leaves no time to keep anything. */
#define VISIBILITY_MIN     (4 * USEC_PER_SEC)
#define VISIBILITY_INSTEAD (30 * USEC_PER_SEC)
#define RECEIVES_MIN       3
#define NO_RECEIPT_HANDLE  "a-handle-that-cannot-be"

struct preflight {
	struct sqs *sqs;
	preflight_fn *known;
	void *userdata;
	usec_t configured;
	sd_event_source *timer;
	struct sqs_call *call; /* NULL: none is out */
	struct backoff pause;
	struct trouble trouble;
	char text[256];

	struct lease_terms terms;
	bool asked;
	bool told; /* the queue's shortcomings, and what may be done with it */
	bool could_extend;
};

static void preflight_arm(struct preflight *p, usec_t pause)
{
	sd_event_source_set_time(p->timer, clock_monotonic() + pause);
	sd_event_source_set_enabled(p->timer, SD_EVENT_ONESHOT);
}

static void preflight_fault(struct preflight *p, const char *text)
{
	snprintf(p->text, sizeof p->text, "%s", text);
	trouble_report(&p->trouble, text);
	preflight_arm(p, backoff_next(&p->pause));
}

static void preflight_say_shortcomings(const struct sqs_queue_attributes *queue)
{
	char visibility[CLOCK_DURATION_MAX];

	if (!queue->dead_letter_arn)
		log_warning(
			"the queue has no redrive policy: a job that always fails comes for ever; "
			"give it a dead letter queue");
	else if (queue->max_receive_count < RECEIVES_MIN)
		log_warning(
			"the queue's maxReceiveCount is %u: a single fault may send a good job to "
			"the dead letter queue; set at least %d",
			queue->max_receive_count, RECEIVES_MIN);
	log_info("queue: visibility timeout %s, %s%s",
		clock_format_duration(queue->visibility_timeout, visibility),
		queue->dead_letter_arn ? "dead letters to " : "no dead letter queue",
		queue->dead_letter_arn ? queue->dead_letter_arn : "");
}

static void preflight_choose_visibility(struct preflight *p, usec_t queue_visibility)
{
	usec_t visibility = p->configured ? p->configured : queue_visibility;
	char is[CLOCK_DURATION_MAX], instead[CLOCK_DURATION_MAX];

	if (visibility < VISIBILITY_MIN) {
		if (!p->told)
			log_warning(
				"a visibility timeout of %s is too short to hold a message: %s is "
				"asked for instead; set the queue's, or [queue] "
				"visibility_timeout",
				clock_format_duration(visibility, is),
				clock_format_duration(VISIBILITY_INSTEAD, instead));
		visibility = VISIBILITY_INSTEAD;
	}
	p->terms.visibility = visibility;
	p->asked = visibility != queue_visibility;
}

/* ---- May a visibility be extended? ---- */

static void preflight_end(struct preflight *p, bool extendable, const char *text)
{
	if (!extendable && (!p->told || p->could_extend))
		log_warning(
			"visibility cannot be extended (%s): nothing is fetched ahead, a job may "
			"take as long as the visibility timeout, and an outage longer than that "
			"costs a receive; grant sqs:ChangeMessageVisibility to lift this",
			text);
	if (extendable && p->told && !p->could_extend)
		log_notice("visibility can be extended now");
	p->told = true;
	p->could_extend = p->terms.extendable = extendable;
	p->text[0] = '\0';
	backoff_reset(&p->pause);
	trouble_end(&p->trouble, "looking at the queue");
	preflight_arm(p, PREFLIGHT_EVERY);
	p->known(p->userdata, &p->terms, p->asked);
}

/* Whoever may not is told so before the handle is looked at. */
static void preflight_on_tried(void *userdata, const struct sqs_answer *answer,
	const struct sqs_entry_answer *entries, size_t n_entries)
{
	struct preflight *p = userdata;
	enum sqs_result result = answer->result;
	const char *text = answer->text;

	p->call = NULL;
	if (result == SQS_OK && n_entries > 0) {
		result = entries[0].result;
		text = entries[0].text;
	}
	if (result == SQS_OK || result == SQS_REFUSED)
		preflight_end(p, true, "");
	else if (result == SQS_DENIED)
		preflight_end(p, false, text);
	else
		preflight_fault(p, text);
}

static void preflight_on_attributes(
	void *userdata, const struct sqs_answer *answer, const struct sqs_queue_attributes *queue)
{
	struct preflight *p = userdata;
	const char *handle = NO_RECEIPT_HANDLE;

	p->call = NULL;
	if (answer->result != SQS_OK) {
		preflight_fault(p, answer->text);
		return;
	}
	preflight_choose_visibility(p, queue->visibility_timeout);
	if (!p->told)
		preflight_say_shortcomings(queue);
	if (sqs_change_visibility(p->sqs, &handle, 1, 0, preflight_on_tried, p, &p->call) < 0)
		preflight_fault(p, "the queue cannot be looked at: out of memory");
}

static int preflight_on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct preflight *p = userdata;

	(void)source;
	(void)usec;
	if (!p->call && sqs_get_attributes(p->sqs, NULL, preflight_on_attributes, p, &p->call) < 0)
		preflight_fault(p, "the queue cannot be looked at: out of memory");
	return 0;
}

/* ---- From outside ---- */

int preflight_new(sd_event *event, struct sqs *sqs, usec_t visibility_timeout, preflight_fn *known,
	void *userdata, struct preflight **ret)
{
	struct preflight *p = calloc(1, sizeof *p);

	if (!p)
		return -ENOMEM;
	p->sqs = sqs;
	p->known = known;
	p->userdata = userdata;
	p->configured = visibility_timeout;
	p->pause = (struct backoff){.base = 200 * USEC_PER_MSEC, .cap = 30 * USEC_PER_SEC};
	snprintf(p->text, sizeof p->text, "looking at the queue");
	int r = sd_event_add_time(event, &p->timer, CLOCK_MONOTONIC, 0, 1, preflight_on_timer, p);
	if (r < 0) {
		free(p);
		return r;
	}
	sd_event_source_set_description(p->timer, "preflight");
	*ret = p;
	return 0;
}

struct preflight *preflight_free(struct preflight *p)
{
	if (!p)
		return NULL;
	if (p->call)
		sqs_cancel(p->call);
	sd_event_source_disable_unref(p->timer);
	free(p);
	return NULL;
}

void preflight_configure(struct preflight *p, usec_t visibility_timeout)
{
	p->configured = visibility_timeout;
	preflight_arm(p, 0);
}

const char *preflight_trouble(const struct preflight *p)
{
	return p->text;
}

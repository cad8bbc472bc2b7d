#include "daemon/preflight.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/queue_url.h"
#include "base/backoff.h"
#include "base/loop.h"
#include "base/strbuf.h"
#include "daemon/findings.h"

#define PREFLIGHT_EVERY (5 * USEC_PER_MIN)
/* So much hangs on that permission that its grant is looked for more often. */
#define UNEXTENDABLE_EVERY USEC_PER_MIN

/* A shorter visibility leaves no time to keep anything. */
#define VISIBILITY_MIN     (4 * USEC_PER_SEC)
#define VISIBILITY_INSTEAD (30 * USEC_PER_SEC)

#define OVERLONG_MAX 160

struct preflight {
	struct sqs *sqs;
	struct preflight_options options;
	sd_event_source *timer;
	struct sqs_call *call; /* NULL: none is out */
	bool again;            /* a look was asked for while one was under way */
	struct backoff pause;
	struct trouble trouble;
	struct findings findings;
	char text[TROUBLE_TEXT_MAX];

	/* Of the queue, from its attributes. */
	struct lease_terms terms;
	bool asked;
	usec_t retention;
	unsigned max_receives;  /* 0: any number */
	char *dead_letter_arn;  /* owned; NULL: it has none */
	char *dead_letters_url; /* owned; NULL: none, or the ARN leads to none */
};

__attribute__((format(printf, 3, 4))) static void preflight_say(
	struct preflight *p, enum finding finding, const char *format, ...)
{
	char text[FINDING_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	findings_say(&p->findings, finding, text);
}

/* ---- When the next look is ---- */

static void preflight_arm(struct preflight *p, usec_t pause)
{
	loop_set_timer(p->timer, clock_monotonic() + pause);
}

static void preflight_rest_for(struct preflight *p, usec_t pause)
{
	preflight_arm(p, p->again ? 0 : pause);
	p->again = false;
}

/* This look is over. */
static void preflight_rest(struct preflight *p)
{
	preflight_rest_for(p, p->terms.extendable ? PREFLIGHT_EVERY : UNEXTENDABLE_EVERY);
}

static void preflight_fault(struct preflight *p, const char *text)
{
	snprintf(p->text, sizeof p->text, "%s", text);
	trouble_report(&p->trouble, text);
	preflight_rest_for(p, backoff_next(&p->pause));
}

/* ---- The dead letter queue ---- */

static void preflight_judge_retention(struct preflight *p, const struct sqs_queue_attributes *dead)
{
	char ours[CLOCK_DURATION_MAX], theirs[CLOCK_DURATION_MAX];

	if (p->retention == 0 || dead->retention == 0)
		findings_forget(&p->findings, FINDING_RETENTION);
	else if (dead->retention > p->retention)
		findings_say(&p->findings, FINDING_RETENTION, "");
	else
		preflight_say(p, FINDING_RETENTION,
			"the dead letter queue %s keeps messages for %s and the queue for %s: as "
			"their age is counted from when they were sent, a dead letter may be gone "
			"before anybody sees it; set the dead letter queue's "
			"MessageRetentionPeriod to more than the queue's",
			queue_url_name(p->dead_letter_arn),
			clock_format_duration(dead->retention, theirs),
			clock_format_duration(p->retention, ours));
}

/* What goes wrong for a while leaves what is known of it as it is. */
static void preflight_judge_dead_letters(struct preflight *p, const struct sqs_answer *answer,
	const struct sqs_queue_attributes *dead)
{
	const char *name = queue_url_name(p->dead_letter_arn);

	if (answer->result == SQS_DENIED || answer->result == SQS_REFUSED) {
		findings_forget(&p->findings, FINDING_DEAD_LETTERS_AWAY);
		findings_forget(&p->findings, FINDING_RETENTION);
		preflight_say(p, FINDING_DEAD_LETTERS_UNSEEN,
			"the dead letter queue %s is not looked at: %s", name, answer->text);
	} else if (answer->result == SQS_NO_QUEUE) {
		findings_forget(&p->findings, FINDING_DEAD_LETTERS_UNSEEN);
		findings_forget(&p->findings, FINDING_RETENTION);
		preflight_say(p, FINDING_DEAD_LETTERS_AWAY,
			"the dead letter queue %s does not exist: a job that always fails comes "
			"for ever; create it, or name another in the queue's redrive policy",
			name);
	} else if (answer->result == SQS_OK) {
		findings_say(&p->findings, FINDING_DEAD_LETTERS_AWAY, "");
		findings_say(&p->findings, FINDING_DEAD_LETTERS_UNSEEN, "");
		preflight_judge_retention(p, dead);
	}
}

static void preflight_on_dead_letters(
	void *userdata, const struct sqs_answer *answer, const struct sqs_queue_attributes *dead)
{
	struct preflight *p = userdata;

	p->call = NULL;
	preflight_judge_dead_letters(p, answer, dead);
	preflight_rest(p);
}

static void preflight_look_at_dead_letters(struct preflight *p)
{
	if (!p->dead_letters_url || sqs_get_attributes(p->sqs, p->dead_letters_url,
					    preflight_on_dead_letters, p, &p->call) < 0)
		preflight_rest(p);
}

/* ---- May a visibility be extended? ---- */

usec_t preflight_job_limit(usec_t visibility)
{
	return visibility - lease_kill_grace(visibility);
}

/* What the settings promise a job that cannot be kept. */
static void preflight_write_overlong(
	const struct preflight_wants *wants, usec_t limit, char ret_text[OVERLONG_MAX])
{
	bool others = strcmp(wants->job_type, "*") == 0;
	char has[CLOCK_DURATION_MAX];

	ret_text[0] = '\0';
	if (wants->job_timeout > limit)
		snprintf(ret_text, OVERLONG_MAX,
			" and not after the %s that the settings give %s%s",
			clock_format_duration(wants->job_timeout, has), others ? "it" : "type ",
			others ? "" : wants->job_type);
}

static void preflight_say_unextendable(struct preflight *p, const char *why)
{
	usec_t visibility = p->terms.visibility;
	usec_t limit = preflight_job_limit(visibility);
	char may[CLOCK_DURATION_MAX], overlong[OVERLONG_MAX];

	preflight_write_overlong(&p->options.wants, limit, overlong);
	preflight_say(p, FINDING_EXTENDING,
		"visibility cannot be extended (%s): nothing is fetched ahead, an outage longer "
		"than the visibility timeout costs a receive, and a job is cancelled after %s%s; "
		"grant sqs:ChangeMessageVisibility to lift this",
		why, clock_format_duration(limit, may), overlong);
}

static void preflight_end(struct preflight *p, bool extendable, const char *why)
{
	p->terms.extendable = extendable;
	if (extendable)
		findings_say(&p->findings, FINDING_EXTENDING, "");
	else
		preflight_say_unextendable(p, why);
	p->text[0] = '\0';
	backoff_reset(&p->pause);
	trouble_end(&p->trouble, "looking at the queue");
	const struct preflight_found found = {
		p->terms, p->asked, p->dead_letters_url, p->max_receives};
	p->options.known(p->options.userdata, &found);
	preflight_look_at_dead_letters(p);
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
	if (result == SQS_OK || result == SQS_STALE || result == SQS_REFUSED)
		preflight_end(p, true, "");
	else if (result == SQS_DENIED)
		preflight_end(p, false, text);
	else
		preflight_fault(p, text);
}

/* ---- The queue ---- */

static void preflight_judge_redrive(struct preflight *p, const struct sqs_queue_attributes *queue)
{
	if (!queue->dead_letter_arn)
		preflight_say(p, FINDING_REDRIVE,
			"the queue has no redrive policy: a job that always fails comes for "
			"ever%s; give it a dead letter queue",
			p->options.wants.dead_letters
				? ", and [retry] dead_letter has no queue to send to"
				: "");
	else if (queue->max_receive_count < PREFLIGHT_RECEIVES_MIN)
		preflight_say(p, FINDING_REDRIVE,
			"the queue's maxReceiveCount is %u: a single fault may send a good job to "
			"the dead letter queue; set at least %d",
			queue->max_receive_count, PREFLIGHT_RECEIVES_MIN);
	else
		findings_say(&p->findings, FINDING_REDRIVE, "");
}

usec_t preflight_visibility(usec_t configured, usec_t queues_own)
{
	usec_t visibility = configured ? configured : queues_own;

	return visibility < VISIBILITY_MIN ? VISIBILITY_INSTEAD : visibility;
}

static void preflight_judge_visibility(struct preflight *p, usec_t queue_visibility)
{
	usec_t configured = p->options.wants.visibility_timeout;
	usec_t wanted = configured ? configured : queue_visibility;
	usec_t visibility = preflight_visibility(configured, queue_visibility);
	char is[CLOCK_DURATION_MAX], instead[CLOCK_DURATION_MAX];

	if (visibility != wanted) {
		preflight_say(p, FINDING_VISIBILITY,
			"a visibility timeout of %s is too short to hold a message: %s is asked "
			"for instead; set the queue's, or [queue] visibility_timeout",
			clock_format_duration(wanted, is),
			clock_format_duration(visibility, instead));
	} else {
		findings_say(&p->findings, FINDING_VISIBILITY, "");
	}
	p->terms.visibility = visibility;
	p->asked = visibility != queue_visibility;
}

/* Keeps what the rest of the look needs. 0 or -ENOMEM. */
static int preflight_keep(struct preflight *p, const struct sqs_queue_attributes *queue)
{
	const char *arn = queue->dead_letter_arn;
	_cleanup_strbuf_ struct strbuf url = STRBUF_INIT;
	char *copy = arn ? strdup(arn) : NULL;

	if (arn && !copy)
		return -ENOMEM;
	if (arn)
		queue_url_of_arn(p->options.queue_url, arn, &url);
	if (!arn || !p->dead_letter_arn || strcmp(arn, p->dead_letter_arn) != 0) {
		findings_forget(&p->findings, FINDING_DEAD_LETTERS_AWAY);
		findings_forget(&p->findings, FINDING_DEAD_LETTERS_UNSEEN);
		findings_forget(&p->findings, FINDING_RETENTION);
	}
	free(p->dead_letter_arn);
	p->dead_letter_arn = copy;
	free(p->dead_letters_url);
	p->dead_letters_url = url.len > 0 ? strbuf_take(&url) : NULL;
	p->retention = queue->retention;
	p->max_receives = queue->max_receive_count;
	return 0;
}

static void preflight_judge(struct preflight *p, const struct sqs_queue_attributes *queue)
{
	const char *arn = queue->dead_letter_arn;
	char visibility[CLOCK_DURATION_MAX];

	preflight_judge_redrive(p, queue);
	preflight_judge_visibility(p, queue->visibility_timeout);
	preflight_say(p, FINDING_QUEUE, "queue: visibility timeout %s, %s%s",
		clock_format_duration(queue->visibility_timeout, visibility),
		arn ? "dead letters to " : "no dead letter queue", arn ? arn : "");
}

static void preflight_on_attributes(
	void *userdata, const struct sqs_answer *answer, const struct sqs_queue_attributes *queue)
{
	struct preflight *p = userdata;
	const struct sqs_visibility entry = {.handle = PREFLIGHT_NO_HANDLE};
	const struct sqs_change change = {.entries = &entry, .n_entries = 1};

	p->call = NULL;
	if (answer->result != SQS_OK) {
		preflight_fault(p, answer->text);
		return;
	}
	if (queue->fifo) {
		preflight_fault(p,
			"the queue is a FIFO queue, whose order nothing here would keep; "
			"name a standard queue in [queue] url");
		return;
	}
	int r = preflight_keep(p, queue);
	if (r == 0) {
		preflight_judge(p, queue);
		r = sqs_change_visibility(p->sqs, &change, preflight_on_tried, p, &p->call);
	}
	if (r < 0)
		preflight_fault(p, "the queue cannot be looked at: out of memory");
}

static int preflight_on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct preflight *p = userdata;

	(void)source;
	(void)usec;
	if (sqs_get_attributes(p->sqs, NULL, preflight_on_attributes, p, &p->call) < 0)
		preflight_fault(p, "the queue cannot be looked at: out of memory");
	return 0;
}

/* ---- From outside ---- */

int preflight_new(sd_event *event, struct sqs *sqs, const struct preflight_options *options,
	struct preflight **ret)
{
	_cleanup_(preflight_freep) struct preflight *p = calloc(1, sizeof *p);

	if (!p)
		return -ENOMEM;
	p->sqs = sqs;
	p->options = *options;
	p->trouble = (struct trouble){
		.causes = options->causes,
		.away = EVENT_QUEUE_AWAY,
		.back = EVENT_QUEUE_BACK,
	};
	p->pause = (struct backoff){.base = 200 * USEC_PER_MSEC, .cap = 30 * USEC_PER_SEC};
	snprintf(p->text, sizeof p->text, "%s",
		options->waits ? "waiting for credentials" : "looking at the queue");
	int r = loop_add_timer(
		event, CLOCK_MONOTONIC, "preflight", preflight_on_timer, p, &p->timer);
	if (r < 0)
		return r;
	if (!options->waits)
		preflight_arm(p, 0);
	*ret = TAKE_PTR(p);
	return 0;
}

struct preflight *preflight_free(struct preflight *p)
{
	if (!p)
		return NULL;
	if (p->call)
		sqs_cancel(p->call);
	sd_event_source_disable_unref(p->timer);
	free(p->dead_letter_arn);
	free(p->dead_letters_url);
	free(p);
	return NULL;
}

void preflight_configure(struct preflight *p, const struct preflight_wants *wants)
{
	p->options.wants = *wants;
	preflight_look(p);
}

void preflight_look(struct preflight *p)
{
	if (p->call)
		p->again = true;
	else
		preflight_arm(p, 0);
}

const char *preflight_trouble(const struct preflight *p)
{
	return p->text;
}

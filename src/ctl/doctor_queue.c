#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "aws/queue_url.h"
#include "aws/sqs_action.h"
#include "ctl/attributes.h"
#include "ctl/client.h"
#include "ctl/doctor.h"
#include "ctl/site.h"
#include "daemon/preflight.h"

#define PROVISION "nexusctl provision --fix"

/* ---- What may be done ---- */

/* A request that SQS refuses, whoever asks: but whoever may not is told that instead. */
static enum sqs_result try_receive(struct client *client, const char *url)
{
	return client_ask(client, SQS_TRY_RECEIVE, url,
		json_pack("{s:s, s:i}", "QueueUrl", url, "MaxNumberOfMessages", 0), NULL);
}

static enum sqs_result try_send(struct client *client, const char *url)
{
	return client_ask(client, SQS_TRY_SEND, url,
		json_pack("{s:s, s:s}", "QueueUrl", url, "MessageBody", ""), NULL);
}

static enum sqs_result try_delete(struct client *client, const char *url)
{
	return client_delete(client, url, (const char *const[]){PREFLIGHT_NO_HANDLE}, 1, NULL);
}

static enum sqs_result try_extend(struct client *client, const char *url)
{
	const struct sqs_visibility entry = {.handle = PREFLIGHT_NO_HANDLE};

	return client_change_visibility(client, url, &entry, 1, NULL);
}

struct permission {
	enum sqs_action action;
	enum sqs_result (*try)(struct client *client, const char *url);
	enum doctor_verdict without; /* what its lack is */
	const char *means;           /* and what that means; "": what is denied says enough */
};

static const struct permission on_queue[] = {
	{SQS_RECEIVE, try_receive, DOCTOR_BAD, ""},
	{SQS_DELETE, try_delete, DOCTOR_BAD, ""},
	{SQS_CHANGE_VISIBILITY, try_extend, DOCTOR_WARNING,
		"; without it nothing is fetched ahead, and jobs are limited to the visibility"},
};
static const struct permission on_dead_letters = {
	SQS_SEND, try_send, DOCTOR_BAD, "; [retry] dead_letter = send needs it"};

/* Whether it is given, as far as can be told. */
static bool look_at_permission(struct doctor *d, struct client *client,
	const struct permission *permission, const char *url)
{
	const char *name = sqs_action_names(permission->action)->permission;

	switch (permission->try(client, url)) {
	case SQS_OK:
	case SQS_STALE:
	case SQS_REFUSED:
		doctor_say(d, DOCTOR_GOOD, name, NULL, "not denied on %s", queue_url_name(url));
		return true;
	case SQS_DENIED:
		doctor_say(d, permission->without, name, NULL, "%s%s", client_error(client),
			permission->means);
		return false;
	case SQS_NO_KEY:
		doctor_say(d, DOCTOR_BAD, name, NULL, "%s", client_error(client));
		return false;
	case SQS_UNREACHABLE:
	case SQS_THROTTLED:
	case SQS_UNAVAILABLE:
	case SQS_NO_CREDENTIALS:
	case SQS_BAD_SIGNATURE:
	case SQS_BAD_TOKEN:
	case SQS_NO_QUEUE:
	case SQS_GARBLED:
		break;
	}
	doctor_say(d, DOCTOR_WARNING, name, "try again", "not known: %s", client_error(client));
	return true;
}

/* ---- The queue's attributes ---- */

static usec_t duration_of(const struct site *site, const char *attribute)
{
	return attributes_number(site->attributes, attribute) * USEC_PER_SEC;
}

static void judge_visibility(
	struct doctor *d, const struct settings *settings, const struct site *site, bool extendable)
{
	const struct settings_job *job = settings_longest_job(settings);
	usec_t ours = settings->queue.visibility_timeout;
	usec_t queues = duration_of(site, "VisibilityTimeout"), wanted = ours ? ours : queues;
	usec_t visibility = preflight_visibility(ours, queues);
	usec_t limit = preflight_job_limit(visibility);
	char is[CLOCK_DURATION_MAX], longest[CLOCK_DURATION_MAX], may[CLOCK_DURATION_MAX];

	clock_format_duration(wanted, is);
	clock_format_duration(job->timeout, longest);
	if (visibility != wanted)
		doctor_say(d, DOCTOR_WARNING, "visibility",
			ours ? "set [queue] visibility_timeout to more" : PROVISION,
			"%s is too short to hold a message: another is asked for instead", is);
	else if (!extendable && job->timeout > limit)
		doctor_say(d, DOCTOR_BAD, "visibility",
			"grant sqs:ChangeMessageVisibility, or make the visibility timeout longer",
			"%s, and it cannot be extended: a job of type %s is cancelled after %s, "
			"not after its %s",
			is, job->type, clock_format_duration(limit, may), longest);
	else
		doctor_say(d, DOCTOR_GOOD, "visibility", NULL, "%s%s; the longest job may take %s",
			is, extendable ? ", extended while a job runs" : "", longest);
}

static void judge_redrive(struct doctor *d, const struct site *jobs, const struct site *dead)
{
	int receives = attributes_receives(jobs->attributes);

	if (receives < PREFLIGHT_RECEIVES_MIN)
		doctor_say(d, DOCTOR_WARNING, "redrive", PROVISION,
			"to %s after %d receives: a single fault may send a good job there",
			dead->name, receives);
	else
		doctor_say(d, DOCTOR_GOOD, "redrive", NULL, "to %s after %d receives", dead->name,
			receives);
}

/* ---- The dead letter queue ---- */

static void judge_retention(struct doctor *d, const struct site *jobs, const struct site *dead)
{
	usec_t ours = duration_of(jobs, "MessageRetentionPeriod");
	usec_t theirs = duration_of(dead, "MessageRetentionPeriod");
	char queue[CLOCK_DURATION_MAX], letters[CLOCK_DURATION_MAX];

	clock_format_duration(ours, queue);
	clock_format_duration(theirs, letters);
	if (theirs > ours)
		doctor_say(d, DOCTOR_GOOD, "dead letters", NULL,
			"%s keeps them for %s, longer than the queue's %s", dead->name, letters,
			queue);
	else
		doctor_say(d, DOCTOR_WARNING, "dead letters", PROVISION,
			"%s keeps them for %s, not longer than the queue's %s, and that counts "
			"from when they were sent: they may be gone before anybody sees them",
			dead->name, letters, queue);
}

static void look_at_dead_letters(struct doctor *d, const struct settings *settings,
	struct client *client, const struct site *jobs)
{
	bool sends = settings->retry.dead_letter == SETTINGS_DEAD_LETTER_SEND;
	_cleanup_(site_done) struct site dead = {0};

	if (!site_follow(jobs, &dead)) {
		doctor_say(d, DOCTOR_BAD, "redrive", PROVISION,
			"there is no policy: a job that always fails comes for ever");
		return;
	}
	dead.name = queue_url_name(dead.url);
	judge_redrive(d, jobs, &dead);
	enum sqs_result result = client_attributes(client, dead.url, &dead.attributes);
	if (result == SQS_OK)
		judge_retention(d, jobs, &dead);
	else if (result == SQS_NO_QUEUE)
		doctor_say(d, DOCTOR_BAD, "dead letters", PROVISION,
			"%s is not there: a job that always fails comes for ever", dead.name);
	else
		doctor_say(d, DOCTOR_WARNING, "dead letters", NULL, "not looked at: %s",
			client_error(client));
	if (sends && result != SQS_NO_QUEUE)
		look_at_permission(d, client, &on_dead_letters, dead.url);
}

/* ---- All of it ---- */

void doctor_look_at_queue(struct doctor *d, const struct settings *settings, struct client *client)
{
	_cleanup_(site_done) struct site jobs = {.name = queue_url_name(settings->queue.url)};
	bool extendable = false;

	jobs.url = strdup(settings->queue.url);
	if (!jobs.url)
		return;
	enum sqs_result result = client_attributes(client, jobs.url, &jobs.attributes);
	if (result != SQS_OK) {
		doctor_say(d, DOCTOR_BAD, "queue",
			result == SQS_NO_QUEUE ? "nexusctl provision" : NULL, "%s",
			client_error(client));
		return;
	}
	doctor_say(d, DOCTOR_GOOD, "queue", NULL, "%s in %s", jobs.name, client_region(client));
	for (size_t i = 0; i < sizeof on_queue / sizeof on_queue[0]; i++)
		extendable = look_at_permission(d, client, &on_queue[i], jobs.url);
	judge_visibility(d, settings, &jobs, extendable);
	look_at_dead_letters(d, settings, client, &jobs);
}

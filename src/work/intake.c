#include "work/intake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/backoff.h"
#include "base/loop.h"

#define STOP_PATIENCE USEC_PER_SEC
#define PAUSE_MIN     (200 * USEC_PER_MSEC)

struct poll {
	struct intake *intake;
	struct sqs_call *call;
	unsigned n_asked;
	usec_t began_at;
	TAILQ_ENTRY(poll) link;
};
TAILQ_HEAD(poll_list, poll);

struct intake {
	struct sqs *sqs;
	struct intake_options options;
	intake_fn *received;
	void *userdata;
	struct poll_list polls; /* the oldest first */
	unsigned n_polls;
	unsigned n_asked;
	unsigned n_allowed; /* polls at a time */
	usec_t answered_at;
	bool stopped;
	bool paused;
	struct backoff pause;
	struct backoff early_pause;
	struct trouble trouble;
	char text[TROUBLE_TEXT_MAX];
	sd_event_source *timer; /* the pause's end, or that of the patience with a stop */
};

static void intake_poll_free(struct poll *poll)
{
	TAILQ_REMOVE(&poll->intake->polls, poll, link);
	poll->intake->n_polls--;
	poll->intake->n_asked -= poll->n_asked;
	free(poll);
}

static void intake_cut(struct intake *intake)
{
	struct poll *poll;

	while ((poll = TAILQ_FIRST(&intake->polls))) {
		sqs_cancel(poll->call);
		intake_poll_free(poll);
	}
}

static void intake_nothing(struct intake *intake, enum sqs_result result)
{
	struct sqs_answer answer = {.result = result, .text = "", .code = ""};

	intake->received(intake->userdata, &answer, NULL, 0);
}

static int intake_on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct intake *intake = userdata;

	(void)source;
	(void)usec;
	intake->paused = false;
	if (intake->stopped)
		intake_cut(intake);
	/* The owner has a look: there may be credits to use, or a stop to end. */
	intake_nothing(intake, SQS_UNREACHABLE);
	return 0;
}

static void intake_arm(struct intake *intake, usec_t pause)
{
	loop_set_timer(intake->timer, clock_monotonic() + pause);
}

int intake_new(sd_event *event, struct sqs *sqs, const struct intake_options *options,
	intake_fn *received, void *userdata, struct intake **ret)
{
	_cleanup_(intake_freep) struct intake *intake = calloc(1, sizeof *intake);

	if (!intake)
		return -ENOMEM;
	intake->sqs = sqs;
	intake->options = *options;
	intake->trouble = (struct trouble){
		.causes = options->causes,
		.away = EVENT_QUEUE_AWAY,
		.back = EVENT_QUEUE_BACK,
	};
	intake->received = received;
	intake->userdata = userdata;
	intake->n_allowed = 1;
	intake->answered_at = clock_monotonic();
	intake->pause = (struct backoff){.base = PAUSE_MIN, .cap = 30 * USEC_PER_SEC};
	intake->early_pause = (struct backoff){.base = PAUSE_MIN, .cap = USEC_PER_SEC};
	TAILQ_INIT(&intake->polls);
	int r = loop_add_timer(
		event, CLOCK_MONOTONIC, "intake", intake_on_timer, intake, &intake->timer);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(intake);
	return 0;
}

struct intake *intake_free(struct intake *intake)
{
	if (!intake)
		return NULL;
	intake_cut(intake);
	sd_event_source_disable_unref(intake->timer);
	free(intake);
	return NULL;
}

void intake_set_visibility(struct intake *intake, usec_t visibility_timeout)
{
	intake->options.visibility_timeout = visibility_timeout;
}

void intake_set_details(struct intake *intake, bool details)
{
	intake->options.details = details;
}

static void intake_rest(struct intake *intake, struct backoff *pause)
{
	if (intake->paused || intake->stopped)
		return;
	intake->paused = true;
	intake_arm(intake, backoff_next(pause));
}

static void intake_fault(struct intake *intake, const char *text)
{
	snprintf(intake->text, sizeof intake->text, "%s", text);
	trouble_report(&intake->trouble, text);
	intake->n_allowed = 1;
	intake_rest(intake, &intake->pause);
}

static void intake_success(struct intake *intake, size_t n_messages, usec_t took)
{
	intake->text[0] = '\0';
	intake->answered_at = clock_monotonic();
	trouble_end(&intake->trouble, "receiving");
	backoff_reset(&intake->pause);
	if (n_messages > 0 && intake->n_allowed < intake->options.max_polls)
		intake->n_allowed++;
	else if (n_messages == 0 && intake->n_allowed > 1)
		intake->n_allowed--;
	/* Who does not wait until there is something would be asked again and again. */
	if (n_messages == 0 && took < usec_max(intake->options.wait / 2, PAUSE_MIN))
		intake_rest(intake, &intake->early_pause);
	else
		backoff_reset(&intake->early_pause);
}

static void intake_on_answer(void *userdata, const struct sqs_answer *answer,
	const struct sqs_message *messages, size_t n_messages)
{
	struct poll *poll = userdata;
	struct intake *intake = poll->intake;
	usec_t took = clock_monotonic() - poll->began_at;

	intake_poll_free(poll);
	if (answer->result == SQS_OK)
		intake_success(intake, n_messages, took);
	else
		intake_fault(intake, answer->text);
	intake->received(intake->userdata, answer, messages, n_messages);
}

static int intake_poll(struct intake *intake, unsigned n_messages)
{
	struct poll *poll = calloc(1, sizeof *poll);
	struct sqs_receive receive = {
		.max_messages = n_messages,
		.wait = intake->options.wait,
		.visibility_timeout = intake->options.visibility_timeout,
		.details = intake->options.details,
	};

	if (!poll)
		return -ENOMEM;
	poll->intake = intake;
	poll->n_asked = n_messages;
	poll->began_at = clock_monotonic();
	TAILQ_INSERT_TAIL(&intake->polls, poll, link);
	intake->n_polls++;
	intake->n_asked += n_messages;
	int r = sqs_receive(intake->sqs, &receive, intake_on_answer, poll, &poll->call);
	if (r < 0)
		intake_poll_free(poll);
	return r;
}

/* A poll for less than ten only when none is out: the credits that come next fill it up. */
void intake_pump(struct intake *intake, unsigned credits)
{
	while (!intake->stopped && !intake->paused && intake->n_polls < intake->n_allowed &&
		credits >= (intake->n_polls == 0 ? 1 : SQS_BATCH_MAX)) {
		unsigned n_messages = credits < SQS_BATCH_MAX ? credits : SQS_BATCH_MAX;
		if (intake_poll(intake, n_messages) < 0) {
			intake_fault(intake, "a receive could not be started: out of memory");
			return;
		}
		credits -= n_messages;
	}
}

void intake_stop(struct intake *intake)
{
	if (intake->stopped)
		return;
	intake->stopped = true;
	intake_arm(intake, intake->n_polls > 0 ? STOP_PATIENCE : 0);
}

unsigned intake_n_polls(const struct intake *intake)
{
	return intake->n_polls;
}

unsigned intake_n_asked(const struct intake *intake)
{
	return intake->n_asked;
}

usec_t intake_oldest_poll(const struct intake *intake)
{
	const struct poll *oldest = TAILQ_FIRST(&intake->polls);

	return oldest ? oldest->began_at : 0;
}

usec_t intake_answered_at(const struct intake *intake)
{
	return intake->answered_at;
}

const char *intake_trouble(const struct intake *intake)
{
	return intake->text;
}

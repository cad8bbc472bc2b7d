#include "work/burial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/log.h"
#include "base/loop.h"

#define SENDS_MAX 8 /* at a time: each may be of 1 MiB */
#define PATIENCE  (2 * USEC_PER_MIN)
#define PAUSE_MAX (5 * USEC_PER_SEC)

static const char full_text[] = "receiving stops: too many messages wait for the dead letter queue";

struct grave {
	struct burial *burial;
	struct burial_message message;
	struct dead_letter letter;
	struct sqs_call *call;
	usec_t give_up_at; /* CLOCK_BOOTTIME */
	TAILQ_ENTRY(grave) link;
};
TAILQ_HEAD(grave_list, grave);

struct burial {
	struct sqs *sqs;
	struct burial_options options;
	char *queue_url; /* owned; NULL: there is none */
	struct grave_list waiting;
	struct grave_list out;
	unsigned n_out;
	unsigned n_messages;
	size_t bytes;
	struct backoff pause;
	struct trouble trouble;
	char text[TROUBLE_TEXT_MAX];
	struct trouble full;
	sd_event_source *timer; /* enabled while the burial pauses */
	bool paused;
};

static size_t burial_bytes_of(const struct grave *grave)
{
	return sizeof *grave + grave->message.body_len + grave->message.envelope->bytes;
}

/* It is in neither list, and its delivery somebody else's. */
static void burial_free_grave(struct grave *grave)
{
	grave->burial->n_messages--;
	grave->burial->bytes -= burial_bytes_of(grave);
	free(grave->message.body);
	envelope_free(grave->message.envelope);
	free(grave);
}

static void burial_leave(struct burial *burial, struct delivery *delivery)
{
	lease_forget(burial->options.lease, delivery);
	delivery_unref(delivery);
}

static void burial_leave_grave(struct grave *grave)
{
	burial_leave(grave->burial, grave->message.delivery);
	burial_free_grave(grave);
}

static void burial_give_up(struct grave *grave, const char *why)
{
	log_warning("message=%s could not be sent to the dead letter queue: %s; it is left to its "
		    "queue",
		grave->message.delivery->message_id, why);
	burial_leave_grave(grave);
}

/* Of one that is visible again somebody else may have made a copy by now. */
static bool burial_may_wait(const struct grave *grave)
{
	usec_t now = clock_boottime();

	return now < grave->give_up_at && now < grave->message.delivery->visible_at;
}

/* ---- Sending ---- */

static void burial_pause(struct burial *burial)
{
	if (burial->paused)
		return;
	burial->paused = true;
	loop_set_timer(burial->timer, clock_monotonic() + backoff_next(&burial->pause));
}

static void burial_complain(struct burial *burial, const char *text, const char *consequence)
{
	snprintf(burial->text, sizeof burial->text, "%s%s", text, consequence);
	trouble_report(&burial->trouble, burial->text);
}

static void burial_sent(struct grave *grave, const char *copy_id)
{
	struct burial *burial = grave->burial;
	struct delivery *delivery = grave->message.delivery;

	burial->text[0] = '\0';
	trouble_end(&burial->trouble, "sending to the dead letter queue");
	backoff_reset(&burial->pause);
	log_info("message=%s is in the dead letter queue as message=%s", delivery->message_id,
		copy_id);
	lease_forget(burial->options.lease, delivery);
	acker_delete(burial->options.acker, delivery);
	acker_flush(burial->options.acker);
	burial_free_grave(grave);
}

static void burial_failed(struct grave *grave, const char *text)
{
	struct burial *burial = grave->burial;

	burial_complain(burial, text, "");
	if (burial_may_wait(grave)) {
		TAILQ_INSERT_TAIL(&burial->waiting, grave, link);
		burial_pause(burial);
	} else {
		burial_give_up(grave, text);
	}
}

static void burial_flush(struct burial *burial);

static void on_sent(void *userdata, const struct sqs_answer *answer, const char *message_id)
{
	struct grave *grave = userdata;
	struct burial *burial = grave->burial;

	TAILQ_REMOVE(&burial->out, grave, link);
	burial->n_out--;
	switch (answer->result) {
	case SQS_OK:
		burial_sent(grave, message_id);
		break;
	case SQS_DENIED:
	case SQS_NO_KEY:
	case SQS_NO_QUEUE:
	case SQS_STALE:
		burial_complain(burial, answer->text,
			"; what fails for good is left to its queue, for its redrive policy");
		burial_leave_grave(grave);
		break;
	case SQS_REFUSED: /* for what is in that one, which says nothing of others */
		burial_give_up(grave, answer->text);
		break;
	case SQS_UNREACHABLE:
	case SQS_THROTTLED:
	case SQS_UNAVAILABLE:
	case SQS_NO_CREDENTIALS:
	case SQS_BAD_SIGNATURE:
	case SQS_BAD_TOKEN:
	case SQS_GARBLED:
		burial_failed(grave, answer->text);
		break;
	}
	burial_flush(burial);
	burial->options.changed(burial->options.userdata);
}

static void burial_send(struct grave *grave)
{
	struct burial *burial = grave->burial;
	const struct sqs_send send = {
		.queue_url = burial->queue_url,
		.body = grave->message.body,
		.body_len = grave->message.body_len,
		.attributes = grave->letter.attributes,
		.n_attributes = grave->letter.n_attributes,
	};

	if (sqs_send(burial->sqs, &send, on_sent, grave, &grave->call) < 0) {
		TAILQ_INSERT_HEAD(&burial->waiting, grave, link);
		burial_pause(burial);
		return;
	}
	TAILQ_INSERT_TAIL(&burial->out, grave, link);
	burial->n_out++;
}

static void burial_flush(struct burial *burial)
{
	bool open = burial_is_open(burial);
	struct grave *grave;

	while ((!burial->paused || !open) && burial->n_out < SENDS_MAX &&
		(grave = TAILQ_FIRST(&burial->waiting))) {
		TAILQ_REMOVE(&burial->waiting, grave, link);
		if (!open)
			burial_give_up(grave, "there is none any more, or it is not asked for");
		else if (!burial_may_wait(grave))
			burial_give_up(
				grave, burial->text[0] ? burial->text : "its turn came too late");
		else
			burial_send(grave);
	}
	/* Nothing keeps copies from being sent that are not to be. */
	if (!open) {
		burial->text[0] = '\0';
		trouble_drop(&burial->trouble);
	}
}

static int on_pause_over(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct burial *burial = userdata;

	(void)source;
	(void)usec;
	burial->paused = false;
	burial_flush(burial);
	burial->options.changed(burial->options.userdata);
	return 0;
}

/* ---- From outside ---- */

int burial_new(
	sd_event *event, struct sqs *sqs, const struct burial_options *options, struct burial **ret)
{
	_cleanup_(burial_freep) struct burial *burial = calloc(1, sizeof *burial);

	if (!burial)
		return -ENOMEM;
	burial->sqs = sqs;
	burial->options = *options;
	burial->trouble = (struct trouble){
		.causes = options->causes,
		.away = EVENT_DEAD_LETTERS_AWAY,
		.back = EVENT_DEAD_LETTERS_BACK,
	};
	burial->full = burial->trouble;
	burial->pause = (struct backoff){.base = 100 * USEC_PER_MSEC, .cap = PAUSE_MAX};
	TAILQ_INIT(&burial->waiting);
	TAILQ_INIT(&burial->out);
	int r = loop_add_timer(
		event, CLOCK_MONOTONIC, "burial", on_pause_over, burial, &burial->timer);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(burial);
	return 0;
}

struct burial *burial_free(struct burial *burial)
{
	struct grave *grave;

	if (!burial)
		return NULL;
	while ((grave = TAILQ_FIRST(&burial->out))) {
		TAILQ_REMOVE(&burial->out, grave, link);
		sqs_cancel(grave->call);
		burial_leave_grave(grave);
	}
	while ((grave = TAILQ_FIRST(&burial->waiting))) {
		TAILQ_REMOVE(&burial->waiting, grave, link);
		burial_leave_grave(grave);
	}
	sd_event_source_disable_unref(burial->timer);
	free(burial->queue_url);
	free(burial);
	return NULL;
}

void burial_set_wanted(struct burial *burial, bool wanted)
{
	burial->options.wanted = wanted;
	burial_flush(burial);
}

int burial_set_queue(struct burial *burial, const char *queue_url)
{
	char *copy = queue_url ? strdup(queue_url) : NULL;

	free(burial->queue_url);
	burial->queue_url = copy;
	burial_flush(burial);
	return queue_url && !copy ? -ENOMEM : 0;
}

bool burial_is_open(const struct burial *burial)
{
	return burial->options.wanted && burial->queue_url;
}

void burial_add(struct burial *burial, const struct burial_message *message,
	const struct dead_letter_cause *cause)
{
	struct grave *grave = calloc(1, sizeof *grave);

	if (!grave) {
		log_warning("message=%s: out of memory for its copy in the dead letter queue; it "
			    "is left to its queue",
			message->delivery->message_id);
		free(message->body);
		envelope_free(message->envelope);
		burial_leave(burial, message->delivery);
		return;
	}
	grave->burial = burial;
	grave->message = *message;
	grave->give_up_at = clock_boottime() + PATIENCE;
	dead_letter_write(&grave->letter, message->envelope, message->body_len, cause);
	burial->n_messages++;
	burial->bytes += burial_bytes_of(grave);
	TAILQ_INSERT_TAIL(&burial->waiting, grave, link);
	burial_flush(burial);
}

unsigned burial_n_messages(const struct burial *burial)
{
	return burial->n_messages;
}

size_t burial_bytes(const struct burial *burial)
{
	return burial->bytes;
}

bool burial_is_full(struct burial *burial, size_t bytes_max)
{
	bool over = burial->n_messages >= BURIAL_MESSAGES_MAX || burial->bytes >= bytes_max;
	bool halved =
		burial->n_messages <= BURIAL_MESSAGES_MAX / 2 && burial->bytes <= bytes_max / 2;

	if (over && burial->full.since == 0)
		trouble_report(&burial->full, full_text);
	else if (halved)
		trouble_end(&burial->full, "receiving");
	return burial->full.since > 0;
}

const char *burial_full_trouble(const struct burial *burial)
{
	return burial->full.since > 0 ? full_text : "";
}

const char *burial_trouble(const struct burial *burial)
{
	return burial->text;
}

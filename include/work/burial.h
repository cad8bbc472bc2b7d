/*
 * Sends permanent failures to the dead letter queue at once, where that is asked for: a copy of
 * the message, with the reason as attributes (work/dead_letter). Once SQS has confirmed the copy
 * the original is deleted, so that whatever ends this daemon in between leaves it twice, and never
 * nowhere.
 *
 * The message's visibility is kept meanwhile. A copy that does not get through is sent again, for
 * two minutes at most, and as long as the message is invisible; one that is not accepted (no
 * permission, no such queue) is not. Then the message is left to its queue, whose redrive policy
 * moves it in the end. Others are received meanwhile, until there are too many on their way. Owns:
 * these, and its requests. Loop thread only.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "aws/sqs.h"
#include "job/envelope.h"
#include "work/acker.h"
#include "work/dead_letter.h"
#include "work/lease.h"
#include "work/trouble.h"

/* With so many on their way nothing is received until half of them are gone. */
#define BURIAL_MESSAGES_MAX 1000

struct burial_options {
	struct lease *lease; /* these three are borrowed */
	struct acker *acker;
	struct trouble_causes *causes;
	bool wanted;                     /* until burial_set_wanted() */
	void (*changed)(void *userdata); /* from the loop: fewer are on their way */
	void *userdata;
};

struct burial;

/* Borrows event and sqs; copies the options. 0 or a negative errno. */
int burial_new(sd_event *event, struct sqs *sqs, const struct burial_options *options,
	struct burial **ret);
/* Cancels what is out. Returns NULL. */
struct burial *burial_free(struct burial *burial);
DEFINE_CLEANUP(struct burial *, burial_free)

void burial_set_wanted(struct burial *burial, bool wanted);
/* Copies the URL; NULL: the queue has no dead letter queue. 0 or -ENOMEM, and then it has none. */
int burial_set_queue(struct burial *burial, const char *queue_url);
/* Copies are wanted, and there is a queue for them. */
bool burial_is_open(const struct burial *burial);

struct burial_message {
	struct delivery *delivery; /* the caller's share; in no hold, but watched by the lease */
	char *body;                /* owned, as the envelope, which has all attributes */
	size_t body_len;
	struct envelope *envelope;
};

/* Takes the message; borrows cause. Without memory it is left to its queue. */
void burial_add(struct burial *burial, const struct burial_message *message,
	const struct dead_letter_cause *cause);

/* On their way, and the bytes that they take. */
unsigned burial_n_messages(const struct burial *burial);
size_t burial_bytes(const struct burial *burial);
/*
 * Whether so many are on their way, or of so many bytes, that nothing may be received; the log says
 * when that begins and ends.
 */
bool burial_is_full(struct burial *burial, size_t bytes_max);
/* What keeps messages from being received; "" when nothing does. */
const char *burial_full_trouble(const struct burial *burial);
/* What keeps copies from being sent; the same. */
const char *burial_trouble(const struct burial *burial);

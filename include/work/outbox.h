/*
 * Messages on their way to one batch action: DeleteMessageBatch or ChangeMessageVisibilityBatch.
 *
 * Natural batching: full tens go at once, several side by side; what is less than ten goes when
 * nothing is out, and so waits at most for one answer. What fails is asked again after a pause for
 * as long as its owner wants; the pause grows and has no end. Owns: its requests, and a share of
 * each delivery in it. Loop thread only.
 */
#pragma once

#include <systemd/sd-event.h>

#include "aws/sqs.h"
#include "work/delivery.h"
#include "work/trouble.h"

enum outbox_action {
	OUTBOX_DELETE,
	OUTBOX_EXTEND,    /* to the outbox's visibility */
	OUTBOX_GIVE_BACK, /* each visible when its delivery says: again_at */
};

/*
 * How one delivery's turn ended; sent_at is the request's. true: it is done with, and the outbox's
 * share is dropped after the call. false, only after a failure: ask again.
 */
typedef bool outbox_done_fn(void *userdata, struct delivery *delivery, enum sqs_result result,
	const char *text, usec_t sent_at);

struct outbox_options {
	enum outbox_action action;
	const char *what;              /* "deleting messages", for the log */
	struct trouble_causes *causes; /* borrowed */
	outbox_done_fn *done;
	void (*answered)(void *userdata); /* after all of a request's; NULL: nobody waits for it */
	void *userdata;
};

struct outbox;

/* Borrows event and sqs. 0 or a negative errno. */
int outbox_new(sd_event *event, struct sqs *sqs, const struct outbox_options *options,
	struct outbox **ret);
/* Cancels what is out and drops its shares, without a callback. Returns NULL. */
struct outbox *outbox_free(struct outbox *outbox);
DEFINE_CLEANUP(struct outbox *, outbox_free)

/* From the next request on: what OUTBOX_EXTEND asks for. It and OUTBOX_DELETE wait a sixth of that
 * for an answer, and at most 10 s. */
void outbox_set_visibility(struct outbox *outbox, usec_t visibility);

/* From the next pause on; 5 s at most. */
void outbox_limit_pauses(struct outbox *outbox, usec_t longest);

/* Takes a share of its own. A delivery is in one outbox's list at most. */
void outbox_add(struct outbox *outbox, struct delivery *delivery);
/* No more, if it has not been sent yet; its share is dropped. */
void outbox_remove(struct outbox *outbox, struct delivery *delivery);
/* Sends what may be sent: after the last outbox_add() of a turn of the loop. */
void outbox_flush(struct outbox *outbox);

/* What is wrong; "" when nothing is. */
const char *outbox_trouble(const struct outbox *outbox);

/* Waiting or out. */
unsigned outbox_n_deliveries(const struct outbox *outbox);

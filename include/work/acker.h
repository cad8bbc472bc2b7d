/*
 * What becomes of a message once its job is settled: deleted, or given back to the queue, at once
 * or after a pause.
 *
 * A message that is neither is simply forgotten: its visibility ends, and it comes again. Deletes
 * are asked again, and the message is kept meanwhile, so that it costs no receive. Where it cannot
 * be kept there is a deadline: after it the message comes once more, is found completed and only
 * deleted. Loop thread only.
 */
#pragma once

#include <systemd/sd-event.h>

#include "aws/sqs.h"
#include "work/delivery.h"
#include "work/lease.h"
#include "work/trouble.h"

struct acker;

struct acker_options {
	struct trouble_causes *causes; /* borrowed */
	/* From the loop: fewer may be undeleted, or on their way back. */
	void (*changed)(void *userdata);
	void *userdata;
};

/* Borrows event and sqs; copies the options. 0 or a negative errno. */
int acker_new(
	sd_event *event, struct sqs *sqs, const struct acker_options *options, struct acker **ret);
/* Returns NULL. */
struct acker *acker_free(struct acker *acker);
DEFINE_CLEANUP(struct acker *, acker_free)

/* V, and whether a message can be kept. */
void acker_set_terms(struct acker *acker, const struct lease_terms *terms);

/* Both take the delivery's share that the caller has. */
void acker_delete(struct acker *acker, struct delivery *delivery);
/*
 * pause: whole seconds before it is visible again, 0: none. What SQS refuses or does not answer is
 * asked again while the message's visibility lasts, and then is none of ours.
 */
void acker_give_back(struct acker *acker, struct delivery *delivery, usec_t pause);
/* Give-backs wait while own polls are out, which would only receive them again. */
void acker_hold_give_backs(struct acker *acker, bool hold);
/* Sends what may be sent: at the end of a turn of the loop. */
void acker_flush(struct acker *acker);

/* What keeps messages from being deleted or given back; "" when nothing does. */
const char *acker_trouble(const struct acker *acker);

/* Not answered yet. */
unsigned acker_n_deletes(const struct acker *acker);
unsigned acker_n_give_backs(const struct acker *acker);

/*
 * Takes a received message in: into the job that it is for, whether that is in hand already or new.
 *
 * A message that is not valid, or gives a job in hand another type, is reported and left to the
 * queue, or sent to the dead letter queue: of the type only a job that is begun is sure, for its
 * row has it. Loop thread only.
 */
#pragma once

#include "aws/sqs.h"
#include "handler/registry.h"
#include "work/burial.h"
#include "work/delivery.h"
#include "work/lease.h"
#include "work/report.h"

/* All borrowed. */
struct admission {
	struct delivery_index *index;
	struct lease *lease;
	struct report *report;
	struct burial *burial;
	struct registry *registry;
	const struct sqs *sqs; /* whose messages they are */
	usec_t visibility;     /* V, which a received message has */
};

/*
 * A handler that came with a reload may want an envelope of a message that came before it. 0 or
 * -ENOMEM.
 */
int admission_wrap(const struct admission *admission, struct hold *hold);

/* received_at: CLOCK_BOOTTIME. */
void admission_take(
	const struct admission *admission, const struct sqs_message *message, usec_t received_at);

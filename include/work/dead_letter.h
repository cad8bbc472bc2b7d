/*
 * What a message carries into the dead letter queue: its own attributes, and why it is there.
 *
 *     NexusReason        the error, at most 1 KiB of it
 *     NexusOutcome       "failed" or "rejected", as in the log
 *     NexusReceiveCount  how often it had been received
 *     NexusSourceQueue   its queue's ARN
 *     NexusMessageId     its id there
 *
 * SQS takes ten attributes and 1 MiB with the body. The message's own go first, but for those that
 * it has from an earlier time there; of these as many follow as there is room for. Pure.
 */
#pragma once

#include <stdbool.h>

#include "aws/sqs.h"
#include "job/envelope.h"
#include "job/job.h"

#define DEAD_LETTER_REASON_MAX 1024

struct dead_letter_cause {
	enum job_outcome outcome;
	const char *reason; /* NULL: there was no memory for it */
	unsigned receive_count;
};

/* Points into itself and into the envelope: not to be copied, and not to outlive that. */
struct dead_letter {
	struct sqs_message_attribute attributes[SQS_MESSAGE_ATTRIBUTES_MAX];
	size_t n_attributes;
	size_t bytes; /* as SQS counts them, the body's with them */
	char reason[DEAD_LETTER_REASON_MAX + 1];
	char receive_count[12];
};

void dead_letter_write(struct dead_letter *letter, const struct envelope *envelope, size_t body_len,
	const struct dead_letter_cause *cause);

/* Whether an attribute is one of those that say why it is there. */
bool dead_letter_is_ours(const char *name);

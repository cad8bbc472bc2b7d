/*
 * What came with a job's message besides its body, for handlers that are to see the message as SQS
 * handed it out.
 *
 * It belongs to the job, is written before the job's first hand-over and never changes: when the
 * same message is received again while its job is in hand, only work/delivery learns of the newer
 * handle. Values are as SQS sent them; but what SQS was not asked for is not there (a handler that
 * wants envelopes may have come with a reload, after the message).
 *
 * Owns: one block, with all texts in it. Pure.
 */
#pragma once

#include <stddef.h>

#include "base/cleanup.h"

/* One that SQS adds: "SentTimestamp", "SenderId" … */
struct envelope_attribute {
	const char *name;
	const char *value;
};

/* One that the sender gave. */
struct envelope_message_attribute {
	const char *name;
	const char *data_type;    /* "String", "Number.int", "Binary" … */
	const char *string_value; /* NULL: none */
	const char *binary_value; /* base64; NULL: none */
};

struct envelope {
	const char *message_id;
	const char *receipt_handle;
	const char *md5_of_body;       /* NULL: not said */
	const char *md5_of_attributes; /* NULL: there are no message attributes */
	const char *queue_name;
	const char *queue_arn; /* arn:PARTITION:sqs:REGION:ACCOUNT:NAME */
	const char *region;

	struct envelope_attribute *attributes; /* ApproximateReceiveCount is always among them */
	size_t n_attributes;
	struct envelope_message_attribute *message_attributes;
	size_t n_message_attributes;

	size_t bytes; /* that it takes */
};

/* Copies what, whatever its bytes say, and everything that it points to. 0 or -ENOMEM. */
int envelope_new(const struct envelope *what, struct envelope **ret);
/* Accepts NULL, and returns it. */
struct envelope *envelope_free(struct envelope *envelope);
DEFINE_CLEANUP(struct envelope *, envelope_free)

/* The attribute of that name, borrowed; NULL: there is none. */
const char *envelope_get(const struct envelope *envelope, const char *name);
const struct envelope_message_attribute *envelope_get_message(
	const struct envelope *envelope, const char *name);

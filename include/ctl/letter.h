/*
 * A message as commands show it: what SQS said of it, and what its body says of the job. Owns
 * copies of everything. Pure.
 *
 * As JSON: message_id, job_id, type, body (as text), receives, sent_at; job_id and type are null
 * where the body is no job's.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "aws/sqs.h"
#include "base/cleanup.h"
#include "base/clock.h"

struct letter {
	char *message_id;
	char *handle; /* secret: as long as it holds, it can delete the message */
	char *body;
	size_t body_len;
	char *job_id;       /* NULL: the body is no job's */
	char *type;         /* likewise */
	const char *reason; /* why it is none; constant, or NULL */
	size_t payload_offset;
	size_t payload_len;
	unsigned receives;
	usec_t sent_at; /* CLOCK_REALTIME; 0: not known */
	struct sqs_message_attribute attributes[SQS_MESSAGE_ATTRIBUTES_MAX]; /* texts are owned */
	size_t n_attributes;
	char *source; /* dead letters: ARN of the queue that gave it up; NULL: it is not known */
};

/* NULL: no memory. Attributes come with a receive that asks for details. */
struct letter *letter_new(const struct sqs_message *message);
struct letter *letter_free(struct letter *letter);
DEFINE_CLEANUP(struct letter *, letter_free)

/* The string value of the attribute; NULL: it has none. */
const char *letter_attribute(const struct letter *letter, const char *name);

/* Owned. */
json_t *letter_json(const struct letter *letter);

/*
 * What went wrong with a request to SQS: every failure gets its class, by the service's code
 * (sqs_code), and a line that says what to do about it.
 *
 * Pure. Texts are one line of printable ASCII, at most SQS_FAULT_TEXT_MAX - 1 bytes, the same for
 * the same fault: they name host and queue, and the action only where others may fare better. Never
 * a receipt handle, a body, a signature, a secret or a token: what the service says is quoted only
 * where it holds none.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "aws/credentials.h"
#include "aws/sqs.h"
#include "aws/sqs_code.h"

/* Why there is nothing to sign with may take a source some words. */
#define SQS_FAULT_TEXT_MAX (CREDENTIALS_TEXT_MAX + 64)

/* Whom was asked for what; borrowed. */
struct sqs_fault_place {
	const char *action;         /* "DeleteMessageBatch" */
	const char *permission;     /* what it needs: "sqs:DeleteMessage" */
	const char *key_permission; /* on a KMS key: "kms:Decrypt" */
	bool is_private;  /* the request held receipt handles, or a body: no refusal is quoted */
	const char *sent; /* those: in no text, whatever the service says. NULL: none */
	const char *host;
	const char *queue; /* the last part of its URL */
	const char *region;
	/* What it was signed with: is in no text, whatever the service says. NULL: it was not. */
	const struct credentials *credentials;
	const char *renewal; /* why they cannot be renewed; "": nothing is known against that */
};

/* An answer as it came; borrowed, absent headers are NULL. */
struct sqs_fault_answer {
	unsigned status;
	const char *content_type;
	const char *query_error; /* x-amzn-query-error: "Code;Sender" */
	const char *error_type;  /* x-amzn-errortype */
	const char *body;        /* ends with a NUL that body_len does not count */
	size_t body_len;
	int64_t clock_usec; /* AWS's clock minus ours, by the answer's Date; 0: not known */
};

struct sqs_fault {
	enum sqs_result result;
	char code[SQS_CODE_MAX]; /* "": the answer holds none */
	char text[SQS_FAULT_TEXT_MAX];
};

/* An answer with a status other than 200. */
void sqs_fault_of_answer(const struct sqs_fault_place *place, const struct sqs_fault_answer *answer,
	struct sqs_fault *ret);
/* One with 200 that could not be read; reason: from sqs_codec. */
void sqs_fault_of_shape(const struct sqs_fault_place *place, const struct sqs_fault_answer *answer,
	const char *reason, struct sqs_fault *ret);
/* HTTP's error: no answer, or one that was too large or not HTTP. */
void sqs_fault_of_transport(
	const struct sqs_fault_place *place, int error, const char *said, struct sqs_fault *ret);
/* Nothing to sign with; said: why, or "". */
void sqs_fault_of_credentials(const char *said, struct sqs_fault *ret);
/* Or no region to sign for. */
void sqs_fault_of_region(const char *said, struct sqs_fault *ret);

/* Whether it repeats of the request, or of what signed it, what no text may. */
bool sqs_fault_repeats(const struct sqs_fault_place *place, const char *said);

/* One failed entry of a batch, to be asked of sqs_fault_repeats(); code and message may be NULL. */
enum sqs_result sqs_fault_of_entry(
	const char *code, const char *message, bool receiver_fault, char *ret_text, size_t size);

/*
 * A message's envelope as headers of aws-sqsd's (versions 2 and later). Pure.
 *
 * Envelopes are anybody's who may send to the queue: what would end a header's line, or is no text,
 * is refused and not sent.
 */
#pragma once

#include "aws/sqs.h"
#include "job/envelope.h"
#include "net/http.h"

#define SQSD_REQUEST_TEXT_MAX 512

#define SQSD_ATTRIBUTE_NAME_MAX 256 /* as SQS has it */
#define SQSD_MOMENT_MAX         32

/* Points into itself and the envelope: not to be copied. */
struct sqsd_request {
	struct http_header headers[HTTP_HEADERS_MAX];
	size_t n_headers;
	const char *path; /* that the message asks for; NULL: none */
	char first_received_at[SQSD_MOMENT_MAX];
	char sent_at[SQSD_MOMENT_MAX];
	char scheduled_at[SQSD_MOMENT_MAX];
	char attributes[SQS_MESSAGE_ATTRIBUTES_MAX][SQSD_ATTRIBUTE_NAME_MAX + 32];
	size_t n_attributes;
};

/* Borrows envelope as long as r. 0, or -EINVAL and one line why it cannot be sent. */
int sqsd_request_build(struct sqsd_request *r, const struct envelope *envelope,
	char ret_text[SQSD_REQUEST_TEXT_MAX]);

/*
 * What becomes of the answer to one call of sqs: it is judged, its body is read, and the caller's
 * function is called with both. Loop thread only; keeps nothing.
 */
#pragma once

#include <openssl/types.h>

#include "aws/sqs.h"
#include "aws/sqs_fault.h"
#include "net/http.h"

/* The headers that are kept of an answer, in the order in which a request has to name them. */
enum sqs_answer_header {
	SQS_ANSWER_CONTENT_TYPE,
	SQS_ANSWER_QUERY_ERROR,
	SQS_ANSWER_ERROR_TYPE,
	SQS_ANSWER_DATE,
	SQS_ANSWER_AGE,
	SQS_ANSWER_N_HEADERS,
};
extern const char *const sqs_answer_headers[SQS_ANSWER_N_HEADERS];

/* Whom it goes to, and what it is to hold. */
struct sqs_answer_goal {
	enum sqs_action action;
	unsigned n_expected; /* messages at most, or entries */
	bool details;        /* of messages */
	union {
		sqs_receive_fn *receive;
		sqs_batch_fn *batch;
		sqs_attributes_fn *attributes;
		sqs_sent_fn *sent;
		sqs_asked_fn *asked;
	} done;
	void *userdata;
};

/* SQS_OK, or what is wrong with an answer before its body is read. */
void sqs_answer_judge(const struct sqs_fault_place *place, const struct http_response *response,
	struct sqs_fault *ret);

/* Reads the body, where fault is SQS_OK, and calls done. md5: as in sqs_codec_expected. */
void sqs_answer_tell(const struct sqs_answer_goal *goal, const struct sqs_fault_place *place,
	const EVP_MD *md5, const struct http_response *response, struct sqs_fault *fault);

/*
 * The bodies of SQS's requests, in AWS JSON 1.0 of service version 2012-11-05. Their answers are
 * read by sqs_codec.
 *
 * Pure. All append to b and return its error.
 */
#pragma once

#include "aws/sqs.h"
#include "base/strbuf.h"

int sqs_codec_write_receive(
	struct strbuf *b, const char *queue_url, const struct sqs_receive *what);

/* Entries get their place in the array as Id. */
int sqs_codec_write_delete(
	struct strbuf *b, const char *queue_url, const char *const *handles, size_t n_handles);
int sqs_codec_write_visibility(struct strbuf *b, const char *queue_url,
	const struct sqs_visibility *entries, size_t n_entries);

int sqs_codec_write_attributes(struct strbuf *b, const char *queue_url);

int sqs_codec_write_send(struct strbuf *b, const struct sqs_send *what);

/* What such a body says behind the queue's URL; borrowed from b. */
const char *sqs_codec_past_queue(const struct strbuf *b);

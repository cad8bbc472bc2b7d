/*
 * The bodies of SQS's good answers, in AWS JSON 1.0 of service version 2012-11-05. What went wrong
 * is read by sqs_fault.
 *
 * Pure: no thread, no clock, no connection. Answers are anybody's whom a proxy lets through: every
 * shape is checked, unknown members are ignored, null counts as absent, and SQS leaves out what is
 * empty. The caller has put a ceiling on their size.
 *
 * All return 0, -ENOMEM, or -EBADMSG and the reason, a constant text that continues "HTTP 200 with
 * ..."; ret is then left alone.
 */
#pragma once

#include <openssl/types.h>

#include "aws/sqs.h"

/* What was asked for. */
struct sqs_codec_expected {
	unsigned max_messages;
	bool details;
	/* What MD5OfBody is checked with; NULL: not checked (cryptography that refuses MD5). */
	const EVP_MD *md5;
};

/* What messages point to is in texts and details, which the struct owns. */
struct sqs_codec_messages {
	char *texts;
	struct sqs_details *details; /* one for each message that may come; NULL: not asked for */
	struct sqs_message messages[SQS_BATCH_MAX];
	size_t n_messages;
};

int sqs_codec_read_messages(const char *body, size_t len, const struct sqs_codec_expected *expected,
	struct sqs_codec_messages *ret, const char **ret_reason);
void sqs_codec_messages_done(struct sqs_codec_messages *m);

#define SQS_CODEC_ENTRY_TEXT_MAX 160

/* entries[i].text points into texts[i]: not to be copied. */
struct sqs_codec_entries {
	struct sqs_entry_answer entries[SQS_BATCH_MAX];
	char texts[SQS_BATCH_MAX][SQS_CODEC_ENTRY_TEXT_MAX];
};

/*
 * An entry that the answer does not mention is SQS_GARBLED; one said both ways has failed. After a
 * failure the content of ret is undefined.
 */
int sqs_codec_read_entries(const char *body, size_t len, size_t n_entries,
	struct sqs_codec_entries *ret, const char **ret_reason);

/* dead_letter_arn points into texts, which the struct owns. */
struct sqs_codec_attributes {
	char *texts;
	struct sqs_queue_attributes attributes;
};

int sqs_codec_read_attributes(
	const char *body, size_t len, struct sqs_codec_attributes *ret, const char **ret_reason);
void sqs_codec_attributes_done(struct sqs_codec_attributes *a);

/* That of a send: returns the new message's id, owned. */
int sqs_codec_read_sent(
	const char *body, size_t len, char **ret_message_id, const char **ret_reason);

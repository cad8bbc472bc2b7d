/*
 * An answer, and how it goes out: whole and at once, but for what a test has ordered.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/clock.h"

enum answer_manner {
	ANSWER_WHOLE,
	ANSWER_TRUNCATED, /* half of it, though body_len was said, then the connection is closed */
	ANSWER_DRIPPED,   /* in pieces, with a pause before each */
	ANSWER_PADDED,    /* an object of body_len bytes that is in no memory; body is NULL */
};

struct answer {
	unsigned status;          /* 0: there is none, ever */
	const char *content_type; /* borrowed until the exchange ends; NULL: none */
	char *body;               /* malloc()ed; whoever sends it whole takes it. NULL: empty */
	size_t body_len;
	char *query_error;  /* owned: x-amzn-query-error, or NULL */
	unsigned token_ttl; /* x-aws-ec2-metadata-token-ttl-seconds, or 0 */
	const char *result; /* as what it counts, a constant; NULL: as its status says */

	enum answer_manner manner;
	size_t piece_len;  /* ANSWER_DRIPPED: of each piece */
	usec_t pause;      /* ANSWER_DRIPPED: before each piece */
	bool chunked;      /* ANSWER_PADDED: without saying the length before */
	int64_t date_skew; /* microseconds by which the Date of this answer is wrong */
};

/*
 * Writes up to max bytes of an answer that does not go out whole, from that place on. Returns how
 * many; 0: that was all.
 */
size_t answer_piece(const struct answer *answer, uint64_t at, char *to, size_t max);

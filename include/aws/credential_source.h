/*
 * One place where credentials may come from: what a file src/aws/credentials_<source>.c offers to
 * the chain in credentials.c, where it is one row.
 *
 * A search is one question to one source, on the loop thread. A source that can answer from what
 * is at hand does so in start(). One that has to ask elsewhere keeps its state in search->state,
 * returns -EINPROGRESS, and later calls credentials_search_ended() once, from the loop, never from
 * inside start(); unless cancel() came before.
 */
#pragma once

#include "aws/credentials.h"

struct credential_search {
	const struct credential_store_options *options;
	void *state; /* the source's own, between start() and its end */
	/* Why not: one line with the cure, without a value. */
	char text[CREDENTIALS_TEXT_MAX];
};

struct credential_source {
	const char *name;
	/*
	 * 0: ret is an owned snapshot. -EINPROGRESS: as above. -ENOENT: not configured here, the
	 * next source is asked, text says what is not there. Another: configured and wrong, or
	 * failed; the chain ends here, text says why.
	 */
	int (*start)(struct credential_search *search, struct credentials **ret);
	/* NULL for a source that is never in progress. */
	void (*cancel)(struct credential_search *search);
};

extern const struct credential_source credentials_environment;
extern const struct credential_source credentials_profile;

/* r and text as from start(); takes credentials, which are NULL unless r is 0. */
void credentials_search_ended(
	struct credential_search *search, int r, struct credentials *credentials);

/* ---- What sources have in common ---- */

/* Writes the text and returns r, so that a failure is one statement. */
int credentials_failed(char text[static CREDENTIALS_TEXT_MAX], int r, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The value of an environment variable; NULL where it is not set, or empty. */
const char *credentials_getenv(credentials_getenv_fn *getenv, const char *name);

/* ISO 8601: "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.123+01:00". -EINVAL for all else. */
int credentials_parse_time(const char *text, usec_t *ret);

/*
 * Issues temporary access keys, as STS, an instance's metadata service and a container's
 * credentials endpoint hand them out, and makes them known to the account.
 *
 * How long a key lives is counted on the account's clock, so that a test which advances it ends
 * keys; the moments shown are those of the service's wall clock. Both are rounded up to the whole
 * seconds in which answers show them.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/clock.h"

struct service;

/* Who may do what, and for how long. Borrows everything until the call returns. */
struct grant {
	const char *role_arn;
	const char *session;
	const json_t *actions; /* a list of names; NULL: all */
	usec_t lifetime;
};

#define ISSUER_MOMENT_SIZE 21 /* 2026-01-02T03:04:05Z and the NUL */

struct issued {
	char id[21]; /* "": none yet */
	char secret[41];
	char token[617];
	char issued[ISSUER_MOMENT_SIZE];
	char expiration[ISSUER_MOMENT_SIZE];
	usec_t issued_at, expires_at; /* the account's clock */
};

void issuer_issue(struct service *service, const struct grant *grant, struct issued *ret);

/*
 * The same as last time, or, when those end soon, new ones: five minutes before, or in the last
 * third of a short life. keep: the same however old they are.
 */
void issuer_refresh(
	struct service *service, const struct grant *grant, bool keep, struct issued *issued);

/* Wipes what is known of the keys, which stay good; the next are new ones. */
void issuer_forget(struct issued *issued);

/* As answers show a moment of the wall clock. */
void issuer_moment(usec_t at, char ret[ISSUER_MOMENT_SIZE]);

/* Text that nobody can guess, in base64; size: a multiple of 4, and one for the NUL. */
void issuer_text(char *ret, size_t size);

/* "arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION" and "AROA...:SESSION"; returned owned. */
char *issuer_session_arn(const struct grant *grant);
char *issuer_user_id(const struct grant *grant);

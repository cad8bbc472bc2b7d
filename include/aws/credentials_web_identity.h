/*
 * A role for the token of another identity provider, as Kubernetes and others keep one in a file:
 * what the source "web identity" does with the environment's variables, for those who have the same
 * from elsewhere.
 */
#pragma once

#include "aws/credential_source.h"

/* Borrowed until start() returns. */
struct web_identity {
	const char *token_file; /* read anew for every search: whoever writes it renews it */
	const char *role_arn;
	const char *session_name; /* NULL: made from this machine's name */
	usec_t duration;          /* of the keys; 0: the service's own, an hour */
	const char *source;       /* what the credentials' `source` says */
};

/*
 * As credential_search_start() with a source that has to ask: never 0, and in progress until the
 * search ends or is cancelled.
 */
int credentials_web_identity_start(
	struct credential_search *search, const struct web_identity *identity);

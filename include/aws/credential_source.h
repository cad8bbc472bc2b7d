/*
 * One place where credentials may come from: what a file src/aws/credentials_<source>.c offers to
 * the chain in credential_store.c, where it is one row, or to another source: a profile may name a
 * program, a role, or one of the other sources to assume it with.
 *
 * A search is one question to one source, on the loop thread, asked by credential_search_start(). A
 * source that can answer from what is at hand does so in start(). One that has to ask elsewhere
 * keeps its state in search->state, returns -EINPROGRESS, and later calls credential_search_end()
 * once, from the loop, never from inside start(); unless cancel() came before. After either the
 * source holds nothing that belongs to the search. Every question to the network or to a program
 * has a deadline of its own.
 */
#pragma once

#include "aws/credentials.h"
#include "aws/imds.h"
#include "aws/skew.h"
#include "net/http.h"

/* What sources ask with; all is borrowed. */
struct credential_means {
	credentials_getenv_fn *getenv;
	const char *const *program_environment; /* of a credential_process: as environ */
	struct http *http;
	struct imds *imds;
	struct skew *skew;  /* for signatures, and learnt from them; NULL: our clock is right */
	const char *region; /* of the token service; NULL: not known (yet) */
};

struct credential_search {
	const struct credential_means *means;
	/* What becomes of it: as from start(); takes credentials, which are NULL unless r is 0. */
	void (*ended)(struct credential_search *search, int r, struct credentials *credentials);
	const struct credential_source *source; /* that is asked */
	void *state;                            /* the source's own, between start() and its end */
	/* Why not: one line with the cure, without a value. */
	char text[CREDENTIALS_TEXT_MAX];
};

struct credential_source {
	const char *name;
	/*
	 * 0: ret is an owned snapshot. -EINPROGRESS: as above. -ENOENT: not configured here, the
	 * next source is asked, text says what is not there. -EINVAL: what is configured is wrong,
	 * and mending a local file or variable cures it. Another: it failed. On those the search
	 * ends here, and text says why.
	 */
	int (*start)(struct credential_search *search, struct credentials **ret);
	/* NULL for a source that is never in progress. */
	void (*cancel)(struct credential_search *search);
};

extern const struct credential_source credentials_environment;
extern const struct credential_source credentials_web_identity;
extern const struct credential_source credentials_profile;
extern const struct credential_source credentials_container;
extern const struct credential_source credentials_metadata;

/*
 * Asks the source; means and ended are set. As start(), whose rules for ended hold. While it is in
 * progress the search stays where it is.
 */
int credential_search_start(struct credential_search *search,
	const struct credential_source *source, struct credentials **ret);
/* Nothing is heard of it any more. Only while it is in progress. */
void credential_search_cancel(struct credential_search *search);
/* For sources: the answer of one that was in progress. */
void credential_search_end(
	struct credential_search *search, int r, struct credentials *credentials);

/*
 * The store that finds credentials, keeps them and renews them in time.
 *
 * It asks the sources of its chain in order:
 *
 *     environment     AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
 *     web identity    AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN
 *     profile         the shared credentials and config files, AWS_PROFILE or "default"
 *     container       AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, AWS_CONTAINER_CREDENTIALS_FULL_URI
 *     instance        the metadata service of an EC2 instance, if there is one
 *
 * The first that is configured decides. If that one is wrong or fails, the search ends with its
 * error and does not fall through to the next: a worker that quietly becomes somebody else is
 * harder to find than one that says what is missing.
 *
 * Credentials that expire are looked for again when two thirds of what is left of their life have
 * gone by, at the earliest a quarter of an hour before its end; jittered, and again in the same way
 * if the source still gives the same. Those from a file are read again every five minutes. A search
 * that fails is repeated with growing pauses of at most a minute, and what was there stays: whether
 * expired ones are still good, AWS decides. A source that gives such is asked again each minute.
 * There is one search at a time.
 *
 * Loop thread only. Reads local files while the caller waits; all else is asked on the loop.
 */
#pragma once

#include <sys/queue.h>

#include "aws/credential_source.h"

struct credential_store;

/*
 * A search has ended: as credential_store_reload() returns it. Whoever watches is told of every
 * one but that which ends inside reload() itself; from the loop, or from inside the functions that
 * begin a search, never from inside new() or watch(). A watcher may take itself back then, but no
 * other one.
 */
typedef void credential_store_fn(void *userdata, int r, const char *text);

/* Lives in its owner; between watch() and unwatch() it stays where it is. */
struct credential_watcher {
	credential_store_fn *ended;
	void *userdata;
	TAILQ_ENTRY(credential_watcher) link;
};

struct credential_store_options {
	struct credential_means means;
	/* The chain to ask, of static lifetime, ended by NULL; NULL: the one above. */
	const struct credential_source *const *sources;
};

/* Copies the options. Looks for nothing yet. */
int credential_store_new(
	const struct credential_store_options *options, struct credential_store **ret);
/*
 * Ends a search that is in progress; who holds a snapshot keeps it. When nobody watches any more,
 * and not from inside a watcher's function. Returns NULL.
 */
struct credential_store *credential_store_free(struct credential_store *store);
DEFINE_CLEANUP(struct credential_store *, credential_store_free)

void credential_store_watch(struct credential_store *store, struct credential_watcher *watcher);
void credential_store_unwatch(struct credential_store *store, struct credential_watcher *watcher);

/* Where the token service is; borrowed, for searches that begin from now on. */
void credential_store_set_region(struct credential_store *store, const char *region);

/* AWS's clock is known anew, and with it how long what there is will live. */
void credential_store_clock_changed(struct credential_store *store);

/* Borrowed until the next turn of the loop; NULL before anything was found. */
struct credentials *credential_store_current(const struct credential_store *store);
/* Whether a search is in progress. */
bool credential_store_is_searching(const struct credential_store *store);
/* Why the last search failed, as one line; "" if it did not. Borrowed. */
const char *credential_store_complaint(const struct credential_store *store);

/*
 * Looks again, from the first source: at start and on SIGHUP.
 *
 *     0             current is what the sources say now; the same object as before if nothing
 *                   has changed, so that a caller can tell whether another try makes sense
 *     -EINPROGRESS  a source is asking elsewhere; watchers will be told. A second reload meanwhile
 *                   joins the first
 *     -ENOENT       nothing is configured, and nobody had to be asked to know that
 *     -EINVAL       what is configured is wrong: mending a local file or variable cures it
 *     another       could not be read or asked, no memory
 *
 * On failure current stays what it was, and ret_text is one line that names the cure; otherwise
 * ret_text is left alone.
 */
int credential_store_reload(
	struct credential_store *store, char ret_text[static CREDENTIALS_TEXT_MAX]);

/*
 * There is nothing to sign with, or AWS did not accept what there is (c is what it was; NULL:
 * nothing). If that is still what is current, the sources are asked again: at once the first time,
 * then with growing pauses of at most half a minute for as long as that goes on, whether they give
 * the same or others.
 */
void credential_store_want(struct credential_store *store, const struct credentials *c);

/*
 * How long after now (by AWS's clock) such credentials are looked for again; USEC_INFINITY: never.
 * Pure, but for the jitter.
 */
usec_t credential_store_renews_in(const struct credentials *c, usec_t now);

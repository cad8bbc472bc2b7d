/*
 * Credentials: what requests are signed with, and the store that finds and keeps them.
 *
 * struct credentials is a snapshot that never changes: key and token always belong together,
 * however often the store is told to look again. It is counted; the last unref wipes it. There is
 * no function that prints one, and error texts never quote a value. Any thread may hold one.
 *
 * struct credential_store belongs to the loop thread. It asks the sources of its chain in order:
 *
 *     environment     AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
 *     profile         the shared credentials and config files, AWS_PROFILE or "default"
 *
 * The first that is configured decides. If that one is wrong or fails, the search ends with its
 * error and does not fall through to the next: a worker that quietly becomes somebody else is
 * harder to find than one that says what is missing.
 */
#pragma once

#include <stdatomic.h>

#include "base/cleanup.h"
#include "base/clock.h"

/* A line for people, with its NUL. */
#define CREDENTIALS_TEXT_MAX 1024

struct credentials {
	const char *access_key_id;
	const char *secret_access_key;
	const char *session_token; /* NULL: none */
	const char *source;        /* for the log: "environment", "profile worker in /etc/..." */
	usec_t expires_at;         /* CLOCK_REALTIME; USEC_INFINITY: never, or not known */
	atomic_uint n_refs;        /* of those who hold it; for the functions below only */
};

/*
 * Copies the five fields; n_refs is not looked at. Returns owned. -EINVAL, and a text that names
 * the source, for a field that cannot be what it is said to be: empty, not printable ASCII, or
 * with a blank in it; -ENOMEM.
 */
int credentials_new(const struct credentials *fields, char ret_text[static CREDENTIALS_TEXT_MAX],
	struct credentials **ret);
/* One more owner: the same pointer, owned. Both accept NULL; unref returns NULL. */
struct credentials *credentials_ref(struct credentials *c);
struct credentials *credentials_unref(struct credentials *c);
DEFINE_CLEANUP(struct credentials *, credentials_unref)

struct credential_store;
struct credential_source;

/* getenv(3), or what a test has instead. */
typedef char *credentials_getenv_fn(const char *name);

/*
 * A search that credential_store_reload() left in progress has ended: r and text as that function
 * would have given them. From the loop.
 */
typedef void credential_store_fn(void *userdata, int r, const char *text);

struct credential_store_options {
	credentials_getenv_fn *getenv;
	credential_store_fn *ended; /* NULL: nobody is told */
	void *userdata;
	/* The chain to ask, of static lifetime, ended by NULL; NULL: the one above. */
	const struct credential_source *const *sources;
};

/* Copies the options. Looks for nothing yet. */
int credential_store_new(
	const struct credential_store_options *options, struct credential_store **ret);
/* Ends a search that is in progress; who holds a snapshot keeps it. Returns NULL. */
struct credential_store *credential_store_free(struct credential_store *store);
DEFINE_CLEANUP(struct credential_store *, credential_store_free)

/* Borrowed until the next turn of the loop; NULL before anything was found. */
struct credentials *credential_store_current(const struct credential_store *store);

/*
 * Looks again, from the first source: at start, on SIGHUP, when AWS refuses what we have. Reads
 * local files while the caller waits.
 *
 *     0             current is what the sources say now; the same object as before if nothing
 *                   has changed, so that a caller can tell whether another try makes sense
 *     -EINPROGRESS  a source is asking elsewhere; options.ended will be called. A second reload
 *                   meanwhile joins the first
 *     -ENOENT       nothing is configured
 *     -EINVAL       what is configured is wrong: mending a local file or variable cures it
 *     another       could not be read, no memory
 *
 * On failure current stays what it was, and ret_text is one line that names the cure; otherwise
 * ret_text is left alone.
 */
int credential_store_reload(
	struct credential_store *store, char ret_text[static CREDENTIALS_TEXT_MAX]);

/*
 * The region that the active profile of the shared files names. Returns owned; -ENOENT where
 * there is none, otherwise errors and ret_text as above. Blocks on the two files.
 */
int credentials_profile_region(
	credentials_getenv_fn *getenv, char **ret, char ret_text[static CREDENTIALS_TEXT_MAX]);

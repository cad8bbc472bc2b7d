/*
 * Credentials: what requests are signed with.
 *
 * struct credentials is a snapshot that never changes: key and token always belong together, and a
 * request in flight keeps its own, whatever the store finds meanwhile. It is counted; the last
 * unref wipes it. There is no function that prints one, and error texts never quote a value. Any
 * thread may hold one. Where they come from: aws/credential_store.h.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "base/clock.h"

/* A line for people, with its NUL. */
#define CREDENTIALS_TEXT_MAX 1024

struct credentials {
	const char *access_key_id;
	const char *secret_access_key;
	const char *session_token; /* NULL: none */
	const char *source;        /* for the log: "environment", "profile worker in /etc/..." */
	usec_t expires_at;         /* by AWS's clock; USEC_INFINITY: never, or not known */
	bool on_disk;              /* in a file that somebody may edit: worth another look */
	atomic_uint n_refs;        /* of those who hold it; for the functions below only */
};

/*
 * Copies the fields but n_refs, which is not looked at. Returns owned. -EINVAL, and a text that
 * names the source, for a field that cannot be what it is said to be: empty, not printable ASCII,
 * or with a blank in it; -ENOMEM.
 */
int credentials_new(const struct credentials *fields, char ret_text[static CREDENTIALS_TEXT_MAX],
	struct credentials **ret);
/* One more owner: the same pointer, owned. Both accept NULL; unref returns NULL. */
struct credentials *credentials_ref(struct credentials *c);
struct credentials *credentials_unref(struct credentials *c);
DEFINE_CLEANUP(struct credentials *, credentials_unref)

/* Whether every field is the same. */
bool credentials_equal(const struct credentials *a, const struct credentials *b);

/* getenv(3), or what a test has instead. */
typedef char *credentials_getenv_fn(const char *name);

/* ---- For those who give credentials ---- */

/* Writes the text, as one line whatever is quoted, and returns r: a failure is one statement. */
int credentials_failed(char text[static CREDENTIALS_TEXT_MAX], int r, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Why a file cannot be used, as a source says it: -EINVAL, which mending that file cures; or r as
 * it is, where this machine has not enough of something just now.
 */
int credentials_file_error(int r);

/* The value of an environment variable; NULL where it is not set, or empty. */
const char *credentials_getenv(credentials_getenv_fn *getenv_fn, const char *name);
/* Whether it says "true", in letters of either size. */
bool credentials_getenv_is_true(credentials_getenv_fn *getenv_fn, const char *name);

/* ISO 8601: "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.123+01:00". -EINVAL for all else. */
int credentials_parse_time(const char *text, usec_t *ret);

/*
 * The access keys that the account knows, what each may do, and the signing key of the day.
 *
 * Owns the keys; a key once added stays until the end, so that messages may borrow its name as
 * their sender. Secrets are wiped at the end. One thread.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "digest.h"

struct key {
	LIST_ENTRY(key) next;
	char *id;
	char *secret;
	char *token;   /* must come along; NULL: none */
	char *actions; /* allowed, "A,B"; NULL: all */
	char *arn;     /* whose it is; NULL: the user's of the key's name */
	char *user_id; /* NULL: the key's name */
	bool expired;
	usec_t expires_at;       /* the account's clock; 0: never */
	char signing_day[9];     /* that signing_key is for */
	char signing_service[8]; /* and this */
	unsigned char signing_key[DIGEST_SHA256_SIZE];
};

LIST_HEAD(key_list, key);

struct key_terms {
	const char *id;
	const char *secret;
	const char *token;
	const char *actions;
	const char *arn;
	const char *user_id;
	bool expired;
	usec_t expires_at;
};

/* Adds a key, or gives one that is there new terms. Copies. */
void keys_set(struct key_list *keys, const struct key_terms *terms);
/* From "ID:SECRET[:Action,Action...]"; false: not of that form. */
bool keys_parse(struct key_list *keys, const char *text);
struct key *keys_find(const struct key_list *keys, const char *id);
void keys_done(struct key_list *keys);

/* A list of names as keys have it, "A,B"; owned, NULL: it is not a list of strings. */
char *keys_join(const json_t *names);

bool key_allows(const struct key *key, const char *action);
/* now: the account's clock. */
bool key_expired(const struct key *key, usec_t now);
/* Whose it is, in an account of that id; owned. */
char *key_arn(const struct key *key, const char *account_id);

/*
 * The day's signing key for a service, made when the day or the service is another than last time;
 * borrowed until the next call. day: YYYYMMDD.
 */
const unsigned char *key_signing(
	struct key *key, const char *day, const char *region, const char *service);

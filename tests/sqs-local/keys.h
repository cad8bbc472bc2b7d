/*
 * The access keys that the account knows, what each may do, and the signing key of the day.
 *
 * Owns the keys; a key once added stays until the end, so that messages may borrow its name as
 * their sender. Secrets are wiped at the end. One thread.
 */
#pragma once

#include <stdbool.h>
#include <sys/queue.h>

#include "digest.h"

struct key {
	LIST_ENTRY(key) next;
	char *id;
	char *secret;
	char *token;   /* must come along; NULL: none */
	char *actions; /* allowed, "A,B"; NULL: all */
	bool expired;
	char signing_day[9]; /* that signing_key is for */
	unsigned char signing_key[DIGEST_SHA256_SIZE];
};

LIST_HEAD(key_list, key);

struct key_terms {
	const char *id;
	const char *secret;
	const char *token;
	const char *actions;
	bool expired;
};

/* Adds a key, or gives one that is there new terms. Copies. */
void keys_set(struct key_list *keys, const struct key_terms *terms);
/* From "ID:SECRET[:Action,Action...]"; false: not of that form. */
bool keys_parse(struct key_list *keys, const char *text);
struct key *keys_find(const struct key_list *keys, const char *id);
void keys_done(struct key_list *keys);

bool key_allows(const struct key *key, const char *action);

/* The day's signing key, made when the day is a new one; borrowed. day: YYYYMMDD. */
const unsigned char *key_signing(struct key *key, const char *day, const char *region);

/*
 * Finds things by a string. Intrusive and chained: an entry lives inside what it finds, so that
 * adding costs no memory but the buckets'. It grows when it can; without memory it only gets
 * slower. The keys come from outside, so the hash is seeded; how many there may be is for the
 * owner to bound. One thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct table_entry {
	struct table_entry *next;
	const char *key; /* borrowed, for as long as the entry is in the table */
	uint64_t hash;
};

struct table {
	struct table_entry **buckets;
	size_t n_buckets; /* a power of two */
	size_t n_entries;
	uint64_t seed;
};

/* 0 or -ENOMEM. */
int table_init(struct table *table);
/* Does not touch the entries. */
void table_done(struct table *table);

/* key must not be in the table yet. */
void table_add(struct table *table, struct table_entry *entry, const char *key);
void table_remove(struct table *table, struct table_entry *entry);
/* NULL: not there. */
struct table_entry *table_find(const struct table *table, const char *key);

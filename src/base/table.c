#include "base/table.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"

#define TABLE_BUCKETS_MIN 64

/* FNV-1a, begun at the seed. */
static uint64_t table_hash(const struct table *table, const char *key)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ table->seed;

	for (const unsigned char *c = (const unsigned char *)key; *c; c++)
		hash = (hash ^ *c) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 32;
}

static struct table_entry **table_bucket(const struct table *table, uint64_t hash)
{
	return &table->buckets[hash & (table->n_buckets - 1)];
}

int table_init(struct table *table)
{
	*table = (struct table){
		.buckets = calloc(TABLE_BUCKETS_MIN, sizeof *table->buckets),
		.n_buckets = TABLE_BUCKETS_MIN,
		.seed = backoff_random(UINT64_MAX),
	};
	return table->buckets ? 0 : -ENOMEM;
}

void table_done(struct table *table)
{
	free(table->buckets);
	*table = (struct table){0};
}

static void table_link(struct table *table, struct table_entry *entry)
{
	struct table_entry **bucket = table_bucket(table, entry->hash);

	entry->next = *bucket;
	*bucket = entry;
}

static void table_grow(struct table *table)
{
	struct table old = *table;
	struct table_entry **buckets = calloc(old.n_buckets * 2, sizeof *buckets);

	if (!buckets)
		return;
	table->buckets = buckets;
	table->n_buckets *= 2;
	for (size_t i = 0; i < old.n_buckets; i++) {
		for (struct table_entry *entry = old.buckets[i], *next; entry; entry = next) {
			next = entry->next;
			table_link(table, entry);
		}
	}
	free(old.buckets);
}

void table_add(struct table *table, struct table_entry *entry, const char *key)
{
	if (table->n_entries >= table->n_buckets)
		table_grow(table);
	entry->key = key;
	entry->hash = table_hash(table, key);
	table_link(table, entry);
	table->n_entries++;
}

void table_remove(struct table *table, struct table_entry *entry)
{
	struct table_entry **link = table_bucket(table, entry->hash);

	while (*link != entry) {
		assert(*link);
		link = &(*link)->next;
	}
	*link = entry->next;
	table->n_entries--;
}

struct table_entry *table_find(const struct table *table, const char *key)
{
	uint64_t hash = table_hash(table, key);
	struct table_entry *entry = *table_bucket(table, hash);

	while (entry && (entry->hash != hash || strcmp(entry->key, key) != 0))
		entry = entry->next;
	return entry;
}

/*
 * Which handler a job type has, and under which limits.
 *
 * Owns: one entry per configured type, one for all others, kept from start to end: a reload
 * changes entries in place, so that what is counted on them goes on. A job copies what it runs
 * under when it is begun. Loop thread only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "handler/handler.h"
#include "job/tally.h"

struct registry_entry {
	char *type;              /* "*": all others */
	struct handler *handler; /* one share of it; NULL: none */
	usec_t timeout;
	unsigned max_concurrency; /* 0: no limit but the threads */
	usec_t base_delay;        /* before a failed job comes again; 0: as its queue has it */
	usec_t max_delay;
	bool keeps_row;   /* the handler keeps the row itself (job/store.h) */
	unsigned n_begun; /* the dispatcher's count of jobs that are begun, or next to be */
	struct tally tally;
};

/* One type as configured. */
struct registry_type {
	const char *type;
	struct handler *handler; /* NULL: none */
	usec_t timeout;
	unsigned max_concurrency;
	usec_t base_delay; /* 0: off */
	usec_t max_delay;
	bool keeps_row;
};

struct registry;

/* The compiled-in handler of that name, or NULL. */
struct handler *registry_builtin(const char *type);

int registry_new(struct registry **ret);
struct registry *registry_free(struct registry *registry);
DEFINE_CLEANUP(struct registry *, registry_free)

/*
 * Applies a configuration: copies the n types, the last of which must be "*", and takes a share
 * of each handler. test-echo exists under the limits of "*" even when it is not named; it does not
 * keep its row. 0 or -ENOMEM, and then nothing changed.
 */
int registry_configure(
	struct registry *registry, const struct registry_type *types, size_t n_types);

/* Whether jobs of some type are to have what came with their message. */
bool registry_wants_envelopes(const struct registry *registry);
bool registry_entry_wants_envelopes(const struct registry_entry *entry);

/* Borrowed, for as long as the registry lives; never NULL. */
struct registry_entry *registry_find(struct registry *registry, const char *type);
/* One after the other, all that ever were; NULL: there are no more. */
const struct registry_entry *registry_at(const struct registry *registry, size_t i);

/*
 * What the actions on single messages and on batches of them have in common: one entry is done in
 * the same way alone and among ten.
 */
#pragma once

#include "actions.h"

#define BATCH_MAX 10

/* Does one entry and adds what is to be said of it to result. */
typedef bool entry_fn(
	struct call *call, const json_t *entry, json_t *result, struct failure *failure);

/* The whole input is the entry. */
bool batch_single(struct call *call, entry_fn *fn);

/* Checks the entries and their ids. name is what AWS calls an entry of this kind. */
bool batch_check(struct call *call, const char *name, const json_t **ret_entries);

/* Runs each but those of the call's refusal; the output says which succeeded and which failed. */
bool batch_run(struct call *call, const json_t *entries, entry_fn *fn);

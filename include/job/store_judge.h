/*
 * What a row that a turn did not write means for what was asked of it: already as wanted, to be
 * asked again, or another's. Only for job/store.
 *
 * A row that job/store_sql would write, were it asked now, is STORE_LOCKED: both go by the same
 * rules. Pure.
 */
#pragma once

#include <stdint.h>

#include "job/store.h"

/* One row as it is now. */
struct store_row {
	const char *type;
	const char *status;
	int attempts;
	int64_t fence;
	int64_t left; /* of its lease, microseconds; not positive: over */
};

/* Fills in the ask's verdict and, where they go with it, attempts and wait. */
void store_judge(struct store_ask *ask, enum store_step step, const struct store_row *row,
	const struct store_turn *turn);

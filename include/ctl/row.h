/*
 * A row of the job table as commands show it. Pure, but for what asks the database.
 *
 * Times are UTC; as JSON "2026-01-02T03:04:05.678Z", and a row's members are named as its columns.
 */
#pragma once

#include <jansson.h>
#include <libpq-fe.h>

#include "base/clock.h"
#include "ctl/database.h"

/*
 * What stands between SELECT and FROM for row_read() and row_json(): all columns, times as text,
 * and what else there is to struct row.
 */
extern const char row_columns[];

/* Borrowed from the result. NULL: null. */
struct row {
	const char *id;
	const char *type;
	const char *payload;
	const char *status;
	int attempts;
	const char *error;
	const char *started_at;
	const char *completed_at;
	const char *created_at;
	const char *updated_at;
	usec_t age; /* since updated_at, by the database's clock */
	/* To the microsecond: by these it is known again. */
	const char *started_exactly;
	const char *updated_exactly;
};

/* Its status and attempts: "failed 3". */
#define ROW_STATE_MAX 32
const char *row_state(const struct row *row, char buffer[static ROW_STATE_MAX]);

void row_read(const PGresult *result, int i, struct row *ret);
/* Owned. */
json_t *row_json(const struct row *row);

/* The rows with these ids, in no order. NULL: it failed, which was said. */
PGresult *row_find(struct database *database, const char *const *ids, size_t n_ids);

/* Makes a pending row, committed. 0, or 1: it failed or there is one with this id, which was said.
 */
int row_insert(struct database *database, const char *id, const char *type, const char *payload);

/*
 * The row becomes pending, or failed with an error, if it is still as it was seen: what somebody
 * has begun, touched or finished since is left alone. 1: it did; 0: it is not as it was; negative:
 * it failed, which was said.
 */
int row_move(
	struct database *database, const struct row *seen, const char *status, const char *error);

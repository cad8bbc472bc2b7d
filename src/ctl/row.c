#include "ctl/row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "ctl/ctl.h"

#define NOW_UTC         "(now() AT TIME ZONE 'UTC')"
#define UTC(column)     "to_char(" #column ", 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
#define EXACTLY(column) "to_char(" #column ", 'YYYY-MM-DD HH24:MI:SS.US')"

/* Ten thousand years: what is older has no age that anybody means. */
#define AGE_MAX (1e4 * 366 * 24 * 3600)

/* clang-format off */
const char row_columns[] =
	"id, type, payload, coalesce(status::text, 'pending'), attempts, error, "
	UTC(started_at) ", " UTC(completed_at) ", " UTC(created_at) ", " UTC(updated_at)
	", extract(epoch FROM " NOW_UTC " - updated_at), " EXACTLY(started_at) ", "
	EXACTLY(updated_at);
/* clang-format on */

static const char *row_text(const PGresult *result, int i, int column)
{
	return PQgetisnull(result, i, column) ? NULL : PQgetvalue(result, i, column);
}

/* The table is the application's too, and may say that it will be written, or never was. */
static usec_t row_age(double seconds)
{
	if (!(seconds > 0))
		return 0;
	return (usec_t)((seconds < AGE_MAX ? seconds : AGE_MAX) * (double)USEC_PER_SEC);
}

void row_read(const PGresult *result, int i, struct row *ret)
{
	*ret = (struct row){
		.id = row_text(result, i, 0),
		.type = row_text(result, i, 1),
		.payload = row_text(result, i, 2),
		.status = row_text(result, i, 3),
		.attempts = atoi(PQgetvalue(result, i, 4)),
		.error = row_text(result, i, 5),
		.started_at = row_text(result, i, 6),
		.completed_at = row_text(result, i, 7),
		.created_at = row_text(result, i, 8),
		.updated_at = row_text(result, i, 9),
		.age = row_age(atof(PQgetvalue(result, i, 10))),
		.started_exactly = row_text(result, i, 11),
		.updated_exactly = row_text(result, i, 12),
	};
}

const char *row_state(const struct row *row, char buffer[static ROW_STATE_MAX])
{
	snprintf(buffer, ROW_STATE_MAX, "%s %d", row->status, row->attempts);
	return buffer;
}

json_t *row_json(const struct row *row)
{
	json_t *payload = row->payload ? json_loads(row->payload, JSON_DECODE_ANY, NULL) : NULL;

	return json_pack("{s:s, s:s?, s:o, s:s, s:i, s:s?, s:s?, s:s?, s:s?, s:s?}", "id", row->id,
		"type", row->type, "payload", payload ? payload : json_null(), "status",
		row->status, "attempts", row->attempts, "error", row->error, "started_at",
		row->started_at, "completed_at", row->completed_at, "created_at", row->created_at,
		"updated_at", row->updated_at);
}

/* Postgres' text form of an array: each element in quotes, \ before \ and ". */
static void put_array(struct strbuf *out, const char *const *texts, size_t n)
{
	strbuf_putc(out, '{');
	for (size_t i = 0; i < n; i++) {
		strbuf_puts(out, i > 0 ? ",\"" : "\"");
		for (const char *c = texts[i]; *c; c++) {
			if (*c == '"' || *c == '\\')
				strbuf_putc(out, '\\');
			strbuf_putc(out, *c);
		}
		strbuf_putc(out, '"');
	}
	strbuf_putc(out, '}');
}

PGresult *row_find(struct database *database, const char *const *ids, size_t n_ids)
{
	_cleanup_strbuf_ struct strbuf sql = STRBUF_INIT, array = STRBUF_INIT;

	put_array(&array, ids, n_ids);
	strbuf_printf(
		&sql, "SELECT %s FROM background_jobs WHERE id = ANY ($1::text[])", row_columns);
	return database_query(
		database, strbuf_str(&sql), (const char *const[]){strbuf_str(&array)}, 1);
}

int row_insert(struct database *database, const char *id, const char *type, const char *payload)
{
	/* The application leaves the moments to the table's defaults, which are its session's time.
	 */
	_cleanup_result_ PGresult *result = database_query(database,
		"INSERT INTO background_jobs (id, type, payload, status, created_at, updated_at)"
		" VALUES ($1, $2, $3::jsonb, 'pending', " NOW_UTC ", " NOW_UTC
		") ON CONFLICT (id) DO NOTHING",
		(const char *const[]){id, type, payload}, 3);

	if (!result)
		return EXIT_FAILURE;
	if (strcmp(PQcmdTuples(result), "1") == 0)
		return EXIT_SUCCESS;
	return ctl_fail(EXIT_FAILURE, "there is a job %s already: nexusctl job show %s", id, id);
}

int row_move(
	struct database *database, const struct row *seen, const char *status, const char *error)
{
	char attempts[16];

	snprintf(attempts, sizeof attempts, "%d", seen->attempts);
	const char *const parameters[] = {seen->id, status, error, seen->status, attempts,
		seen->started_exactly, seen->updated_exactly};
	_cleanup_result_ PGresult *result = database_query(database,
		"UPDATE background_jobs SET status = $2::job_status, error = $3, completed_at = "
		"NULL,"
		" updated_at = " NOW_UTC " WHERE id = $1 AND coalesce(status::text, 'pending') = $4"
		" AND coalesce(attempts, 0) = $5::integer AND started_at IS NOT DISTINCT FROM"
		" $6::timestamp AND updated_at IS NOT DISTINCT FROM $7::timestamp",
		parameters, sizeof parameters / sizeof parameters[0]);

	return result ? strcmp(PQcmdTuples(result), "1") == 0 : -1;
}

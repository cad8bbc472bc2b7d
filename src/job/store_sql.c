#include "job/store_sql.h"

#include <endian.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Postgres' type numbers (pg_type.h), stable for ever. */
enum {
	OID_BOOL = 16,
	OID_BOOL_ARRAY = 1000,
	OID_INT8 = 20,
	OID_INT4 = 23,
	OID_TEXT = 25,
	OID_TEXT_ARRAY = 1009,
	OID_INT4_ARRAY = 1007,
	OID_TIMESTAMP = 1114,
	OID_TIMESTAMP_ARRAY = 1115,
};

#define NOW_UTC "(clock_timestamp() AT TIME ZONE 'UTC')"

/*
 * The rows of `asked` that nobody else has locked and that fit, as they are now. The status is
 * compared as text, so that no index on it looks like a way to find rows: the primary key is.
 */
#define DUE_FROM(asked)                                                                            \
	"WITH due AS MATERIALIZED (SELECT j.ctid AS place, a.* FROM " asked                        \
	" JOIN background_jobs AS j ON j.id = a.job WHERE "
#define DUE_LOCKED " FOR NO KEY UPDATE OF j SKIP LOCKED)"

#define OURS "j.status::text = 'processing' AND j.started_at = a.fence AND j.attempts = a.tries"

/*
 * A row that its handler keeps: this run has counted itself, or has not yet. What it may become
 * depends on what it is; job/store_judge reads the rest in the same way.
 */
#define KEPT          "coalesce(j.attempts, 0) IN (a.tries, a.tries + 1)"
#define KEPT_TO_TOUCH KEPT " AND j.status::text = 'processing'"
#define KEPT_TO_FINISH                                                                             \
	KEPT " AND CASE coalesce(j.status::text, 'pending') WHEN 'processing' THEN true"           \
	     " WHEN 'pending' THEN a.outcome <> 'pending'"                                         \
	     " WHEN 'failed' THEN a.outcome = 'completed'"                                         \
	     " OR (a.outcome = 'failed' AND coalesce(j.attempts, 0) = a.tries)"                    \
	     " ELSE false END"

/*
 * By a begin whose answer was lost: it is not counted again, but its lease begins anew. If none was
 * sent before, the fence is another daemon's that chose the same, or this one comes too late.
 */
#define GRANTED_BEFORE(asked) "j.started_at IS NOT DISTINCT FROM " asked ".fence"

#define AT_THEIR_PLACE " FROM due WHERE j.ctid = due.place RETURNING due.n, j.attempts"

/*
 * A small table, or one without statistics, must not lure the planner away from the primary key:
 * the plan is the same at ten rows and at ten million.
 */
const char store_sql_settings[] =
	"SELECT set_config('statement_timeout', $1, true),"
	" set_config('synchronous_commit', 'on', true),"
	" set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true),"
	" set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)";

/* In the binary form of a timestamp, whatever the session's TimeZone is. */
const char store_sql_time[] = "SELECT " NOW_UTC;

/* Postgres reads the words while it plans, and names the one that is none. */
const char store_sql_statuses[] =
	"SELECT 1 WHERE NULL::job_status IN ('pending', 'processing', 'completed', 'failed')";

/* clang-format off */
const char *const store_sql_steps[STORE_N_STEPS] = {
	[STORE_TOUCH] =
		DUE_FROM("unnest($1, $2, $3, $4) WITH ORDINALITY AS a (job, kept, fence, tries, n)")
		"CASE WHEN a.kept THEN " KEPT_TO_TOUCH " ELSE " OURS " END" DUE_LOCKED
		" UPDATE background_jobs AS j SET updated_at = " NOW_UTC AT_THEIR_PLACE,
	[STORE_FINISH] =
		DUE_FROM("unnest($1, $2, $3, $4, $5, $6) WITH ORDINALITY"
			" AS a (job, kept, fence, tries, outcome, reason, n)")
		"CASE WHEN a.kept THEN " KEPT_TO_FINISH " ELSE " OURS " END" DUE_LOCKED
		" UPDATE background_jobs AS j SET status = due.outcome::job_status,"
		" error = due.reason, updated_at = " NOW_UTC ", attempts ="
		" CASE WHEN due.kept AND due.outcome <> 'pending' THEN due.tries + 1 ELSE j.attempts END,"
		" completed_at = CASE WHEN due.outcome = 'completed' THEN " NOW_UTC " END"
		AT_THEIR_PLACE,
	[STORE_BEGIN] =
		DUE_FROM("unnest($1, $2, $3, $4, $5) WITH ORDINALITY"
			" AS a (job, kept, fence, unsure, wanted, n)")
		"NOT a.kept AND j.type = a.wanted AND CASE WHEN " GRANTED_BEFORE("a")
		" THEN a.unsure AND j.status::text = 'processing'"
		" ELSE coalesce(j.status::text, 'pending') IN ('pending', 'failed')"
		" OR (j.status::text = 'processing' AND $7 AND coalesce(j.updated_at"
		" < " NOW_UTC " - $6 * interval '1 microsecond', true)) END" DUE_LOCKED
		" UPDATE background_jobs AS j SET status = 'processing',"
		" attempts = coalesce(j.attempts, 0)"
		" + CASE WHEN " GRANTED_BEFORE("due") " THEN 0 ELSE 1 END,"
		" started_at = due.fence, updated_at = " NOW_UTC AT_THEIR_PLACE,
};

/* The lease that is left: an infinite updated_at is one, a missing one is none. */
const char store_sql_look[] =
	"WITH asked AS MATERIALIZED (SELECT * FROM unnest($1) WITH ORDINALITY AS a (id, n)),"
	" found AS MATERIALIZED (SELECT * FROM background_jobs WHERE id = ANY($1))"
	" SELECT n, type, coalesce(status::text, 'pending'), coalesce(attempts, 0), started_at,"
	" CASE WHEN isfinite(updated_at)"
	" THEN (extract(epoch FROM updated_at - " NOW_UTC ") * 1000000)::bigint + $2"
	" WHEN updated_at > " NOW_UTC " THEN $2 ELSE 0 END"
	" FROM found JOIN asked USING (id)";

/* Only what nobody works on, or what we do, and nobody has locked. */
const char store_sql_refuse[] =
	"UPDATE background_jobs SET status = 'failed', error = $2, updated_at = " NOW_UTC
	" WHERE ctid = (SELECT ctid FROM background_jobs WHERE id = $1"
	" AND (coalesce(status::text, 'pending') IN ('pending', 'failed')"
	" OR (status::text = 'processing' AND started_at = $3)) FOR NO KEY UPDATE SKIP LOCKED)"
	" RETURNING 1::bigint, attempts";
/* clang-format on */

const char *store_sql_status(enum job_outcome outcome)
{
	switch (outcome) {
	case JOB_COMPLETED:
		return "completed";
	case JOB_ABANDONED:
		return "pending";
	case JOB_FAILED:
	case JOB_TIMEOUT:
	case JOB_MISSING:
	case JOB_REJECTED:
	case JOB_DUPLICATE:
	case JOB_ELSEWHERE:
	case JOB_LOST:
		break;
	}
	return "failed";
}

/* ---- The binary form ---- */

void store_parameters_init(struct store_parameters *p)
{
	*p = (struct store_parameters){0};
	for (size_t i = 0; i < STORE_PARAMETERS_MAX; i++)
		p->bytes[i] = STRBUF_INIT;
}

void store_parameters_done(struct store_parameters *p)
{
	for (size_t i = 0; i < STORE_PARAMETERS_MAX; i++)
		strbuf_done(&p->bytes[i]);
}

static void put_int4(struct strbuf *b, int32_t value)
{
	uint32_t bytes = htobe32((uint32_t)value);

	strbuf_append(b, &bytes, sizeof bytes);
}

static void put_int8(struct strbuf *b, int64_t value)
{
	uint64_t bytes = htobe64((uint64_t)value);

	strbuf_append(b, &bytes, sizeof bytes);
}

static struct strbuf *parameter_begin(struct store_parameters *p, unsigned type)
{
	struct strbuf *b = &p->bytes[p->n];

	strbuf_reset(b);
	p->types[p->n] = type;
	p->formats[p->n] = 1;
	return b;
}

static void parameter_end(struct store_parameters *p)
{
	struct strbuf *b = &p->bytes[p->n];

	if (b->error < 0)
		p->error = b->error;
	p->values[p->n] = strbuf_str(b);
	p->lengths[p->n] = (int)b->len;
	p->n++;
}

static void parameter_text(struct store_parameters *p, const char *text)
{
	strbuf_puts(parameter_begin(p, OID_TEXT), text);
	parameter_end(p);
}

static void parameter_int8(struct store_parameters *p, unsigned type, int64_t value)
{
	put_int8(parameter_begin(p, type), value);
	parameter_end(p);
}

static void parameter_bool(struct store_parameters *p, bool value)
{
	strbuf_putc(parameter_begin(p, OID_BOOL), value);
	parameter_end(p);
}

/* An array's head: one dimension, counted from 1, with or without NULLs. */
static struct strbuf *array_begin(
	struct store_parameters *p, unsigned type, unsigned element, size_t n)
{
	struct strbuf *b = parameter_begin(p, type);

	put_int4(b, n > 0);
	put_int4(b, type == OID_TEXT_ARRAY);
	put_int4(b, (int32_t)element);
	if (n > 0) {
		put_int4(b, (int32_t)n);
		put_int4(b, 1);
	}
	return b;
}

static void put_text(struct strbuf *b, const char *text)
{
	if (!text) {
		put_int4(b, -1);
		return;
	}
	size_t len = strlen(text);
	put_int4(b, (int32_t)len);
	strbuf_append(b, text, len);
}

typedef const char *ask_text_fn(const struct store_ask *ask);

static void parameter_texts(
	struct store_parameters *p, const struct store_ask *asks, size_t n_asks, ask_text_fn *text)
{
	struct strbuf *b = array_begin(p, OID_TEXT_ARRAY, OID_TEXT, n_asks);

	for (size_t i = 0; i < n_asks; i++)
		put_text(b, text(&asks[i]));
	parameter_end(p);
}

static const char *ask_id(const struct store_ask *ask)
{
	return ask->job->id;
}

static const char *ask_type(const struct store_ask *ask)
{
	return ask->job->type;
}

static const char *ask_status(const struct store_ask *ask)
{
	return store_sql_status(ask->job->outcome);
}

/* A success leaves no error behind, whatever a handler noted on its way. */
static const char *ask_error(const struct store_ask *ask)
{
	if (ask->job->outcome == JOB_COMPLETED)
		return NULL;
	return ask->job->error ? ask->job->error : "failed without a reason";
}

static void parameter_fences(
	struct store_parameters *p, const struct store_ask *asks, size_t n_asks)
{
	struct strbuf *b = array_begin(p, OID_TIMESTAMP_ARRAY, OID_TIMESTAMP, n_asks);

	for (size_t i = 0; i < n_asks; i++) {
		put_int4(b, 8);
		put_int8(b, asks[i].job->claim.fence);
	}
	parameter_end(p);
}

typedef bool ask_flag_fn(const struct store_ask *ask);

static void parameter_flags(
	struct store_parameters *p, const struct store_ask *asks, size_t n_asks, ask_flag_fn *flag)
{
	struct strbuf *b = array_begin(p, OID_BOOL_ARRAY, OID_BOOL, n_asks);

	for (size_t i = 0; i < n_asks; i++) {
		put_int4(b, 1);
		strbuf_putc(b, flag(&asks[i]));
	}
	parameter_end(p);
}

static bool ask_is_kept(const struct store_ask *ask)
{
	return ask->job->keeps_row;
}

static bool ask_is_unsure(const struct store_ask *ask)
{
	return ask->job->claim.unsure;
}

static void parameter_attempts(
	struct store_parameters *p, const struct store_ask *asks, size_t n_asks)
{
	struct strbuf *b = array_begin(p, OID_INT4_ARRAY, OID_INT4, n_asks);

	for (size_t i = 0; i < n_asks; i++) {
		put_int4(b, 4);
		put_int4(b, asks[i].job->claim.attempts);
	}
	parameter_end(p);
}

/* ---- One statement's ---- */

static void parameters_restart(struct store_parameters *p)
{
	p->n = 0;
	p->error = 0;
}

void store_parameters_settings(struct store_parameters *p, usec_t statement_timeout)
{
	char milliseconds[24];

	snprintf(milliseconds, sizeof milliseconds, "%" PRIu64, statement_timeout / USEC_PER_MSEC);
	parameters_restart(p);
	parameter_text(p, milliseconds);
}

void store_parameters_step(
	struct store_parameters *p, enum store_step step, const struct store_turn *turn)
{
	const struct store_ask *asks = turn->steps[step].asks;
	size_t n_asks = turn->steps[step].n_asks;

	parameters_restart(p);
	parameter_texts(p, asks, n_asks, ask_id);
	parameter_flags(p, asks, n_asks, ask_is_kept);
	parameter_fences(p, asks, n_asks);
	switch (step) {
	case STORE_FINISH:
		parameter_attempts(p, asks, n_asks);
		parameter_texts(p, asks, n_asks, ask_status);
		parameter_texts(p, asks, n_asks, ask_error);
		return;
	case STORE_TOUCH:
		parameter_attempts(p, asks, n_asks);
		return;
	case STORE_BEGIN:
		parameter_flags(p, asks, n_asks, ask_is_unsure);
		parameter_texts(p, asks, n_asks, ask_type);
		parameter_int8(p, OID_INT8, (int64_t)turn->lease);
		parameter_bool(p, turn->may_take_over);
		return;
	}
}

void store_parameters_look(
	struct store_parameters *p, const struct store_ask *asks, size_t n_asks, usec_t lease)
{
	parameters_restart(p);
	parameter_texts(p, asks, n_asks, ask_id);
	parameter_int8(p, OID_INT8, (int64_t)lease);
}

void store_parameters_refuse(
	struct store_parameters *p, const struct store_ask *ask, const char *text)
{
	parameters_restart(p);
	parameter_text(p, ask->job->id);
	parameter_text(p, text);
	parameter_int8(p, OID_TIMESTAMP, ask->job->claim.fence);
}

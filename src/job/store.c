#include "job/store.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/backoff.h"
#include "base/strbuf.h"
#include "job/connection.h"
#include "job/sqlstate.h"
#include "job/store_sql.h"

/* Fences of one daemon share this residue, so that two daemons never choose the same. */
#define FENCE_STEP 1000

struct store {
	struct dsn *dsn;
	struct connection_addresses addresses[DSN_HOSTS_MAX];
	PGconn *conn;
	int (*tick)(void *userdata);
	void *userdata;

	int64_t time_ahead; /* the database's time minus CLOCK_BOOTTIME */
	int64_t last_fence;
	int64_t fence_residue;

	struct store_parameters parameters;
	char error[STORE_ERROR_MAX];
	char sqlstate[6]; /* of the first error of what is going on */
};

int store_new(
	const struct store_options *options, struct store **ret, char ret_error[STORE_ERROR_MAX])
{
	_cleanup_(store_freep) struct store *store = calloc(1, sizeof *store);
	char error[DSN_ERROR_MAX];

	if (!store)
		return -ENOMEM;
	store->tick = options->tick;
	store->userdata = options->userdata;
	store->fence_residue = (int64_t)backoff_random(FENCE_STEP);
	store_parameters_init(&store->parameters);
	int r = dsn_parse(options->url, &store->dsn, error);
	if (r == -EINVAL)
		snprintf(ret_error, STORE_ERROR_MAX, "%s", error);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(store);
	return 0;
}

struct store *store_free(struct store *store)
{
	if (!store)
		return NULL;
	store_disconnect(store);
	dsn_free(store->dsn);
	store_parameters_done(&store->parameters);
	free(store);
	return NULL;
}

bool store_is_connected(const struct store *store)
{
	return store->conn;
}

void store_disconnect(struct store *store)
{
	PQfinish(TAKE_PTR(store->conn));
}

const char *store_error(const struct store *store)
{
	return store->error;
}

int store_fd(const struct store *store)
{
	return store->conn ? PQsocket(store->conn) : -1;
}

int64_t store_fence(struct store *store)
{
	int64_t now = (int64_t)clock_boottime() + store->time_ahead;
	int64_t fence = now - now % FENCE_STEP + store->fence_residue;

	if (fence <= store->last_fence)
		fence = store->last_fence + FENCE_STEP;
	return store->last_fence = fence;
}

/* --- one conversation -------------------------------------------------------------------- */

static enum store_result store_away(struct store *store, int error)
{
	if (error == -ETIMEDOUT)
		snprintf(store->error, sizeof store->error,
			"the database does not answer in time; look at its load, at locks and at "
			"the pooler");
	else if (store->error[0] == '\0')
		snprintf(store->error, sizeof store->error, "the database's connection was lost");
	store_disconnect(store);
	return STORE_AWAY;
}

/* Keeps the first error, for what follows it is its echo. */
static void store_note_error(struct store *store, const PGresult *result)
{
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	if (store->error[0] != '\0')
		return;
	snprintf(store->sqlstate, sizeof store->sqlstate, "%s", sqlstate ? sqlstate : "");
	if (!primary)
		primary = PQerrorMessage(store->conn);
	const char *cure = sqlstate_cure(store->sqlstate);
	snprintf(store->error, sizeof store->error, "Postgres says: %.*s%s%s%s%s%s",
		(int)strcspn(primary, "\n"), primary, store->sqlstate[0] ? " (SQLSTATE " : "",
		store->sqlstate, store->sqlstate[0] ? ")" : "", cure[0] ? "; " : "", cure);
}

/* Sends what libpq still holds; a server that answers meanwhile must be listened to. */
static int store_flush(struct store *store, const struct patience *patience)
{
	for (;;) {
		int r = PQflush(store->conn);
		if (r <= 0)
			return r < 0 ? -EPIPE : 0;
		r = connection_wait(PQsocket(store->conn), POLLIN | POLLOUT, patience);
		if (r < 0)
			return r;
		if (PQconsumeInput(store->conn) != 1)
			return -EPIPE;
	}
}

static void result_clearp(PGresult **result)
{
	PQclear(*result);
}

/* The next result, or NULL in ret at the end of one statement's. */
static int store_next(struct store *store, const struct patience *patience, PGresult **ret)
{
	while (PQisBusy(store->conn)) {
		int r = connection_wait(PQsocket(store->conn), POLLIN, patience);
		if (r < 0)
			return r;
		if (PQconsumeInput(store->conn) != 1) {
			/* The server's last words may be in what was read before. */
			*ret = PQgetResult(store->conn);
			if (!*ret)
				return -EPIPE;
			return 0;
		}
	}
	*ret = PQgetResult(store->conn);
	return 0;
}

/* What to do with a statement's good result. */
typedef int store_read_fn(struct store *store, const PGresult *result, void *userdata);

/*
 * Reads one statement's results: 0 when it was done, 1 when it failed or an earlier one of the
 * pipeline did, negative when there is no conversation any more.
 */
static int store_read(
	struct store *store, const struct patience *patience, store_read_fn *read, void *userdata)
{
	int verdict = 0;

	for (;;) {
		_cleanup_(result_clearp) PGresult *result = NULL;
		int r = store_next(store, patience, &result);
		if (r < 0)
			return r;
		if (!result)
			return PQstatus(store->conn) == CONNECTION_OK ? verdict : -EPIPE;

		ExecStatusType status = PQresultStatus(result);
		if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
			if (read && read(store, result, userdata) < 0)
				return -EPROTO;
		} else {
			if (status == PGRES_FATAL_ERROR)
				store_note_error(store, result);
			verdict = 1;
		}
		if (PQstatus(store->conn) != CONNECTION_OK)
			return -EPIPE;
	}
}

/* The pipeline's end, which has no NULL behind it. */
static int store_read_sync(struct store *store, const struct patience *patience)
{
	_cleanup_(result_clearp) PGresult *result = NULL;

	int r = store_next(store, patience, &result);
	if (r < 0)
		return r;
	return result && PQresultStatus(result) == PGRES_PIPELINE_SYNC ? 0 : -EPROTO;
}

static int store_send(struct store *store, const char *sql)
{
	return PQsendQueryParams(store->conn, sql, 0, NULL, NULL, NULL, NULL, 1) == 1 ? 0 : -EPIPE;
}

static int store_send_parameters(struct store *store, const char *sql)
{
	struct store_parameters *p = &store->parameters;

	if (p->error < 0)
		return p->error;
	return PQsendQueryParams(
		       store->conn, sql, p->n, p->types, p->values, p->lengths, p->formats, 1) == 1
		       ? 0
		       : -EPIPE;
}

/* A failed transaction stays open until it is told to end. */
static int store_rollback(struct store *store, const struct patience *patience)
{
	if (store_send(store, "ROLLBACK") < 0 || PQpipelineSync(store->conn) != 1)
		return -EPIPE;
	int r = store_flush(store, patience);
	if (r < 0)
		return r;
	r = store_read(store, patience, NULL, NULL);
	return r < 0 ? r : store_read_sync(store, patience);
}

static enum store_result store_failed(struct store *store, const struct patience *patience, int r)
{
	if (r < 0)
		return store_away(store, r);
	if (sqlstate_classify(store->sqlstate) != SQLSTATE_DATA)
		return store_away(store, 0);
	r = store_rollback(store, patience);
	return r < 0 ? store_away(store, r) : STORE_REFUSED;
}

/* --- reading answers ----------------------------------------------------------------------- */

static int64_t result_int(const PGresult *result, int row, int column)
{
	if (PQgetisnull(result, row, column))
		return 0;

	const char *bytes = PQgetvalue(result, row, column);
	uint64_t wide;
	uint32_t narrow;

	if (PQgetlength(result, row, column) == (int)sizeof wide) {
		memcpy(&wide, bytes, sizeof wide);
		return (int64_t)be64toh(wide);
	}
	memcpy(&narrow, bytes, sizeof narrow);
	return (int32_t)be32toh(narrow);
}

/* The ask that a row's number means, or NULL: not a number that was given. */
static struct store_ask *result_ask(const PGresult *result, int row, struct store_asks *asks)
{
	int64_t n = result_int(result, row, 0);

	return n >= 1 && (uint64_t)n <= asks->n_asks ? &asks->asks[n - 1] : NULL;
}

static int store_read_written(struct store *store, const PGresult *result, void *userdata)
{
	struct store_asks *asks = userdata;

	(void)store;
	for (int row = 0; row < PQntuples(result); row++) {
		struct store_ask *ask = result_ask(result, row, asks);
		if (!ask)
			return -EPROTO;
		ask->verdict = STORE_WRITTEN;
		ask->attempts = (int)result_int(result, row, 1);
	}
	return 0;
}

/* COMMIT of a transaction that failed answers OK, with another tag. */
static int store_read_commit(struct store *store, const PGresult *result, void *userdata)
{
	(void)store;
	(void)userdata;
	return strcmp(PQcmdStatus((PGresult *)result), "COMMIT") == 0 ? 0 : -EPROTO;
}

static int store_read_time(struct store *store, const PGresult *result, void *userdata)
{
	(void)userdata;
	if (PQntuples(result) != 1)
		return -EPROTO;
	store->time_ahead = result_int(result, 0, 0) - (int64_t)clock_boottime();
	return 0;
}

/* --- what was not written ------------------------------------------------------------------ */

struct store_look {
	enum store_step step;
	struct store_asks *asks;
	const struct store_turn *turn;
};

/* One row as it is now. */
struct store_row {
	const char *type;
	const char *status;
	int attempts;
	int64_t fence;
	int64_t left; /* of its lease, microseconds; not positive: over */
};

static void store_judge_begin(
	struct store_ask *ask, const struct store_row *row, const struct store_turn *turn)
{
	bool processing = strcmp(row->status, "processing") == 0;

	if (strcmp(row->type, ask->job->type) != 0) {
		ask->verdict = STORE_OTHER_TYPE;
	} else if (strcmp(row->status, "completed") == 0) {
		ask->verdict = STORE_COMPLETED;
	} else if (row->fence == ask->job->claim.fence) {
		/* Granted before, by a commit whose answer was lost: never counted twice. */
		ask->verdict = processing ? STORE_WRITTEN : STORE_TAKEN;
		ask->attempts = row->attempts;
	} else if (processing && (row->left > 0 || !turn->may_take_over)) {
		ask->verdict = STORE_ELSEWHERE;
		ask->wait = row->left > 0 ? (usec_t)row->left : 0;
	} else {
		ask->verdict = STORE_LOCKED;
	}
}

static void store_judge_begun(
	struct store_ask *ask, const struct store_row *row, const char *wanted)
{
	const struct job_claim *claim = &ask->job->claim;

	if (row->fence != claim->fence || row->attempts != claim->attempts)
		ask->verdict = STORE_TAKEN;
	else if (wanted && strcmp(row->status, wanted) == 0)
		ask->verdict = STORE_WRITTEN; /* by a commit whose answer was lost */
	else
		ask->verdict = strcmp(row->status, "processing") == 0 ? STORE_LOCKED : STORE_TAKEN;
}

static int store_read_look(struct store *store, const PGresult *result, void *userdata)
{
	struct store_look *look = userdata;

	(void)store;
	for (int i = 0; i < PQntuples(result); i++) {
		struct store_ask *ask = result_ask(result, i, look->asks);
		struct store_row row = {
			.type = PQgetvalue(result, i, 1),
			.status = PQgetvalue(result, i, 2),
			.attempts = (int)result_int(result, i, 3),
			.fence = result_int(result, i, 4),
			.left = result_int(result, i, 5),
		};
		if (!ask)
			return -EPROTO;
		if (ask->verdict == STORE_WRITTEN)
			continue;
		switch (look->step) {
		case STORE_FINISH:
			store_judge_begun(ask, &row, store_sql_status(ask->job->outcome));
			break;
		case STORE_TOUCH:
			store_judge_begun(ask, &row, NULL);
			break;
		case STORE_BEGIN:
			store_judge_begin(ask, &row, look->turn);
			break;
		}
	}
	return 0;
}

static bool store_all_written(const struct store_asks *asks)
{
	for (size_t i = 0; i < asks->n_asks; i++)
		if (asks->asks[i].verdict != STORE_WRITTEN)
			return false;
	return true;
}

/* Reads back the rows of which some were not written; plain reads, after the commit. */
static int store_look(struct store *store, struct store_turn *turn, const struct patience *patience)
{
	bool looked[STORE_N_STEPS] = {false};
	int r = 0;

	for (enum store_step step = 0; step < STORE_N_STEPS; step++) {
		struct store_asks *asks = &turn->steps[step];
		if (store_all_written(asks))
			continue;
		store_parameters_look(&store->parameters, asks->asks, asks->n_asks, turn->lease);
		if (store_send_parameters(store, store_sql_look) < 0)
			return -EPIPE;
		looked[step] = true;
	}
	if (!looked[STORE_FINISH] && !looked[STORE_TOUCH] && !looked[STORE_BEGIN])
		return 0;
	if (PQpipelineSync(store->conn) != 1)
		return -EPIPE;
	r = store_flush(store, patience);
	for (enum store_step step = 0; r == 0 && step < STORE_N_STEPS; step++) {
		struct store_look look = {step, &turn->steps[step], turn};
		if (looked[step])
			r = store_read(store, patience, store_read_look, &look);
	}
	return r < 0 ? r : r > 0 ? -EPIPE : store_read_sync(store, patience);
}

/* --- the turn ------------------------------------------------------------------------------ */

static int store_send_turn(struct store *store, const struct store_turn *turn, bool even_empty)
{
	store_parameters_settings(&store->parameters, turn->statement_timeout);
	if (store_send(store, "BEGIN") < 0 || store_send_parameters(store, store_sql_settings) < 0)
		return -EPIPE;
	for (enum store_step step = 0; step < STORE_N_STEPS; step++) {
		const struct store_asks *asks = &turn->steps[step];
		if (asks->n_asks == 0 && !even_empty)
			continue;
		store_parameters_step(&store->parameters, step, turn);
		int r = store_send_parameters(store, store_sql_steps[step]);
		if (r < 0)
			return r;
	}
	return store_send(store, "COMMIT") < 0 || PQpipelineSync(store->conn) != 1 ? -EPIPE : 0;
}

/* Until the commit: 0, 1 when a statement failed, or negative. */
static int store_read_turn(struct store *store, struct store_turn *turn,
	const struct patience *patience, bool even_empty)
{
	int failed = 0;

	int r = store_read(store, patience, NULL, NULL); /* BEGIN */
	if (r >= 0)
		r = store_read(store, patience, NULL, NULL); /* the settings */
	for (enum store_step step = 0; r >= 0 && step < STORE_N_STEPS; step++) {
		failed |= r;
		if (turn->steps[step].n_asks > 0 || even_empty)
			r = store_read(store, patience, store_read_written, &turn->steps[step]);
	}
	failed |= r;
	if (r >= 0)
		r = store_read(store, patience, store_read_commit, NULL);
	failed |= r;
	if (r >= 0)
		r = store_read_sync(store, patience);
	return r < 0 ? r : failed;
}

static enum store_result store_transact(struct store *store, struct store_turn *turn, bool prove)
{
	struct patience patience = {
		.deadline = clock_monotonic() + 2 * turn->statement_timeout,
		.tick = store->tick,
		.userdata = store->userdata,
	};

	store->error[0] = store->sqlstate[0] = '\0';
	turn->sent_at = clock_boottime();
	int r = store_send_turn(store, turn, prove);
	if (r == 0)
		r = store_flush(store, &patience);
	if (r == 0)
		r = store_read_turn(store, turn, &patience, prove);
	if (r != 0)
		return store_failed(store, &patience, r);
	r = store_look(store, turn, &patience);
	return r < 0 ? store_away(store, r) : STORE_OK;
}

enum store_result store_turn(struct store *store, struct store_turn *turn)
{
	for (enum store_step step = 0; step < STORE_N_STEPS; step++) {
		struct store_asks *asks = &turn->steps[step];
		/* What neither statement nor look finds is not there. */
		for (size_t i = 0; i < asks->n_asks; i++) {
			asks->asks[i].verdict = step == STORE_BEGIN ? STORE_MISSING : STORE_TAKEN;
			asks->asks[i].wait = 0;
		}
	}
	return store_transact(store, turn, false);
}

enum store_result store_refuse(struct store *store, struct store_ask *ask, const char *text)
{
	struct patience patience = {
		.deadline = clock_monotonic() + 5 * USEC_PER_SEC,
		.tick = store->tick,
		.userdata = store->userdata,
	};
	struct store_asks one = {ask, 1};

	store->error[0] = store->sqlstate[0] = '\0';
	ask->verdict = STORE_TAKEN;
	store_parameters_refuse(&store->parameters, ask, text);
	int r = store_send_parameters(store, store_sql_refuse);
	if (r == 0 && PQpipelineSync(store->conn) != 1)
		r = -EPIPE;
	if (r == 0)
		r = store_flush(store, &patience);
	if (r == 0)
		r = store_read(store, &patience, store_read_written, &one);
	if (r >= 0) {
		int end = store_read_sync(store, &patience);
		r = end < 0 ? end : r;
	}
	if (r <= 0)
		return r < 0 ? store_away(store, r) : STORE_OK;
	/* Alone, not in a transaction: nothing to roll back. */
	return sqlstate_classify(store->sqlstate) == SQLSTATE_DATA ? STORE_REFUSED
								   : store_away(store, 0);
}

static int store_ask_time(struct store *store, const struct patience *patience)
{
	if (store_send(store, store_sql_time) < 0 || PQpipelineSync(store->conn) != 1)
		return -EPIPE;
	int r = store_flush(store, patience);
	if (r == 0)
		r = store_read(store, patience, store_read_time, NULL);
	return r < 0 ? r : r > 0 ? -EPIPE : store_read_sync(store, patience);
}

enum store_result store_connect(struct store *store, usec_t timeout)
{
	struct patience patience = {
		.deadline = clock_monotonic() + timeout,
		.tick = store->tick,
		.userdata = store->userdata,
	};
	struct store_turn nothing = {.statement_timeout = timeout, .lease = timeout};

	assert(!store->conn);
	store->error[0] = store->sqlstate[0] = '\0';
	int r = connection_open(
		store->dsn, store->addresses, &patience, &store->conn, store->error);
	if (r < 0)
		return STORE_AWAY;
	r = store_ask_time(store, &patience);
	if (r < 0)
		return store_away(store, r);

	/* No values, so nothing to refuse: whatever is said is about the table. */
	enum store_result result = store_transact(store, &nothing, true);
	return result == STORE_REFUSED ? store_away(store, 0) : result;
}

enum store_result store_check(struct store *store)
{
	_cleanup_(result_clearp) PGresult *result = NULL;

	store->error[0] = store->sqlstate[0] = '\0';
	if (PQconsumeInput(store->conn) == 1 && PQstatus(store->conn) == CONNECTION_OK)
		return STORE_OK;
	return store_away(store, -EPIPE);
}

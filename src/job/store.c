#include "job/store.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/backoff.h"
#include "job/pipeline.h"
#include "job/sqlstate.h"
#include "job/store_judge.h"
#include "job/store_sql.h"

/* Fences of one daemon share a residue, so that two daemons seldom choose the same. */
#define FENCE_STEP 100

#define CONNECTED_PATIENCE (5 * USEC_PER_SEC)
#define REFUSE_PATIENCE    (5 * USEC_PER_SEC)

struct store {
	struct dsn *dsn;
	struct connection_known known;
	struct pipeline pipeline; /* with the connection */
	int (*tick)(void *userdata);
	void *userdata;

	int64_t time_ahead; /* the database's time minus CLOCK_BOOTTIME */
	int64_t last_fence;
	int64_t fence_residue;
	struct store_parameters parameters;
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
	return store->pipeline.conn;
}

void store_disconnect(struct store *store)
{
	pipeline_close(&store->pipeline);
}

const char *store_error(const struct store *store)
{
	return store->pipeline.error;
}

int store_fd(const struct store *store)
{
	return store->pipeline.conn ? PQsocket(store->pipeline.conn) : -1;
}

int64_t store_fence(struct store *store)
{
	int64_t now = (int64_t)clock_boottime() + store->time_ahead;
	int64_t fence = now - now % FENCE_STEP + store->fence_residue;

	/* Not in the future: a job that is done at once would end before it began. */
	if (fence > now)
		fence -= FENCE_STEP;
	if (fence <= store->last_fence)
		fence = store->last_fence + FENCE_STEP;
	return store->last_fence = fence;
}

/* ---- How a conversation ends badly ---- */

static enum store_result store_away(struct store *store, int error)
{
	char *text = store->pipeline.error;

	if (error == -EPIPE)
		pipeline_hear_out(&store->pipeline);
	if (error == -ETIMEDOUT)
		snprintf(text, STORE_ERROR_MAX,
			"the database does not answer in time; look at its load, at locks and at "
			"the pooler");
	else if (error == -ENOMEM)
		snprintf(text, STORE_ERROR_MAX, "the database cannot be asked: out of memory");
	else if (text[0] == '\0')
		snprintf(text, STORE_ERROR_MAX,
			"the database's connection was closed without a word; look at the log of "
			"the server, or of the pooler");
	store_disconnect(store);
	return STORE_AWAY;
}

/* A failed transaction stays open until it is told to end. */
static enum store_result store_failed(struct store *store, int r)
{
	if (r < 0)
		return store_away(store, r);
	if (sqlstate_classify(store->pipeline.sqlstate) != SQLSTATE_DATA)
		return store_away(store, 0);
	r = pipeline_run(&store->pipeline, "ROLLBACK", NULL, NULL);
	return r < 0 ? store_away(store, r) : STORE_REFUSED;
}

static void store_begin(struct store *store, usec_t timeout)
{
	struct patience patience = {clock_monotonic() + timeout, store->tick, store->userdata};

	pipeline_begin(&store->pipeline, &patience);
}

/* ---- Reading answers ---- */

/* The ask that a row's number means, or NULL: not a number that was given. */
static struct store_ask *result_ask(const PGresult *result, int row, struct store_asks *asks)
{
	int64_t n = pipeline_int(result, row, 0);

	return n >= 1 && (uint64_t)n <= asks->n_asks ? &asks->asks[n - 1] : NULL;
}

static int store_read_written(const PGresult *result, void *userdata)
{
	struct store_asks *asks = userdata;

	for (int row = 0; row < PQntuples(result); row++) {
		struct store_ask *ask = result_ask(result, row, asks);
		if (!ask)
			return -EPROTO;
		ask->verdict = STORE_WRITTEN;
		ask->attempts = (int)pipeline_int(result, row, 1);
	}
	return 0;
}

/* COMMIT of a transaction that failed answers OK, with another tag. */
static int store_read_commit(const PGresult *result, void *userdata)
{
	(void)userdata;
	return strcmp(PQcmdStatus((PGresult *)result), "COMMIT") == 0 ? 0 : -EPROTO;
}

static int store_read_time(const PGresult *result, void *userdata)
{
	int64_t *ret_time = userdata;

	if (PQntuples(result) != 1)
		return -EPROTO;
	*ret_time = pipeline_int(result, 0, 0);
	return 0;
}

/* ---- What was not written ---- */

struct store_look {
	enum store_step step;
	struct store_asks *asks;
	const struct store_turn *turn;
};

static int store_read_look(const PGresult *result, void *userdata)
{
	struct store_look *look = userdata;

	for (int i = 0; i < PQntuples(result); i++) {
		struct store_ask *ask = result_ask(result, i, look->asks);
		struct store_row row = {
			.type = PQgetvalue(result, i, 1),
			.status = PQgetvalue(result, i, 2),
			.attempts = (int)pipeline_int(result, i, 3),
			.fence = pipeline_int(result, i, 4),
			.left = pipeline_int(result, i, 5),
		};
		if (!ask)
			return -EPROTO;
		if (ask->verdict != STORE_WRITTEN)
			store_judge(ask, look->step, &row, look->turn);
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
static int store_look(struct store *store, struct store_turn *turn)
{
	struct pipeline *p = &store->pipeline;
	bool looked[STORE_N_STEPS] = {false}, any = false;
	int r = 0;

	for (enum store_step step = 0; r == 0 && step < STORE_N_STEPS; step++) {
		struct store_asks *asks = &turn->steps[step];
		looked[step] = !store_all_written(asks);
		if (!looked[step])
			continue;
		any = true;
		store_parameters_look(&store->parameters, asks->asks, asks->n_asks, turn->lease);
		r = pipeline_send_parameters(p, store_sql_look, &store->parameters);
	}
	if (r < 0 || !any)
		return r;
	r = pipeline_sync(p);
	for (enum store_step step = 0; r == 0 && step < STORE_N_STEPS; step++) {
		struct store_look look = {step, &turn->steps[step], turn};
		if (looked[step])
			r = pipeline_read(p, store_read_look, &look);
	}
	return r < 0 ? r : r > 0 ? -EPIPE : pipeline_read_sync(p);
}

/* ---- The turn ---- */

static int store_send_turn(struct store *store, const struct store_turn *turn, bool even_empty)
{
	struct pipeline *p = &store->pipeline;

	store_parameters_settings(&store->parameters, turn->statement_timeout);
	int r = pipeline_send(p, "BEGIN");
	if (r == 0)
		r = pipeline_send_parameters(p, store_sql_settings, &store->parameters);
	for (enum store_step step = 0; r == 0 && step < STORE_N_STEPS; step++) {
		if (turn->steps[step].n_asks == 0 && !even_empty)
			continue;
		store_parameters_step(&store->parameters, step, turn);
		r = pipeline_send_parameters(p, store_sql_steps[step], &store->parameters);
	}
	if (r == 0)
		r = pipeline_send(p, "COMMIT");
	return r < 0 ? r : pipeline_sync(p);
}

/* Until the Sync: 0, 1 when a statement failed, or negative. */
static int store_read_turn(struct store *store, struct store_turn *turn, bool even_empty)
{
	struct pipeline *p = &store->pipeline;
	int failed = 0;

	int r = pipeline_read(p, NULL, NULL); /* BEGIN */
	if (r >= 0)
		r = pipeline_read(p, NULL, NULL); /* the settings */
	for (enum store_step step = 0; r >= 0 && step < STORE_N_STEPS; step++) {
		failed |= r;
		if (turn->steps[step].n_asks > 0 || even_empty)
			r = pipeline_read(p, store_read_written, &turn->steps[step]);
	}
	failed |= r;
	if (r >= 0)
		r = pipeline_read(p, store_read_commit, NULL);
	failed |= r;
	if (r >= 0)
		r = pipeline_read_sync(p);
	return r < 0 ? r : failed;
}

static enum store_result store_transact(struct store *store, struct store_turn *turn, bool prove)
{
	store_begin(store, 2 * turn->statement_timeout);
	turn->sent_at = clock_boottime();
	int r = store_send_turn(store, turn, prove);
	if (r == 0)
		r = store_read_turn(store, turn, prove);
	if (r != 0)
		return store_failed(store, r);
	r = store_look(store, turn);
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

/* By the rules of all its ends. */
static enum store_result store_refuse_kept(
	struct store *store, struct store_ask *ask, const char *text)
{
	struct store_turn turn = {
		.steps[STORE_FINISH] = {ask, 1},
		.lease = REFUSE_PATIENCE,
		.statement_timeout = REFUSE_PATIENCE / 2,
	};

	ask->job->outcome = JOB_FAILED;
	job_set_error(ask->job, "%s", text);
	return store_turn(store, &turn);
}

enum store_result store_refuse(struct store *store, struct store_ask *ask, const char *text)
{
	struct pipeline *p = &store->pipeline;
	struct store_asks one = {ask, 1};

	if (ask->job->keeps_row && ask->job->claim.granted)
		return store_refuse_kept(store, ask, text);
	store_begin(store, REFUSE_PATIENCE);
	ask->verdict = STORE_TAKEN;
	store_parameters_refuse(&store->parameters, ask, text);
	int r = pipeline_send_parameters(p, store_sql_refuse, &store->parameters);
	if (r == 0)
		r = pipeline_sync(p);
	if (r < 0)
		return store_away(store, r);
	int failed = pipeline_read(p, store_read_written, &one);
	if (failed >= 0)
		r = pipeline_read_sync(p);
	if (failed < 0 || r < 0)
		return store_away(store, failed < 0 ? failed : r);
	if (!failed)
		return STORE_OK;
	/* Alone, not in a transaction: nothing to roll back. */
	return sqlstate_classify(p->sqlstate) == SQLSTATE_DATA ? STORE_REFUSED
							       : store_away(store, 0);
}

static enum store_result store_try(struct store *store, usec_t timeout)
{
	struct pipeline *p = &store->pipeline;
	struct store_turn nothing = {.statement_timeout = timeout, .lease = timeout};
	int64_t time;

	assert(!p->conn);
	store_begin(store, timeout);
	int r = connection_open(store->dsn, &store->known, &p->patience, &p->conn, p->error);
	if (r < 0)
		return STORE_AWAY;
	pipeline_listen(p);
	store_begin(store, usec_max(timeout, CONNECTED_PATIENCE));
	r = pipeline_run(p, store_sql_time, store_read_time, &time);
	if (r != 0)
		return store_away(store, r);
	store->time_ahead = time - (int64_t)clock_boottime();

	/* No values, so nothing to refuse: whatever is said is about the table and its types. */
	enum store_result result = store_transact(store, &nothing, true);
	if (result == STORE_OK) {
		r = pipeline_run(p, store_sql_statuses, NULL, NULL);
		result = r == 0 ? STORE_OK : store_failed(store, r);
	}
	return result == STORE_REFUSED ? store_away(store, 0) : result;
}

enum store_result store_connect(struct store *store, usec_t timeout)
{
	enum store_result result = store_try(store, timeout);

	store->known.n_failed = result == STORE_OK ? 0 : store->known.n_failed + 1;
	return result;
}

enum store_result store_check(struct store *store)
{
	store_begin(store, 0);
	int r = pipeline_check(&store->pipeline);
	return r < 0 ? store_away(store, r) : STORE_OK;
}

#include "job/pipeline.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "job/sqlstate.h"

void pipeline_close(struct pipeline *p)
{
	PQfinish(TAKE_PTR(p->conn));
}

void pipeline_begin(struct pipeline *p, const struct patience *patience)
{
	p->patience = *patience;
	p->error[0] = p->sqlstate[0] = '\0';
}

/* ---- Sending ---- */

int pipeline_send(struct pipeline *p, const char *sql)
{
	return PQsendQueryParams(p->conn, sql, 0, NULL, NULL, NULL, NULL, 1) == 1 ? 0 : -EPIPE;
}

int pipeline_send_parameters(struct pipeline *p, const char *sql, const struct store_parameters *q)
{
	if (q->error < 0)
		return q->error;
	int r = PQsendQueryParams(
		p->conn, sql, q->n, q->types, q->values, q->lengths, q->formats, 1);
	return r == 1 ? 0 : -EPIPE;
}

/* A server that answers while we send must be listened to. */
int pipeline_sync(struct pipeline *p)
{
	if (PQpipelineSync(p->conn) != 1)
		return -EPIPE;
	for (;;) {
		int r = PQflush(p->conn);
		if (r <= 0)
			return r < 0 ? -EPIPE : 0;
		r = connection_wait(PQsocket(p->conn), POLLIN | POLLOUT, &p->patience);
		if (r < 0)
			return r;
		if (PQconsumeInput(p->conn) != 1)
			return -EPIPE;
	}
}

/* ---- Reading ---- */

static void result_clearp(PGresult **result)
{
	PQclear(*result);
}

/* The next result, or NULL in ret at the end of one statement's. */
static int pipeline_next(struct pipeline *p, PGresult **ret)
{
	while (PQisBusy(p->conn)) {
		int r = connection_wait(PQsocket(p->conn), POLLIN, &p->patience);
		if (r < 0)
			return r;
		if (PQconsumeInput(p->conn) == 1)
			continue;
		/* The server's last words may be in what was read before. */
		*ret = PQgetResult(p->conn);
		return *ret ? 0 : -EPIPE;
	}
	*ret = PQgetResult(p->conn);
	return 0;
}

static void pipeline_note_error(struct pipeline *p, const PGresult *result)
{
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	if (p->error[0] != '\0')
		return;
	if (!primary)
		primary = PQerrorMessage(p->conn);
	int len = (int)strcspn(primary, "\n");
	if (!sqlstate) {
		snprintf(p->error, sizeof p->error,
			"the database's connection broke: %.*s; look at the log of the server, or "
			"of the pooler",
			len, primary);
		return;
	}
	snprintf(p->sqlstate, sizeof p->sqlstate, "%s", sqlstate);
	const char *cure = sqlstate_cure(sqlstate);
	snprintf(p->error, sizeof p->error, "Postgres says: %.*s (SQLSTATE %s)%s%s", len, primary,
		sqlstate, cure[0] ? "; " : "", cure);
}

/* Only a last word counts: with what else comes unasked nothing is wrong. */
static void pipeline_on_notice(void *userdata, const PGresult *result)
{
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);

	if (severity && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0))
		pipeline_note_error(userdata, result);
}

void pipeline_listen(struct pipeline *p)
{
	PQsetNoticeReceiver(p->conn, pipeline_on_notice, p);
}

int pipeline_check(struct pipeline *p)
{
	if (PQconsumeInput(p->conn) != 1 || PQstatus(p->conn) != CONNECTION_OK)
		return -EPIPE;
	PQisBusy(p->conn); /* has what came looked at */
	return p->error[0] == '\0' ? 0 : -EPIPE;
}

void pipeline_hear_out(struct pipeline *p)
{
	int n_ends = 0;

	PQconsumeInput(p->conn);
	/* Between two statements' results is a NULL; behind two of them there is nothing. */
	while (p->error[0] == '\0' && n_ends < 2 && !PQisBusy(p->conn)) {
		_cleanup_(result_clearp) PGresult *result = PQgetResult(p->conn);
		n_ends = result ? 0 : n_ends + 1;
		if (PQresultErrorField(result, PG_DIAG_SQLSTATE))
			pipeline_note_error(p, result);
	}
}

int pipeline_read(struct pipeline *p, pipeline_read_fn *read, void *userdata)
{
	int failed = 0;

	for (;;) {
		_cleanup_(result_clearp) PGresult *result = NULL;
		int r = pipeline_next(p, &result);
		if (r < 0)
			return r;
		if (!result)
			return PQstatus(p->conn) == CONNECTION_OK ? failed : -EPIPE;

		ExecStatusType status = PQresultStatus(result);
		if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
			if (read && read(result, userdata) < 0)
				return -EPROTO;
		} else {
			if (status == PGRES_FATAL_ERROR)
				pipeline_note_error(p, result);
			failed = 1;
		}
		if (PQstatus(p->conn) != CONNECTION_OK)
			return -EPIPE;
	}
}

/* It has no NULL behind it. */
int pipeline_read_sync(struct pipeline *p)
{
	_cleanup_(result_clearp) PGresult *result = NULL;

	int r = pipeline_next(p, &result);
	if (r < 0)
		return r;
	return result && PQresultStatus(result) == PGRES_PIPELINE_SYNC ? 0 : -EPROTO;
}

int pipeline_run(struct pipeline *p, const char *sql, pipeline_read_fn *read, void *userdata)
{
	int r = pipeline_send(p, sql);
	if (r == 0)
		r = pipeline_sync(p);
	if (r < 0)
		return r;
	int failed = pipeline_read(p, read, userdata);
	if (failed < 0)
		return failed;
	r = pipeline_read_sync(p);
	return r < 0 ? r : failed;
}

int64_t pipeline_int(const PGresult *result, int row, int column)
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

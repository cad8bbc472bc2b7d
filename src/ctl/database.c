#include "ctl/database.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "ctl/ctl.h"
#include "ctl/interrupt.h"
#include "job/connection.h"
#include "job/dsn.h"
#include "job/sqlstate.h"

#define CONNECT_PATIENCE (15 * USEC_PER_SEC)
#define ANSWER_PATIENCE  (30 * USEC_PER_SEC)

struct database {
	PGconn *conn;
	char error[CONNECTION_ERROR_MAX];
	char sqlstate[6];
};

static int on_tick(void *userdata)
{
	(void)userdata;
	return interrupted() ? -ECANCELED : 0;
}

static struct patience patience_of(usec_t patience)
{
	return (struct patience){.deadline = clock_monotonic() + patience, .tick = on_tick};
}

/* ---- Its life ---- */

static int database_connect(struct database *database, const char *url, char *text)
{
	struct connection_known known = {0};
	const struct patience patience = patience_of(CONNECT_PATIENCE);
	_cleanup_(dsn_freep) struct dsn *dsn = NULL;
	char error[DSN_ERROR_MAX];

	int r = dsn_parse(url, &dsn, error);
	if (r == -EINVAL) {
		snprintf(text, DATABASE_TEXT_MAX, "[database] url: %s", error);
		return EX_CONFIG;
	}
	if (r < 0)
		return EXIT_FAILURE;
	if (connection_open(dsn, &known, &patience, &database->conn, database->error) < 0) {
		snprintf(text, DATABASE_TEXT_MAX, "%s", database->error);
		return EXIT_FAILURE;
	}
	/* One question at a time: what a daemon's turn needs stands in the way here. */
	if (PQexitPipelineMode(database->conn) == 1)
		return EXIT_SUCCESS;
	snprintf(text, DATABASE_TEXT_MAX, "the database's connection cannot be used");
	return EXIT_FAILURE;
}

int database_try_open(const struct settings *settings, struct database **ret,
	char ret_text[static DATABASE_TEXT_MAX])
{
	_cleanup_(database_closep) struct database *database = calloc(1, sizeof *database);

	snprintf(ret_text, DATABASE_TEXT_MAX, "out of memory");
	if (!database)
		return EXIT_FAILURE;
	if (!settings->database.url) {
		snprintf(ret_text, DATABASE_TEXT_MAX,
			"there is no [database] url: set it, or DATABASE_URL, or put it into "
			"%s/database-url",
			SETTINGS_DIRECTORY);
		return EX_CONFIG;
	}
	int status = database_connect(database, settings->database.url, ret_text);
	if (status == EXIT_SUCCESS)
		*ret = TAKE_PTR(database);
	return status;
}

int database_open(const struct settings *settings, struct database **ret)
{
	char text[DATABASE_TEXT_MAX];

	int status = database_try_open(settings, ret, text);
	return status == EXIT_SUCCESS ? status : ctl_fail(status, "%s", text);
}

struct database *database_close(struct database *database)
{
	if (database)
		PQfinish(database->conn);
	free(database);
	return NULL;
}

/* ---- A statement ---- */

static PGresult *database_fail(struct database *database, const char *sqlstate, const char *said)
{
	const char *cure = sqlstate_cure(sqlstate);

	snprintf(database->sqlstate, sizeof database->sqlstate, "%s", sqlstate);
	snprintf(database->error, sizeof database->error, "the database: %.*s%s%s",
		(int)strcspn(said, "\n"), said, cure[0] ? "; " : "", cure);
	return NULL;
}

/* What it is at would go on after us, and hold what it has locked. */
static PGresult *database_call_off(struct database *database, int error)
{
	PGcancel *cancel = PQgetCancel(database->conn);
	char text[256];

	if (cancel)
		PQcancel(cancel, text, sizeof text);
	PQfreeCancel(cancel);
	return database_fail(
		database, "", error == -ECANCELED ? "interrupted" : "no answer in time");
}

static PGresult *database_judge(struct database *database, PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
		return result;
	/* The primary message quotes no values; the detail would. */
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	database_fail(database, sqlstate ? sqlstate : "",
		primary ? primary : PQerrorMessage(database->conn));
	PQclear(result);
	return NULL;
}

static int database_flush(struct database *database, const struct patience *patience)
{
	int r;

	while ((r = PQflush(database->conn)) == 1) {
		r = connection_wait(PQsocket(database->conn), POLLIN | POLLOUT, patience);
		if (r < 0)
			return r;
		if (PQconsumeInput(database->conn) != 1)
			return -EPIPE;
	}
	return r < 0 ? -EPIPE : 0;
}

static int database_wait(struct database *database, const struct patience *patience)
{
	int r = database_flush(database, patience);

	while (r == 0 && PQisBusy(database->conn)) {
		r = connection_wait(PQsocket(database->conn), POLLIN, patience);
		if (r == 0 && PQconsumeInput(database->conn) != 1)
			r = -EPIPE;
	}
	return r;
}

PGresult *database_try(
	struct database *database, const char *sql, const char *const *parameters, int n_parameters)
{
	const struct patience patience = patience_of(ANSWER_PATIENCE);
	PGresult *result = NULL, *more;

	if (PQsendQueryParams(database->conn, sql, n_parameters, NULL, parameters, NULL, NULL, 0) !=
		1)
		return database_fail(database, "", PQerrorMessage(database->conn));
	do {
		int r = database_wait(database, &patience);
		if (r < 0) {
			PQclear(result);
			return r == -EPIPE
				       ? database_fail(database, "", PQerrorMessage(database->conn))
				       : database_call_off(database, r);
		}
		more = PQgetResult(database->conn);
		if (more) {
			PQclear(result);
			result = more;
		}
	} while (more);
	return result ? database_judge(database, result) : database_fail(database, "", "no answer");
}

PGresult *database_query(
	struct database *database, const char *sql, const char *const *parameters, int n_parameters)
{
	PGresult *result = database_try(database, sql, parameters, n_parameters);

	if (!result)
		ctl_fail(EXIT_FAILURE, "%s", database->error);
	return result;
}

const char *database_error(const struct database *database)
{
	return database->error;
}

const char *database_sqlstate(const struct database *database)
{
	return database->sqlstate;
}

const PGconn *database_connection(const struct database *database)
{
	return database->conn;
}

/*
 * The job table for a command: one statement after the other, each of them waited for.
 *
 * Connects as the daemon does (names resolved aside, deadlines of our own, through a pooler in
 * transaction mode: no named statement, nothing of the session). Each statement is a transaction of
 * its own unless the command begins one. Main thread; every call blocks for at most 30 s, or until
 * Ctrl-C. What goes wrong is said on stderr here, so that a command only has to end.
 */
#pragma once

#include <libpq-fe.h>

#include "base/cleanup.h"
#include "conf/settings.h"

struct database;

/* 0, or the exit status of a failure that was said: 78 where there is no URL or it is none. */
int database_open(const struct settings *settings, struct database **ret);
#define DATABASE_TEXT_MAX 512
/* The same where a failure is part of the answer: its line in ret_text, and nothing is said. */
int database_try_open(const struct settings *settings, struct database **ret,
	char ret_text[static DATABASE_TEXT_MAX]);
struct database *database_close(struct database *database);
DEFINE_CLEANUP(struct database *, database_close)

/*
 * One statement with text parameters $1 … $n, which may be NULL; they need a cast where Postgres
 * cannot tell their type. Owned by the caller (PQclear). NULL: it failed, and that was said.
 */
PGresult *database_query(struct database *database, const char *sql, const char *const *parameters,
	int n_parameters);

/* The same where a failure is part of the answer: its line in database_error(), nothing is said. */
PGresult *database_try(struct database *database, const char *sql, const char *const *parameters,
	int n_parameters);
/* One line with the cure, without secrets and without the values that were sent. */
const char *database_error(const struct database *database);
/* The SQLSTATE of the last failure, or "": the connection's. */
const char *database_sqlstate(const struct database *database);

/* Whether the connection is encrypted, and who it goes to ("localhost:5432"): for doctor. */
const PGconn *database_connection(const struct database *database);

DEFINE_CLEANUP(PGresult *, PQclear)
#define _cleanup_result_ _cleanup_(PQclearp)

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/database.h"
#include "ctl/doctor.h"
#include "ctl/schema.h"

#define VERIFY "sslmode=verify-full and sslrootcert=FILE in [database] url"

/* ---- The connection ---- */

static bool ask_one(struct doctor *d, struct database *database, const char *check, const char *sql,
	PGresult **ret)
{
	*ret = database_try(database, sql, NULL, 0);
	if (!*ret)
		doctor_say(d, DOCTOR_BAD, check, NULL, "%s", database_error(database));
	return *ret != NULL;
}

static bool look_at_server(struct doctor *d, struct database *database)
{
	const PGconn *conn = database_connection(database);
	const char *host = PQhost(conn);
	_cleanup_result_ PGresult *result = NULL;

	if (!ask_one(d, database, "database",
		    "SELECT current_setting('server_version_num')::integer / 10000,"
		    " current_setting('transaction_read_only') = 'on'",
		    &result))
		return false;
	if (strcmp(PQgetvalue(result, 0, 1), "t") == 0)
		doctor_say(d, DOCTOR_BAD, "database",
			"make it writable, or name the primary in [database] url",
			"%s at %s:%s is read-only: a standby, or made so", PQdb(conn), host,
			PQport(conn));
	else
		doctor_say(d, DOCTOR_GOOD, "database", NULL, "%s at %s:%s as %s, Postgres %s",
			PQdb(conn), host, PQport(conn), PQuser(conn), PQgetvalue(result, 0, 0));
	return true;
}

static bool is_local(const char *host)
{
	return !host || !host[0] || host[0] == '/' || host[0] == '@' ||
	       strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
	       strncmp(host, "127.", 4) == 0;
}

/* As libpq took it from the URL, or from where it looks otherwise. Owned; NULL: not known. */
static char *ssl_mode(const PGconn *conn)
{
	PQconninfoOption *options = PQconninfo((PGconn *)conn);
	char *mode = NULL;

	for (const PQconninfoOption *o = options; o && o->keyword; o++)
		if (strcmp(o->keyword, "sslmode") == 0 && o->val)
			mode = strdup(o->val);
	PQconninfoFree(options);
	return mode;
}

static void look_at_tls(struct doctor *d, const struct database *database)
{
	const PGconn *conn = database_connection(database);
	_cleanup_free_ char *mode = ssl_mode(conn);
	bool encrypted = PQsslInUse((PGconn *)conn) == 1;

	if (encrypted && mode && strncmp(mode, "verify-", 7) == 0)
		doctor_say(d, DOCTOR_GOOD, "database TLS", NULL, "%s", mode);
	else if (is_local(PQhost(conn)))
		doctor_say(d, DOCTOR_GOOD, "database TLS", NULL, "%s, on this machine",
			encrypted ? "encrypted" : "none");
	else if (encrypted)
		doctor_say(d, DOCTOR_WARNING, "database TLS", VERIFY,
			"encrypted, but who answers is not verified (sslmode=%s)",
			mode ? mode : "?");
	else
		doctor_say(d, DOCTOR_WARNING, "database TLS", VERIFY,
			"none: rows and password pass the network in the clear");
}

/* ---- The pooler ---- */

static int server_process(struct database *database)
{
	_cleanup_result_ PGresult *result =
		database_try(database, "SELECT pg_backend_pid()", NULL, 0);

	return result ? atoi(PQgetvalue(result, 0, 0)) : 0;
}

/* Two clients are never on one server, but by a pooler that gives it to each for a transaction. */
static bool servers_are_shared(struct database *database, const struct settings *settings)
{
	_cleanup_(database_closep) struct database *other = NULL;
	char text[DATABASE_TEXT_MAX];

	if (database_try_open(settings, &other, text) != EXIT_SUCCESS)
		return false;
	return server_process(database) == server_process(other);
}

static bool has_transactions(struct database *database)
{
	_cleanup_result_ PGresult *begin = database_try(database, "BEGIN", NULL, 0);
	_cleanup_result_ PGresult *commit =
		begin ? database_try(database, "COMMIT", NULL, 0) : NULL;

	return commit != NULL;
}

/* The number of our server's process is told at the beginning; a pooler makes up one of its own. */
static void look_at_pooler(
	struct doctor *d, struct database *database, const struct settings *settings)
{
	int told = PQbackendPID(database_connection(database));

	if (server_process(database) == told)
		doctor_say(d, DOCTOR_GOOD, "pooler", NULL, "none");
	else if (!has_transactions(database))
		doctor_say(d, DOCTOR_BAD, "pooler", "pool_mode = transaction",
			"it does not let us begin a transaction: %s", database_error(database));
	else if (servers_are_shared(database, settings))
		doctor_say(d, DOCTOR_GOOD, "pooler", NULL, "in transaction mode");
	else
		doctor_say(d, DOCTOR_GOOD, "pooler", NULL,
			"in session mode, or with a server to spare for each of us");
}

/* ---- The table ---- */

static void say_fact(struct doctor *d, const struct schema_fact *fact)
{
	/* Nothing here looks by it; listings do. */
	bool minor = strcmp(fact->kind, "index") == 0;
	const char *fix = fact->fix[0] ? fact->fix : NULL;

	switch (fact->state) {
	case SCHEMA_THERE:
		doctor_say(d, DOCTOR_GOOD, fact->kind, NULL, "%s", fact->name);
		return;
	case SCHEMA_MISSING:
		doctor_say(d, DOCTOR_BAD, fact->kind, "nexusctl provision", "%s is not there",
			fact->name);
		return;
	case SCHEMA_DIFFERS:
		doctor_say(d, minor ? DOCTOR_WARNING : DOCTOR_BAD, fact->kind, fix, "%s %s",
			fact->name, fact->text);
		return;
	}
}

static bool look_at_schema(struct doctor *d, struct database *database)
{
	bool columns_differ = false, table = true;
	struct schema schema;

	if (schema_look(database, &schema) < 0) {
		doctor_say(d, DOCTOR_BAD, "table", NULL, "%s", database_error(database));
		return false;
	}
	for (size_t i = 0; i < schema.n_facts; i++) {
		const struct schema_fact *fact = &schema.facts[i];
		say_fact(d, fact);
		columns_differ |= strcmp(fact->kind, "column") == 0;
		table &= strcmp(fact->kind, "table") != 0 || fact->state == SCHEMA_THERE;
	}
	if (table && !columns_differ)
		doctor_say(d, DOCTOR_GOOD, "columns", NULL, "all there, of the right types");
	return table;
}

static void look_at_grants(struct doctor *d, struct database *database)
{
	static const char *const names[] = {"SELECT", "UPDATE", "INSERT"};
	_cleanup_result_ PGresult *result = NULL;
	_cleanup_strbuf_ struct strbuf fix = STRBUF_INIT;
	bool has[3];

	if (!ask_one(d, database, "grants",
		    "SELECT has_table_privilege('background_jobs', 'SELECT'),"
		    " has_table_privilege('background_jobs', 'UPDATE'),"
		    " has_table_privilege('background_jobs', 'INSERT'), current_user",
		    &result))
		return;
	for (int i = 0; i < 3; i++) {
		has[i] = strcmp(PQgetvalue(result, 0, i), "t") == 0;
		if (!has[i])
			strbuf_printf(&fix, "%s%s", fix.len ? ", " : "GRANT ", names[i]);
	}
	strbuf_printf(&fix, " ON background_jobs TO %s", PQgetvalue(result, 0, 3));
	if (!has[0] || !has[1])
		doctor_say(d, DOCTOR_BAD, "grants", strbuf_str(&fix),
			"the role %s may not %s background_jobs", PQgetvalue(result, 0, 3),
			has[0] ? "UPDATE" : "SELECT from");
	else if (!has[2])
		doctor_say(d, DOCTOR_GOOD, "grants", NULL,
			"SELECT and UPDATE; without INSERT nexusctl publish cannot be used");
	else
		doctor_say(d, DOCTOR_GOOD, "grants", NULL, "SELECT, UPDATE and INSERT");
}

void doctor_look_at_database(struct doctor *d, const struct settings *settings)
{
	_cleanup_(database_closep) struct database *database = NULL;
	char text[DATABASE_TEXT_MAX];

	if (database_try_open(settings, &database, text) != EXIT_SUCCESS) {
		doctor_say(d, DOCTOR_BAD, "database", NULL, "%s", text);
		return;
	}
	if (!look_at_server(d, database))
		return;
	look_at_tls(d, database);
	if (look_at_schema(d, database))
		look_at_grants(d, database);
	/* The last, for one that has no transactions hangs up. */
	look_at_pooler(d, database, settings);
}

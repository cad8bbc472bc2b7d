#include "job/sqlstate.h"

#include <stddef.h>
#include <string.h>

/* A code of five, or a class of two. The first row that fits counts. */
static const struct {
	const char *prefix;
	enum sqlstate_class class;
	const char *cure;
} meanings[] = {
	{"28P01", SQLSTATE_SETUP, "check user and password in [database] url"},
	{"28", SQLSTATE_SETUP,
		"check user and password in [database] url, and the server's pg_hba.conf"},
	{"3D000", SQLSTATE_SETUP, "check the database's name in [database] url"},
	{"42P01", SQLSTATE_SETUP,
		"create the table, or check the database and search_path in [database] url, and "
		"USAGE on its schema"},
	{"42703", SQLSTATE_SETUP, "add the column to the table background_jobs"},
	{"42704", SQLSTATE_SETUP,
		"create the enum job_status: pending, processing, completed, failed"},
	{"42501", SQLSTATE_SETUP,
		"grant SELECT and UPDATE on background_jobs, and USAGE on its schema, to the "
		"daemon's role"},
	{"42", SQLSTATE_SETUP, "the table is not as documented"},
	{"3F", SQLSTATE_SETUP, "check search_path in [database] url"},
	{"08P01", SQLSTATE_TRANSIENT, "if it stays, look at PgBouncer's log"},
	{"25006", SQLSTATE_TRANSIENT,
		"it is a standby, or was made read-only: make it writable, or name the primary in "
		"[database] url"},
	{"53300", SQLSTATE_TRANSIENT,
		"raise max_connections or the role's CONNECTION LIMIT, or use a pooler"},
	{"53100", SQLSTATE_TRANSIENT, "free space on the database's disk"},
	{"57014", SQLSTATE_TRANSIENT, "look at its load, and at locks on background_jobs"},
	{"57P04", SQLSTATE_SETUP, "check the database's name in [database] url"},
	{"57P05", SQLSTATE_TRANSIENT, "raise idle_session_timeout for the daemon's role"},
	{"57P0", SQLSTATE_TRANSIENT, "start the server if it does not come back by itself"},
	{"22P02", SQLSTATE_DATA,
		"the enum job_status needs pending, processing, completed and failed"},
	{"22", SQLSTATE_DATA, ""},
	{"23", SQLSTATE_DATA, ""},
	{"54", SQLSTATE_DATA, ""},
	{"P0", SQLSTATE_DATA, ""},
};

static size_t sqlstate_find(const char *sqlstate)
{
	size_t n = sizeof meanings / sizeof meanings[0], i = 0;

	if (!sqlstate)
		return n;
	while (i < n && strncmp(sqlstate, meanings[i].prefix, strlen(meanings[i].prefix)) != 0)
		i++;
	return i;
}

enum sqlstate_class sqlstate_classify(const char *sqlstate)
{
	size_t i = sqlstate_find(sqlstate);

	return i < sizeof meanings / sizeof meanings[0] ? meanings[i].class : SQLSTATE_TRANSIENT;
}

const char *sqlstate_cure(const char *sqlstate)
{
	size_t i = sqlstate_find(sqlstate);

	return i < sizeof meanings / sizeof meanings[0] ? meanings[i].cure : "";
}

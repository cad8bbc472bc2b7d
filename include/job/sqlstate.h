/*
 * What a SQLSTATE means for a job table's client. Pure.
 *
 * Specification: PostgreSQL, appendix "Error Codes"; every error that PgBouncer makes itself is
 * 08P01, and a connection that died has none at all.
 */
#pragma once

enum sqlstate_class {
	SQLSTATE_TRANSIENT, /* goes by itself: restart, failover, pooler, resources, timeouts */
	SQLSTATE_SETUP,     /* somebody has to do something: role, database, table, column, grant */
	SQLSTATE_DATA,      /* these very values will never be taken */
};

/* NULL or "": there was none. */
enum sqlstate_class sqlstate_classify(const char *sqlstate);

/* What to do about it, to stand behind Postgres' own words; "" where those say enough. */
const char *sqlstate_cure(const char *sqlstate);

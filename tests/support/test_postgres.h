/*
 * A Postgres cluster of the test program's own: one per program, made before its cases run.
 *
 * It lives in a directory under /tmp and listens on a Unix socket in it. Nothing of it outlives the
 * program, however that ends: a keeper process has the other end of a socket that the program and
 * its cases (Check forks them) hold, and stops and removes all when the last of them is gone. The
 * server's TimeZone is Europe/Paris, for rows must be UTC all the same.
 *
 * Functions fail the test, or before its cases the program, rather than to return an error.
 */
#pragma once

#include <libpq-fe.h>

/* The daemon's role, as the administrator would have made it. */
#define TEST_POSTGRES_USER     "nexus"
#define TEST_POSTGRES_PASSWORD "correct horse"

/* In main(), before anything else. Runs until the program ends. */
void test_postgres_start(void);

/* The database is made anew: the job table as the web application has it, without rows. */
void test_postgres_clean(void);

/* The daemon's URL, owned by the caller; NULL stands for what is right. */
char *test_postgres_url(const char *user, const char *password, const char *database);
/* For a socket in another directory. */
char *test_postgres_url_at(const char *directory);
/* Where its own socket is. */
const char *test_postgres_home(void);

/* The server goes, SIGINT politely or SIGQUIT at once, and comes. Both wait until it has. */
void test_postgres_stop(int signal);
void test_postgres_resume(void);

/* A superuser's connection; the caller finishes it. */
PGconn *test_postgres_connect(void);
/* One statement on a connection, NULL meaning one of its own. */
void test_postgres_execute(PGconn *conn, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The first field of the first row, "NULL" or "no row"; borrowed until the fourth call from now. */
const char *test_postgres_value(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A row of type test-echo, as if just inserted; more is SQL, "column = value, …", or NULL. */
void test_postgres_row(const char *id, const char *status, const char *more);

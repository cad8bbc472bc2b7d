/*
 * One conversation with Postgres in libpq's pipeline mode: statements are sent together, then their
 * results are read in order, up to a Sync.
 *
 * Owns the connection. Every wait ends by the conversation's patience. Reading keeps the first
 * error, with its SQLSTATE: what follows is its echo, and what libpq adds when a connection dies
 * has no SQLSTATE at all. Functions return 0 or a negative errno; after a negative one there is no
 * conversation any more. One thread.
 */
#pragma once

#include <libpq-fe.h>
#include <stdint.h>

#include "job/connection.h"
#include "job/store_sql.h"

struct pipeline {
	PGconn *conn; /* NULL: none */
	struct patience patience;
	char error[STORE_ERROR_MAX]; /* one line; "": none yet */
	char sqlstate[6];
};

/* What to do with a statement's good result: 0, or negative if it cannot be. */
typedef int pipeline_read_fn(const PGresult *result, void *userdata);

void pipeline_close(struct pipeline *p);

/* Once it is connected: from now on what ends it unasked is an error, too. */
void pipeline_listen(struct pipeline *p);
/* While nothing is asked: 0, or negative when the other side has hung up. */
int pipeline_check(struct pipeline *p);

/* Before a connection that broke is closed: the server may have said why. Does not wait. */
void pipeline_hear_out(struct pipeline *p);

/* A new conversation: the last one's error is forgotten. */
void pipeline_begin(struct pipeline *p, const struct patience *patience);

int pipeline_send(struct pipeline *p, const char *sql);
int pipeline_send_parameters(
	struct pipeline *p, const char *sql, const struct store_parameters *parameters);
/* The end of what is sent together. */
int pipeline_sync(struct pipeline *p);

/*
 * The next statement's results, each given to read (which may be NULL). 1: the statement failed,
 * or an earlier one did.
 */
int pipeline_read(struct pipeline *p, pipeline_read_fn *read, void *userdata);
/* The Sync. */
int pipeline_read_sync(struct pipeline *p);

/* One statement alone: sent, synced and read. 1: it failed. */
int pipeline_run(struct pipeline *p, const char *sql, pipeline_read_fn *read, void *userdata);

/* A binary int4, int8 or timestamp; 0 for NULL. */
int64_t pipeline_int(const PGresult *result, int row, int column);

/*
 * The job table, on one connection: many rows begun, touched and finished in one transaction.
 *
 * Owns the connection. Never waits for a row's lock: what is locked is told apart and left to the
 * caller to ask for again. Works through a pooler in transaction mode: no named statement, nothing
 * of the session, one pipeline of BEGIN … COMMIT per turn. Only the database's clock decides about
 * rows, and all its timestamps are UTC whatever the session's TimeZone: they travel in Postgres'
 * binary form, microseconds since 2000-01-01.
 *
 * Fence: started_at, chosen by the caller from store_fence() before it asks and kept when it has
 * to ask again, so that an answer that was lost is recognised: by claim.unsure, which says that
 * there was one, and by that alone, for two daemons may choose the same. A touch or finish matches
 * id, processing, fence and attempts.
 *
 * A job that keeps_row has a handler that writes its row itself: it counts the attempt and writes
 * processing, and completed or failed at the end; or it forgets any of that. Its begin only reads:
 * the row's attempts (a) stay as they are, this run is a + 1, and no fence is compared. Its touch
 * and finish match id and attempts, a or a + 1, and the status:
 *   touch    processing; any other has no lease that could be touched
 *   success  pending, processing or failed becomes completed
 *   failure  pending or processing becomes failed, and so does a failed that this run has not
 *            counted; one that it has is the handler's own and keeps its text; completed stays,
 *            and is the job's outcome
 *   stop     processing becomes pending; what the handler ended is the job's outcome
 * An end that is written here has attempts a + 1, whether or not the handler counted. Between
 * daemons such a job runs once only from the moment that its handler has written processing.
 *
 * One thread (the ledger's), which every call but store_free() may block for as long as the
 * options say; the tick runs at least once a second meanwhile.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "job/job.h"

#define STORE_ERROR_MAX 512

enum store_result {
	STORE_OK,
	STORE_AWAY,    /* not now: store_error() says why and what to do; ask again, as it was */
	STORE_REFUSED, /* Postgres will never take these values; nothing of the turn was done */
};

/* What became of one row. */
enum store_verdict {
	STORE_WRITTEN,
	STORE_LOCKED,     /* somebody holds the row's lock: ask again */
	STORE_ELSEWHERE,  /* processing under another fence, which holds for ask.wait at most */
	STORE_COMPLETED,  /* was completed already */
	STORE_FAILED,     /* a stopped job's handler had written its row as failed */
	STORE_UNHELD,     /* kept by its handler and not processing: no lease to touch */
	STORE_MISSING,    /* no such row */
	STORE_OTHER_TYPE, /* the row is of another type */
	STORE_TAKEN,      /* not ours any more */
};

struct store_ask {
	/* Borrowed: id, type, keeps_row, claim.fence, unsure and attempts, outcome, error. */
	struct job *job;
	enum store_verdict verdict;
	int attempts; /* of a begun row: the job's claim.attempts */
	usec_t wait;
};

struct store_asks {
	struct store_ask *asks;
	size_t n_asks;
};

/* In this order: a row that is touched and finished in one turn is touched first. */
enum store_step {
	STORE_TOUCH,
	STORE_FINISH,
	STORE_BEGIN,
};
#define STORE_N_STEPS (STORE_BEGIN + 1)

struct store_turn {
	struct store_asks steps[STORE_N_STEPS]; /* distinct ids within each */
	usec_t lease;                           /* how long a touch holds */
	bool may_take_over;                     /* begin rows whose lease is over */
	usec_t statement_timeout;
	usec_t sent_at; /* returned: CLOCK_BOOTTIME before anything was sent */
};

struct store;

struct store_options {
	const char *url;             /* copied */
	int (*tick)(void *userdata); /* negative: give up what is going on */
	void *userdata;
};

/* Does not connect. -EINVAL with one line in ret_error when the URL is not one. */
int store_new(
	const struct store_options *options, struct store **ret, char ret_error[STORE_ERROR_MAX]);
struct store *store_free(struct store *store);
DEFINE_CLEANUP(struct store *, store_free)

/*
 * Connects, learns the database's time, and proves that the table can be read and written as a
 * turn does, without touching a row.
 */
enum store_result store_connect(struct store *store, usec_t timeout);
bool store_is_connected(const struct store *store);
void store_disconnect(struct store *store);

/* One transaction. After STORE_AWAY there is no connection. */
enum store_result store_turn(struct store *store, struct store_turn *turn);

/*
 * A row that Postgres refuses to begin or to finish as asked becomes failed with this text; in a
 * transaction of its own. Not touched when it is another's. A granted job that keeps_row becomes
 * JOB_FAILED with this text and is finished so, with a finish's verdict.
 */
enum store_result store_refuse(struct store *store, struct store_ask *ask, const char *text);

/* The database's time now, as a fence; strictly greater than every one given before. */
int64_t store_fence(struct store *store);

/* One line about the last failure. */
const char *store_error(const struct store *store);
/* The descriptor, to notice that the other side hung up; -1 when not connected. */
int store_fd(const struct store *store);
/* After the descriptor became readable while nothing was asked. */
enum store_result store_check(struct store *store);

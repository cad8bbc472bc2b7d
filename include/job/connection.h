/*
 * Opens a PGconn and waits on it without ever blocking past a deadline of our own.
 *
 * libpq by itself resolves names with a blocking call, ignores connect_timeout when not blocking,
 * and waits for ever on a server that hangs behind a pooler. Here names are resolved aside
 * (base/resolve), every wait is a poll() of at most a second, and between two polls the caller's
 * tick runs: it shows that the thread lives, and may call the whole thing off. One thread.
 */
#pragma once

#include <libpq-fe.h>

#include "base/clock.h"
#include "base/resolve.h"
#include "job/dsn.h"

#define CONNECTION_ERROR_MAX 512

/* How long to wait, and what to do meanwhile. */
struct patience {
	usec_t deadline;             /* CLOCK_MONOTONIC */
	int (*tick)(void *userdata); /* negative: give up */
	void *userdata;
};

/* The addresses that a host had the last time its name was resolved. */
struct connection_addresses {
	int n_addresses; /* 0: never */
	char addresses[RESOLVE_MAX][RESOLVE_ADDRESS];
};

/* What is kept between attempts: one entry for each host of the dsn. */
struct connection_known {
	struct connection_addresses hosts[DSN_HOSTS_MAX];
	unsigned n_failed; /* in a row, as the caller counts them */
};

/* Until fd is ready for one of the poll() events: 0, -ETIMEDOUT, -ECANCELED by the tick, or -errno.
 */
int connection_wait(int fd, short events, const struct patience *patience);

/*
 * Resolves, for at most 15 s a name, and connects, for at least 5 s. A host that cannot be resolved
 * is passed over if there are others. libpq tries them in order, but waits for one that is silent:
 * so each attempt after one that failed begins one host further, and with each round one address.
 * The connection returned (owned) does not block, is in pipeline mode and prints no notices. On
 * failure -EHOSTDOWN or what connection_wait() returned, and one line, with what to do about it and
 * without secrets, in ret_error.
 */
int connection_open(const struct dsn *dsn, struct connection_known *known,
	const struct patience *patience, PGconn **ret, char ret_error[CONNECTION_ERROR_MAX]);

static inline void connection_closep(PGconn **conn)
{
	PQfinish(*conn);
}

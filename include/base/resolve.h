/*
 * One host name, looked up in a thread of its own that may be left behind.
 *
 * getaddrinfo() blocks for as long as the name servers are silent (a minute with three of them),
 * and nothing can cut it short. So the thread and the asker share a counted object: the asker
 * waits on resolve_fd() for as long as it likes and drops its share; the thread ends by itself.
 * One asker, any thread.
 */
#pragma once

#include <stddef.h>

#include "base/cleanup.h"

#define RESOLVE_MAX     8  /* addresses kept of one name */
#define RESOLVE_ADDRESS 64 /* bytes of one, as text */

struct resolve;

/* 0 or a negative errno. */
int resolve_start(const char *host, struct resolve **ret);
struct resolve *resolve_free(struct resolve *resolve);
DEFINE_CLEANUP(struct resolve *, resolve_free)

/* Readable once the answer is there. */
int resolve_fd(const struct resolve *resolve);

/*
 * The addresses in the order in which they should be tried: their number, or -EHOSTUNREACH with
 * the resolver's words in ret_error (a constant), or another negative errno with its own there.
 * Only after resolve_fd() became readable.
 */
int resolve_answer(struct resolve *resolve, char ret_addresses[RESOLVE_MAX][RESOLVE_ADDRESS],
	const char **ret_error);

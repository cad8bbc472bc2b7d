/*
 * The runtimes that run a bundle now, as /proc shows them: the leaders of their own sessions whose
 * current directory is the bundle, or one of its versions. Processes of other users are seen by
 * root only. Pure looking.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/clock.h"

struct runtime_seen {
	pid_t pid;
	char *folder; /* owned: its current directory, without symbolic links */
	usec_t age;
	uint64_t memory; /* bytes resident */
};

/*
 * Those below any of the folders, whose names are without symbolic links. ret: owned, to be given
 * to runtimes_free(). 0 or a negative errno.
 */
int runtimes_look(
	const char *const *folders, size_t n_folders, struct runtime_seen **ret, size_t *ret_n);
void runtimes_free(struct runtime_seen *runtimes, size_t n);

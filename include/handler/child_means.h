/*
 * What all programs that this process starts share: what is hidden from them, the cgroup that
 * theirs are made in, where they get AWS credentials and in which region.
 *
 * Made once, by the main thread while it is alone; used by any, in many at once. handler/child
 * reads its members.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "handler/variables.h"

#define CHILD_ERROR_MAX 512 /* bytes of a text that says what went wrong, with its NUL */

struct child_means {
	struct landlock *landlock; /* NULL: nothing is hidden */
	struct cgroup *cgroup;     /* NULL: none is ours */
	char landlock_fault[CHILD_ERROR_MAX];
	char cgroup_fault[CHILD_ERROR_MAX];
	struct variables credentials;
	/* With two words, once the region is known. */
	_Atomic(struct variables *) region;
};

struct child_means_options {
	/* Files and directories out of programs' reach, absolute, ended by a NULL: NULL: none. What
	 * is not there yet is hidden once it is. */
	const char *const *hidden;
	/* Where programs get AWS credentials, and with which token; NULL: nowhere. */
	const char *credentials_uri;
	const char *credentials_token;
	const char *region; /* AWS_REGION; NULL: not known yet */
};

/*
 * Copies the options. Moves this process into a cgroup of its own within one that is delegated, so
 * it comes before the first child. 0 or -ENOMEM. What the system does not have, or does not let us
 * have, is no error: see the faults.
 */
int child_means_new(const struct child_means_options *options, struct child_means **ret);
/* No plan may use it any more. */
struct child_means *child_means_free(struct child_means *means);
DEFINE_CLEANUP(struct child_means *, child_means_free)

/* What programs that start from now on are told, once it is known. Main thread; at most once. */
int child_means_set_region(struct child_means *means, const char *region);

/* One line each: why hidden paths can be read, why there are no cgroups, and what that means; NULL:
 * all is well. Borrowed. */
const char *child_means_landlock_fault(const struct child_means *means);
const char *child_means_cgroup_fault(const struct child_means *means);

/* Whether a limit of memory holds for all that a program starts, through its cgroup. */
bool child_means_limit_memory(const struct child_means *means);

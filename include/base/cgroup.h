/*
 * The cgroup (v2) that systemd has given to us to divide (Delegate=yes): one leaf in it for each
 * program, so that all of it can be limited and killed, whatever it starts and however it tries to
 * get away.
 *
 * Memory is limited where the controller is there (cgroup_has_memory()). Leaves are used again by
 * later programs, for a new one costs more than to start a program.
 *
 * Owns: the leaves, directories that begin with "job-". Made by the main thread; then any thread
 * may make leaves, and each leaf is one thread's. Nothing blocks but for the kernel's own work.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"

struct cgroup;
struct cgroup_leaf;

/*
 * Moves this process, which must be alone in its cgroup, into the leaf "daemon" of it, and
 * switches the controllers on. 0; -EOPNOTSUPP: there is no cgroup v2, or none is delegated to us;
 * or the negative errno of what failed.
 */
int cgroup_new(struct cgroup **ret);
/* The leaves must be gone. This process stays where it is. */
struct cgroup *cgroup_free(struct cgroup *cgroup);
DEFINE_CLEANUP(struct cgroup *, cgroup_free)

bool cgroup_has_memory(const struct cgroup *cgroup);

/* memory: bytes for all that runs in it, swap included; 0: no limit. 0 or a negative errno. */
int cgroup_leaf_new(struct cgroup *cgroup, uint64_t memory, struct cgroup_leaf **ret);
/* Kills what is in it. Does not wait for its end. */
struct cgroup_leaf *cgroup_leaf_free(struct cgroup_leaf *leaf);

/* cgroup.procs, open for writing, for spawn_start(). Borrowed. */
int cgroup_leaf_fd(const struct cgroup_leaf *leaf);
/* SIGKILL to everything in it. */
void cgroup_leaf_kill(const struct cgroup_leaf *leaf);
/* Whether something in it was killed because memory ran out. */
bool cgroup_leaf_out_of_memory(const struct cgroup_leaf *leaf);

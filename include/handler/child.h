/*
 * The programs that do jobs, started the same way whatever their kind.
 *
 * A program gets an environment made from nothing, limits, a working directory, no view of the
 * paths that hold secrets (base/landlock), and where systemd has delegated our cgroup one of its
 * own in it (base/cgroup); else the process group is what is killed. It is a child of the thread
 * that starts it, and ends with that thread (base/spawn).
 *
 * Three things: what all programs of this process share (handler/child_means), what one section of
 * the configuration says (child_plan, made with its handler; does not change), and one program that
 * runs (child, of the thread that started it). Means and plans may be used by any thread, in many
 * at once. Only reading a section's environment_file and starting may block, the latter for as long
 * as a program takes to load.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/strbuf.h"
#include "handler/child_means.h"

struct cgroup_leaf;

/* ---- What a section says ---- */

/* 0: no limit. Each but memory, where a cgroup does that, counts for each process alone. */
struct child_limits {
	uint64_t memory; /* bytes */
	usec_t cpu_time; /* in seconds, rounded up */
	uint64_t open_files;
	uint64_t file_size; /* bytes of any file that it writes */
};

struct child_settings {
	/* The first word, an absolute path, and its arguments: as one line for base/words, or as an
	 * argv ended by NULL. */
	const char *program;
	const char *const *argv;

	/* KEY=VALUE that every program of the kind gets unless the section says otherwise, ended by
	 * a NULL. NULL: none. */
	const char *const *usual;
	const char *environment;      /* KEY=VALUE words, as base/words splits them; NULL: none */
	const char *environment_file; /* with such lines; NULL: none */
	const char *database_url;     /* for DATABASE_URL; NULL: not passed */
	bool pass_aws_credentials;
	const char *working_directory; /* NULL: / */
	struct child_limits limits;
	/* Where no cgroup limits memory, limit the address space: not for programs that reserve
	 * much more than they use, as Node does. */
	bool limit_address_space;
};

struct child_plan;

/*
 * Copies settings, reads the environment_file, borrows means. 0, or a negative errno and what is
 * wrong as one line, which quotes no value and begins with the key: -EINVAL for the settings and
 * the file, -ENOMEM. What only matters when it is started, as the program itself, is not looked at.
 */
int child_plan_new(const struct child_settings *settings, const struct child_means *means,
	char ret_error[CHILD_ERROR_MAX], struct child_plan **ret);
/* Wipes what is secret. */
struct child_plan *child_plan_free(struct child_plan *plan);
DEFINE_CLEANUP(struct child_plan *, child_plan_free)

/*
 * The words of its program, as an argv to be released with one free(). 0, -EINVAL and what is wrong
 * ("program: …"), or -ENOMEM.
 */
int child_words(
	const struct child_settings *settings, char ret_error[CHILD_ERROR_MAX], char ***ret);

/* ---- One that runs ---- */

struct child {
	pid_t pid; /* and of its process group and its session */
	const struct child_plan *plan;
	struct cgroup_leaf *leaf; /* NULL: no cgroups here */

	/* Known after child_reap(); 0 before. Memory: the largest process's, at least what this
	 * one took when it started it. */
	uint64_t peak_memory;
	usec_t cpu_time; /* all processes that were waited for */
};

struct child_start {
	const char *const *environment; /* more KEY=VALUE, which win; ended by NULL. NULL: none */
	const char *directory;          /* to work in; NULL: as the plan says */
	int in;
	int out;
	int err;
};

/*
 * Starts a program; ret is the caller's to end with child_done(). 0, or a negative errno, nothing
 * runs and ret_error says why ("cannot run /x/y: No such file or directory").
 */
int child_start(const struct child_plan *plan, const struct child_start *start,
	char ret_error[CHILD_ERROR_MAX], struct child *ret);

/* To all of its process group. It must not have been reaped: until then its id is its own. */
void child_signal(const struct child *child, int signal);
/* SIGKILL to all of its process group, and to all in its cgroup. Not after it was reaped. */
void child_kill(const struct child *child);

/*
 * Waits for its end, kills what it left behind, and reaps it. Does not block once its pidfd is
 * readable. Not for the loop, where sd-event reaps: child_kill() when that tells of its end.
 */
void child_reap(struct child *child, siginfo_t *ret);

/* How it ended, in words: "exited with status 3", "killed by SIGSEGV", "killed: it took more than
 * 256M of memory". Before child_done(). */
void child_tell_end(const struct child *child, const siginfo_t *info, char ret[CHILD_ERROR_MAX]);

/* Gives its cgroup back. It has been reaped, or is about to be. Never blocks. May be called twice.
 */
void child_done(struct child *child);

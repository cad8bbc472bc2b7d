/*
 * Programs of others, started so that nothing of ours goes with them.
 *
 * The program gets the three descriptors that it is given and none besides, default signal
 * dispositions and an empty signal mask, a session and process group of its own without a terminal,
 * and the kernel kills it when the thread that started it ends (PR_SET_PDEATHSIG): so it is
 * for threads that stay. Of the environment it sees what it is given. Whatever it starts in its
 * turn is in its process group unless it leaves it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Of setrlimit(2); never raised above what the kernel lets us have. */
struct spawn_limit {
	int resource;
	uint64_t soft;
	uint64_t hard;
};

/*
 * What holds a program that is not trusted. It then also gains no rights by what it executes
 * (PR_SET_NO_NEW_PRIVS), leaves no core, and changes no other process' limits (base/seccomp). All
 * is borrowed; -1: none.
 */
struct spawn_confines {
	int directory; /* to work in, open with O_PATH */
	int cgroup;    /* cgroup.procs of the one to be in, open for writing */
	int ruleset;   /* Landlock's */
	const struct spawn_limit *limits;
	size_t n_limits;
};

struct spawn {
	const char *path;        /* with a slash in it: nothing is searched for */
	const char *const *argv; /* from its name on, ended by NULL */
	const char *const *environment;
	int in;
	int out;
	int err;
	const struct spawn_confines *confines; /* NULL: as trusted as we are */
};

/*
 * Returns when the program runs, in at most the time that it takes to load it. The calling thread
 * stands still for that long and nothing of its memory is copied, so it costs the same however
 * large this process is. ret: its id, which
 * is also that of its process group; to be waited for by the caller. 0, or the negative errno of
 * what failed: execve()'s too, and then there is no child.
 */
int spawn_start(const struct spawn *what, pid_t *ret);

/*
 * The file that name means, which execvp() would take: name itself if it has a slash in it, else
 * in the folders of path (NULL: those of the system's programs). Returns owned. -ENOENT, -EACCES:
 * only such as may not be executed; -ENOMEM.
 */
int spawn_find(const char *name, const char *path, char **ret);

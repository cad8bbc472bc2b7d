#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/seccomp.h"

#define REPORT_FD    3 /* where the child says why it failed; closed by execve() */
#define FIRST_FREE   (REPORT_FD + 1)
#define USUAL_PATH   "/usr/local/bin:/usr/bin:/bin"
#define NOT_FOUND_RC 127

/*
 * ---- In the child ----
 *
 * It has the parent's memory until it executes the program (vfork), while the thread that made it
 * waits: so it calls async-signal-safe functions only, writes to its own variables only, and no
 * handler of a signal may run in it.
 */

/* All are moved out of the way first: any of them may have a number that another one is to get. */
static int place_descriptors(const struct spawn *what, int report)
{
	int fds[] = {what->in, what->out, what->err, report};

	for (int i = 0; i <= REPORT_FD; i++) {
		fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, FIRST_FREE);
		if (fds[i] < 0)
			return -errno;
	}
	for (int i = 0; i < REPORT_FD; i++)
		if (dup2(fds[i], i) < 0)
			return -errno;
	if (dup3(fds[REPORT_FD], REPORT_FD, O_CLOEXEC) < 0)
		return -errno;
	/* Not all that a library opens is marked to be closed. */
	closefrom(FIRST_FREE);
	return 0;
}

static int leave_parent(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || setsid() < 0)
		return -errno;
	/* It may have ended before the line above. */
	return getppid() == parent ? 0 : -ESRCH;
}

static int reset_signals(void)
{
	const struct sigaction usual = {.sa_handler = SIG_DFL};
	sigset_t none;

	/* Refused for those that cannot be changed. */
	for (int i = 1; i <= SIGRTMAX; i++)
		sigaction(i, &usual, NULL);
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL) < 0 ? -errno : 0;
}

/* Both values, or as much of them as the kernel lets us have. */
static int limit(const struct spawn_limit *what)
{
	struct rlimit now;

	if (getrlimit((__rlimit_resource_t)what->resource, &now) < 0)
		return -errno;
	if (what->hard < now.rlim_max)
		now.rlim_max = what->hard;
	now.rlim_cur = what->soft < now.rlim_max ? what->soft : now.rlim_max;
	return setrlimit((__rlimit_resource_t)what->resource, &now) < 0 ? -errno : 0;
}

/* While their descriptors are still open. */
static int enter(const struct spawn_confines *confines)
{
	if (confines->cgroup >= 0 && write(confines->cgroup, "0", 1) < 0)
		return -errno;
	if (confines->directory >= 0 && fchdir(confines->directory) < 0)
		return -errno;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	int r = seccomp_keep_to_own_limits();
	if (r < 0 || confines->ruleset < 0)
		return r;
	return syscall(SYS_landlock_restrict_self, confines->ruleset, 0) < 0 ? -errno : 0;
}

/* Last, for fewer descriptors or less memory might be too few for what goes before. */
static int limit_all(const struct spawn_confines *confines)
{
	int r = limit(&(struct spawn_limit){.resource = RLIMIT_CORE});

	for (size_t i = 0; r == 0 && i < confines->n_limits; i++)
		r = limit(&confines->limits[i]);
	return r;
}

static _Noreturn void become(const struct spawn *what, pid_t parent, int report)
{
	int r = what->confines ? enter(what->confines) : 0;

	if (r == 0) {
		r = place_descriptors(what, report);
		if (r == 0)
			report = REPORT_FD;
	}
	r = r < 0 ? r : leave_parent(parent);
	r = r < 0 ? r : reset_signals();
	if (r == 0 && what->confines)
		r = limit_all(what->confines);
	if (r == 0) {
		execve(what->path, (char *const *)what->argv, (char *const *)what->environment);
		r = -errno;
	}
	(void)!write(report, &r, sizeof r);
	_exit(NOT_FOUND_RC);
}

/* ---- In the parent ---- */

/* What the child has to report: 0 once execve() has closed the other end. */
static int await_report(int report)
{
	int said = 0;
	ssize_t n;

	do {
		n = read(report, &said, sizeof said);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n == sizeof said ? said : 0;
}

/* In a frame of its own: the child must find the parent's as it was when it returns there. */
static __attribute__((noinline)) pid_t divide(const struct spawn *what, pid_t parent, int report)
{
	/* Whatever the child does is what it may: become() and what that calls are made for it.
	 * NOLINTBEGIN(clang-analyzer-security.insecureAPI.vfork,clang-analyzer-unix.Vfork) */
	pid_t child = vfork();

	if (child == 0)
		become(what, parent, report);
	/* NOLINTEND(clang-analyzer-security.insecureAPI.vfork,clang-analyzer-unix.Vfork) */
	return child < 0 ? -errno : child;
}

int spawn_start(const struct spawn *what, pid_t *ret)
{
	sigset_t all, before;
	int report[2];
	pid_t parent = getpid();

	if (pipe2(report, O_CLOEXEC) < 0)
		return -errno;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid_t child = divide(what, parent, report[1]);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	close(report[1]);
	int r = child < 0 ? child : await_report(report[0]);
	close(report[0]);
	if (child > 0 && r < 0) {
		kill(child, SIGKILL);
		while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (r < 0)
		return r;
	*ret = child;
	return 0;
}

/* The file of that name in a folder (len 0: name is a path), if it may be executed. */
static int find_in(const char *folder, size_t len, const char *name, char **ret)
{
	_cleanup_free_ char *file = NULL;
	struct stat st;

	if (*name == '\0')
		return -ENOENT;
	if (asprintf(&file, "%.*s%s%s", (int)len, folder, len ? "/" : "", name) < 0)
		return -ENOMEM;
	if (stat(file, &st) < 0)
		return errno == EACCES ? -EACCES : -ENOENT;
	if (!S_ISREG(st.st_mode) || access(file, X_OK) < 0)
		return -EACCES;
	*ret = TAKE_PTR(file);
	return 0;
}

int spawn_find(const char *name, const char *path, char **ret)
{
	int found = -ENOENT;

	if (strchr(name, '/'))
		return find_in("", 0, name, ret);
	for (const char *at = path ? path : USUAL_PATH; *at;) {
		size_t len = strcspn(at, ":");
		/* No folder means the current one to execvp(), which is nobody's wish here. */
		int r = len > 0 ? find_in(at, len, name, ret) : -ENOENT;
		if (r == 0 || r == -ENOMEM)
			return r;
		found = r == -EACCES ? r : found;
		at += len + (at[len] == ':');
	}
	return found;
}

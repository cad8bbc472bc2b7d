#include "ctl/runtimes.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"

#define STAT_BYTES_MAX 4096

static bool is_below(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* Fields of /proc/PID/stat, see proc(5): 6 session, 22 start in ticks after boot, 24 pages. */
static bool read_stat(pid_t pid, struct runtime_seen *seen)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	char path[64];
	int session;
	uint64_t started, pages;

	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	if (file_read(path, STAT_BYTES_MAX, &text) < 0)
		return false;
	/* A program's name may hold anything, a parenthesis too. */
	const char *rest = strrchr(strbuf_str(&text), ')');
	if (!rest || sscanf(rest,
			     ") %*c %*d %*d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d"
			     " %*d %*d %" SCNu64 " %*u %" SCNu64,
			     &session, &started, &pages) != 3)
		return false;
	usec_t tick = USEC_PER_SEC / (usec_t)sysconf(_SC_CLK_TCK);
	seen->age = usec_sub(clock_boottime(), started * tick);
	seen->memory = pages * (uint64_t)sysconf(_SC_PAGESIZE);
	return session == pid;
}

static bool look_at(
	pid_t pid, const char *const *folders, size_t n_folders, struct runtime_seen *ret)
{
	char path[64], cwd[PATH_MAX];

	snprintf(path, sizeof path, "/proc/%d/cwd", pid);
	ssize_t n = readlink(path, cwd, sizeof cwd - 1);
	if (n <= 0)
		return false;
	cwd[n] = '\0';
	for (size_t i = 0; i < n_folders; i++) {
		if (!is_below(cwd, folders[i]) || !read_stat(pid, ret))
			continue;
		ret->pid = pid;
		ret->folder = strdup(cwd);
		return ret->folder;
	}
	return false;
}

int runtimes_look(
	const char *const *folders, size_t n_folders, struct runtime_seen **ret, size_t *ret_n)
{
	struct runtime_seen *all = NULL;
	struct dirent *entry;
	size_t n = 0;
	DIR *proc = opendir("/proc");

	if (!proc)
		return -errno;
	while ((entry = readdir(proc))) {
		struct runtime_seen one;
		int pid = atoi(entry->d_name);
		if (pid <= 0 || !look_at(pid, folders, n_folders, &one))
			continue;
		struct runtime_seen *more = reallocarray(all, n + 1, sizeof *all);
		if (!more) {
			free(one.folder);
			runtimes_free(all, n);
			closedir(proc);
			return -ENOMEM;
		}
		all = more;
		all[n++] = one;
	}
	closedir(proc);
	*ret = all;
	*ret_n = n;
	return 0;
}

void runtimes_free(struct runtime_seen *runtimes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(runtimes[i].folder);
	free(runtimes);
}

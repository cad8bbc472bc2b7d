#include "base/landlock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/clock.h"

/* From Linux 5.19 on; an older header lacks it. */
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#define ABI_WITH_REFER 2

/* From Linux 6.2 on, likewise. */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#define ABI_WITH_TRUNCATE 3

/* From Linux 6.12 on, likewise. */
#ifndef LANDLOCK_SCOPE_SIGNAL
#define LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0)
#define LANDLOCK_SCOPE_SIGNAL               (1ULL << 1)
#endif
#define ABI_WITH_SCOPES 6

/* The kernel's struct landlock_ruleset_attr, whose end an older header lacks. An older kernel takes
 * what it does not know if that is 0. */
struct ruleset {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};

#define FILE_RIGHTS                                                                                \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE)
/*
 * What is hidden must keep its name, or the next ruleset would not know it: so nothing along the
 * way may be moved. Making files, and all else, is not handled, and stays as it is.
 */
#define ALL_RIGHTS                                                                                 \
	(FILE_RIGHTS | LANDLOCK_ACCESS_FS_REFER | LANDLOCK_ACCESS_FS_REMOVE_DIR |                  \
		LANDLOCK_ACCESS_FS_REMOVE_FILE)

/* The kernel's file times advance in steps: what is this young may change again unseen. */
#define TIME_STEP (50 * USEC_PER_MSEC)

/* A directory along the way, as it was when the ruleset was made. */
struct way {
	char *path;
	bool real; /* no part of it is a symbolic link: what is beside it is allowed */
	bool there;
	struct stat seen;
	struct way *next;
};

struct landlock {
	char **hidden; /* as given */
	size_t n_hidden;
	size_t n_sealed;   /* the last of them, which may be read */
	uint64_t truncate; /* 0: the kernel cannot */
	uint64_t scoped;   /* 0: the kernel cannot */

	pthread_mutex_t lock; /* around all below */
	struct way *ways;
	int ruleset; /* -1: none yet */
	bool young;
};

/* glibc has no functions for them. */
static int landlock_create_ruleset(const struct ruleset *attr, size_t size, int flags)
{
	long r = syscall(SYS_landlock_create_ruleset, attr, size, flags);

	return r < 0 ? -errno : (int)r;
}

static int landlock_allow(int ruleset, int fd, uint64_t rights)
{
	const struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = fd};
	long r = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);

	return r < 0 ? -errno : 0;
}

/* ---- The directories along the way ---- */

static void ways_free(struct way *ways)
{
	for (struct way *way = ways, *next; way; way = next) {
		next = way->next;
		free(way->path);
		free(way);
	}
}

static struct way *ways_find(struct way *ways, const char *path, size_t len)
{
	for (; ways; ways = ways->next)
		if (strlen(ways->path) == len && memcmp(ways->path, path, len) == 0)
			return ways;
	return NULL;
}

static int ways_add(struct way **ways, const char *path, size_t len, bool real)
{
	struct way *way = ways_find(*ways, path, len);

	if (way) {
		way->real = way->real || real;
		return 0;
	}
	way = calloc(1, sizeof *way);
	if (!way)
		return -ENOMEM;
	way->path = strndup(path, len);
	if (!way->path) {
		free(way);
		return -ENOMEM;
	}
	way->real = real;
	way->next = *ways;
	*ways = way;
	return 0;
}

/* Every directory above path: "/", "/etc" … */
static int ways_add_above(struct way **ways, const char *path, bool real)
{
	int r = ways_add(ways, "/", 1, real);

	for (const char *slash = strchr(path + 1, '/'); r == 0 && slash;
		slash = strchr(slash + 1, '/'))
		r = ways_add(ways, path, (size_t)(slash - path), real);
	return r;
}

static bool way_changed(const struct way *way)
{
	struct stat now;

	if (stat(way->path, &now) < 0)
		return way->there;
	return !way->there || now.st_dev != way->seen.st_dev || now.st_ino != way->seen.st_ino ||
	       now.st_mtim.tv_sec != way->seen.st_mtim.tv_sec ||
	       now.st_mtim.tv_nsec != way->seen.st_mtim.tv_nsec;
}

static bool way_is_young(const struct way *way, usec_t now)
{
	usec_t changed = (usec_t)way->seen.st_mtim.tv_sec * USEC_PER_SEC +
			 (usec_t)way->seen.st_mtim.tv_nsec / 1000;

	return way->there && changed + TIME_STEP > now;
}

/* ---- The ruleset ---- */

/* The hidden paths as they are now, links followed; of what is not there the part that is. */
struct hidden {
	char **paths;
	size_t n_paths;
	size_t n_sealed;
};

static void hidden_done(struct hidden *hidden)
{
	for (size_t i = 0; i < hidden->n_paths; i++)
		free(hidden->paths[i]);
	free(hidden->paths);
}

/* Follows the links of what there is of path. Returns owned; NULL: why is in errno. */
static char *resolve(const char *path)
{
	char *whole = realpath(path, NULL);
	if (whole || errno != ENOENT)
		return whole;

	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *above = slash == path ? strdup("/") : strndup(path, slash - path);
	_cleanup_free_ char *folder = above ? resolve(above) : NULL;
	if (!folder)
		return NULL;
	bool root = strcmp(folder, "/") == 0;
	return asprintf(&whole, "%s%s", root ? "" : folder, slash) < 0 ? NULL : whole;
}

static int hidden_resolve(const struct landlock *l, struct hidden *ret)
{
	ret->paths = calloc(l->n_hidden + 1, sizeof *ret->paths);
	if (!ret->paths)
		return -ENOMEM;
	ret->n_sealed = l->n_sealed;
	for (; ret->n_paths < l->n_hidden; ret->n_paths++) {
		char *path = resolve(l->hidden[ret->n_paths]);
		if (!path)
			return -errno;
		ret->paths[ret->n_paths] = path;
	}
	return 0;
}

/* Whether path is one of them, or lies in one. */
static bool hidden_has(const struct hidden *hidden, const char *path)
{
	for (size_t i = 0; i < hidden->n_paths; i++) {
		size_t len = strlen(hidden->paths[i]);
		if (strncmp(hidden->paths[i], path, len) == 0 &&
			(path[len] == '\0' || path[len] == '/'))
			return true;
	}
	return false;
}

/* Allows all that is in one entry of a directory along the way. */
static int allow_entry(int ruleset, uint64_t truncate, int folder, const char *name)
{
	_cleanup_close_ int fd = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	/* It may have gone meanwhile. */
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	/* Where a link leads to has a place of its own. */
	if (S_ISLNK(st.st_mode))
		return 0;
	uint64_t rights = S_ISDIR(st.st_mode) ? ALL_RIGHTS : FILE_RIGHTS;
	return landlock_allow(ruleset, fd, rights | truncate);
}

/* Allows what lies beside the hidden paths, and is not itself along the way. */
static int allow_beside(int ruleset, uint64_t truncate, const struct way *way, struct way *ways,
	const struct hidden *hidden)
{
	DIR *folder = opendir(way->path);
	int r = 0;

	/* What may not be listed is hidden, too. */
	if (!folder)
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : -errno;
	const char *between = strcmp(way->path, "/") == 0 ? "" : "/";
	for (struct dirent *entry; r == 0 && (entry = readdir(folder));) {
		char path[PATH_MAX];
		int len = snprintf(path, sizeof path, "%s%s%s", way->path, between, entry->d_name);
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (len >= (int)sizeof path || hidden_has(hidden, path) ||
			ways_find(ways, path, (size_t)len))
			continue;
		r = allow_entry(ruleset, truncate, dirfd(folder), entry->d_name);
	}
	closedir(folder);
	return r;
}

static int allow_reading(int ruleset, const char *path)
{
	_cleanup_close_ int fd = open(path, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT || errno == EACCES ? 0 : -errno;
	return landlock_allow(ruleset, fd, LANDLOCK_ACCESS_FS_READ_FILE);
}

/* Before its entries are read, so that a change after that is seen. */
static int note_way(struct way *way)
{
	way->there = stat(way->path, &way->seen) == 0;
	return way->there || errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
}

static int make_ruleset(const struct landlock *l, const struct hidden *hidden, struct way *ways)
{
	const struct ruleset attr = {
		.handled_access_fs = ALL_RIGHTS | l->truncate, .scoped = l->scoped};
	_cleanup_close_ int ruleset = landlock_create_ruleset(&attr, sizeof attr, 0);
	int r = 0;

	if (ruleset < 0)
		return ruleset;
	for (struct way *way = ways; r == 0 && way; way = way->next)
		if (way->real)
			r = allow_beside(ruleset, l->truncate, way, ways, hidden);
	for (size_t i = hidden->n_paths - hidden->n_sealed; r == 0 && i < hidden->n_paths; i++)
		r = allow_reading(ruleset, hidden->paths[i]);
	return r < 0 ? r : TAKE_FD(ruleset);
}

static int renew(struct landlock *l)
{
	_cleanup_(hidden_done) struct hidden hidden = {0};
	struct way *ways = NULL;
	usec_t now = clock_realtime();

	int r = hidden_resolve(l, &hidden);
	/* Both the way that is written and the one that its links lead: either may change. */
	for (size_t i = 0; r == 0 && i < hidden.n_paths; i++) {
		r = ways_add_above(&ways, l->hidden[i], false);
		r = r < 0 ? r : ways_add_above(&ways, hidden.paths[i], true);
	}
	for (struct way *way = ways; r == 0 && way; way = way->next)
		r = note_way(way);
	int ruleset = r < 0 ? r : make_ruleset(l, &hidden, ways);
	if (ruleset < 0) {
		ways_free(ways);
		return ruleset;
	}
	closep(&l->ruleset);
	ways_free(l->ways);
	l->ruleset = ruleset;
	l->ways = ways;
	l->young = false;
	for (const struct way *way = ways; way; way = way->next)
		l->young = l->young || way_is_young(way, now);
	return 0;
}

static bool is_stale(const struct landlock *l)
{
	if (l->ruleset < 0 || l->young)
		return true;
	for (const struct way *way = l->ways; way; way = way->next)
		if (way_changed(way))
			return true;
	return false;
}

int landlock_ruleset(struct landlock *l)
{
	int copy = -1;

	pthread_mutex_lock(&l->lock);
	int r = is_stale(l) ? renew(l) : 0;
	/* A copy, for the original may be replaced while the program starts. */
	if (r == 0) {
		copy = fcntl(l->ruleset, F_DUPFD_CLOEXEC, 0);
		r = copy < 0 ? -errno : 0;
	}
	pthread_mutex_unlock(&l->lock);
	return r < 0 ? r : copy;
}

/* ---- Making and freeing ---- */

static size_t count(const char *const *paths)
{
	size_t n = 0;

	while (paths && paths[n])
		n++;
	return n;
}

static int copy_paths(struct landlock *l, const char *const *paths, size_t n)
{
	for (size_t i = 0; i < n; i++, l->n_hidden++) {
		l->hidden[l->n_hidden] = strdup(paths[i]);
		if (!l->hidden[l->n_hidden])
			return -ENOMEM;
	}
	return 0;
}

static int copy_all(struct landlock *l, const char *const *hidden, const char *const *sealed)
{
	size_t n = count(hidden);

	l->n_sealed = count(sealed);
	l->hidden = calloc(n + l->n_sealed + 1, sizeof *l->hidden);
	if (!l->hidden)
		return -ENOMEM;
	int r = copy_paths(l, hidden, n);
	return r < 0 ? r : copy_paths(l, sealed, l->n_sealed);
}

struct landlock *landlock_free(struct landlock *l)
{
	if (!l)
		return NULL;
	for (size_t i = 0; i < l->n_hidden; i++)
		free(l->hidden[i]);
	free(l->hidden);
	ways_free(l->ways);
	closep(&l->ruleset);
	pthread_mutex_destroy(&l->lock);
	free(l);
	return NULL;
}

int landlock_new(const char *const *hidden, const char *const *sealed, struct landlock **ret)
{
	int abi = landlock_create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 0)
		return abi == -ENOSYS ? -EOPNOTSUPP : abi;
	if (abi < ABI_WITH_REFER)
		return -EOPNOTSUPP;

	_cleanup_(landlock_freep) struct landlock *l = calloc(1, sizeof *l);
	if (!l)
		return -ENOMEM;
	l->ruleset = -1;
	if (abi >= ABI_WITH_TRUNCATE)
		l->truncate = LANDLOCK_ACCESS_FS_TRUNCATE;
	if (abi >= ABI_WITH_SCOPES)
		l->scoped = LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | LANDLOCK_SCOPE_SIGNAL;
	pthread_mutex_init(&l->lock, NULL);
	int r = copy_all(l, hidden, sealed);
	r = r < 0 ? r : renew(l);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(l);
	return 0;
}

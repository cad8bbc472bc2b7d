#include "base/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include "base/file.h"

#define FILE_CEILING (64u << 10)
#define OUR_LEAF     "daemon"
#define LEAF_PREFIX  "job-"
#define NAME_SIZE    40

struct cgroup {
	int fd; /* the directory that is delegated */
	bool memory;
	_Atomic(uint64_t) n_made;
	/* Freed, but something in them still died then; a stack. */
	_Atomic(struct cgroup_leaf *) dying;
};

struct cgroup_leaf {
	struct cgroup *cgroup;
	char name[NAME_SIZE];
	int fd;
	int procs;
	struct cgroup_leaf *next;
};

/* ---- The kernel's files ---- */

static int put(int folder, const char *name, const char *value)
{
	_cleanup_close_ int fd = openat(folder, name, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, value, strlen(value)) < 0 ? -errno : 0;
}

/* Into ret, ended by a NUL, as much as there is room for. */
static int get(int folder, const char *name, char *ret, size_t size)
{
	_cleanup_close_ int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	ssize_t n = read(fd, ret, size - 1);
	if (n < 0)
		return -errno;
	ret[n] = '\0';
	return 0;
}

/* Whether one of the words, parted by blanks, is this one. */
static bool has_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = words; *at;) {
		at += strspn(at, " \n");
		size_t n = strcspn(at, " \n");
		if (n == len && memcmp(at, word, len) == 0)
			return true;
		at += n;
	}
	return false;
}

/* ---- Which one is ours ---- */

/* Our own, from /proc/self/cgroup: "/system.slice/nexus-worker.service". Returns owned. */
static int own_path(char **ret)
{
	_cleanup_strbuf_ struct strbuf all = STRBUF_INIT;

	int r = file_read("/proc/self/cgroup", FILE_CEILING, &all);
	if (r < 0)
		return r;
	const char *line = strbuf_str(&all);
	while (*line && strncmp(line, "0::/", 4) != 0)
		line += strcspn(line, "\n") + (line[strcspn(line, "\n")] == '\n');
	/* Above the namespace's root there is nothing of ours. */
	if (!*line || strncmp(line, "0::/..", 6) == 0)
		return -EOPNOTSUPP;
	*ret = strndup(line + 3, strcspn(line + 3, "\n"));
	return *ret ? 0 : -ENOMEM;
}

static int open_own(void)
{
	static const char *const mounts[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
	_cleanup_free_ char *own = NULL;

	int r = own_path(&own);
	if (r < 0)
		return r == -ENOENT ? -EOPNOTSUPP : r;
	for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++) {
		_cleanup_free_ char *path = NULL;
		struct statfs fs;
		if (asprintf(&path, "%s%s", mounts[i], own) < 0)
			return -ENOMEM;
		if (statfs(path, &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC)
			continue;
		int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		return fd < 0 ? -errno : fd;
	}
	return -EOPNOTSUPP;
}

static bool has_mark(int fd, const char *attribute)
{
	char value[2];

	return fgetxattr(fd, attribute, value, sizeof value) == 1 && value[0] == '1';
}

/*
 * systemd marks what it delegates; one before 251 does so where root alone can read it. What it
 * gives to another user than root is that user's, which nothing else in there is.
 */
static bool is_delegated(int fd)
{
	struct stat st;

	if (has_mark(fd, "user.delegate") || has_mark(fd, "trusted.delegate"))
		return true;
	return geteuid() != 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid();
}

/* ---- Making it ours ---- */

static int move_us(int fd)
{
	if (mkdirat(fd, OUR_LEAF, 0755) < 0 && errno != EEXIST)
		return errno == EROFS || errno == EACCES ? -EOPNOTSUPP : -errno;
	int r = put(fd, OUR_LEAF "/cgroup.procs", "0");
	if (r < 0)
		unlinkat(fd, OUR_LEAF, AT_REMOVEDIR);
	return r;
}

static int switch_on(struct cgroup *cgroup)
{
	static const char *const wanted[] = {"memory", "pids", "cpu"};
	char there[512];

	int r = get(cgroup->fd, "cgroup.controllers", there, sizeof there);
	for (size_t i = 0; r == 0 && i < sizeof wanted / sizeof *wanted; i++) {
		char word[16];
		snprintf(word, sizeof word, "+%s", wanted[i]);
		if (has_word(there, wanted[i]))
			r = put(cgroup->fd, "cgroup.subtree_control", word);
	}
	cgroup->memory = r == 0 && has_word(there, "memory");
	return r;
}

int cgroup_new(struct cgroup **ret)
{
	_cleanup_(cgroup_freep) struct cgroup *cgroup = calloc(1, sizeof *cgroup);

	if (!cgroup)
		return -ENOMEM;
	cgroup->fd = open_own();
	if (cgroup->fd < 0)
		return cgroup->fd;
	if (!is_delegated(cgroup->fd))
		return -EOPNOTSUPP;
	int r = move_us(cgroup->fd);
	if (r < 0)
		return r;
	r = switch_on(cgroup);
	if (r < 0) {
		put(cgroup->fd, "cgroup.procs", "0");
		unlinkat(cgroup->fd, OUR_LEAF, AT_REMOVEDIR);
		return r;
	}
	*ret = TAKE_PTR(cgroup);
	return 0;
}

bool cgroup_has_memory(const struct cgroup *cgroup)
{
	return cgroup->memory;
}

/* ---- Leaves ---- */

/* Whether its directory is gone, or cannot be removed at all. */
static bool leaf_remove(struct cgroup_leaf *leaf)
{
	if (unlinkat(leaf->cgroup->fd, leaf->name, AT_REMOVEDIR) < 0 && errno == EBUSY)
		return false;
	free(leaf);
	return true;
}

static void leaf_put_off(struct cgroup_leaf *leaf)
{
	_Atomic(struct cgroup_leaf *) *dying = &leaf->cgroup->dying;

	leaf->next = atomic_load(dying);
	while (!atomic_compare_exchange_weak(dying, &leaf->next, leaf))
		;
}

/* Taken off all at once, so that no other thread meets one that goes. */
static void remove_dead(struct cgroup *cgroup)
{
	struct cgroup_leaf *leaf = atomic_exchange(&cgroup->dying, NULL);

	for (struct cgroup_leaf *next; leaf; leaf = next) {
		next = leaf->next;
		if (!leaf_remove(leaf))
			leaf_put_off(leaf);
	}
}

static int leaf_limit(const struct cgroup_leaf *leaf, uint64_t memory)
{
	char bytes[24];

	if (memory == 0 || !leaf->cgroup->memory)
		return 0;
	snprintf(bytes, sizeof bytes, "%" PRIu64, memory);
	int r = put(leaf->fd, "memory.max", bytes);
	if (r < 0)
		return r;
	/* A kernel may not account swap. */
	r = put(leaf->fd, "memory.swap.max", "0");
	if (r < 0 && r != -ENOENT)
		return r;
	return put(leaf->fd, "memory.oom.group", "1");
}

/* One that a daemon before us left behind may have the name. */
static int leaf_make(struct cgroup_leaf *leaf)
{
	do {
		snprintf(leaf->name, sizeof leaf->name, LEAF_PREFIX "%" PRIu64,
			(uint64_t)atomic_fetch_add(&leaf->cgroup->n_made, 1));
		if (mkdirat(leaf->cgroup->fd, leaf->name, 0755) == 0)
			return 0;
	} while (errno == EEXIST);
	return -errno;
}

int cgroup_leaf_new(struct cgroup *cgroup, uint64_t memory, struct cgroup_leaf **ret)
{
	struct cgroup_leaf *leaf = calloc(1, sizeof *leaf);

	remove_dead(cgroup);
	if (!leaf)
		return -ENOMEM;
	leaf->cgroup = cgroup;
	leaf->fd = leaf->procs = -1;
	int r = leaf_make(leaf);
	if (r < 0) {
		free(leaf);
		return r;
	}
	leaf->fd = openat(cgroup->fd, leaf->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (leaf->fd >= 0)
		leaf->procs = openat(leaf->fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	r = leaf->procs < 0 ? -errno : leaf_limit(leaf, memory);
	if (r < 0) {
		cgroup_leaf_free(leaf);
		return r;
	}
	*ret = leaf;
	return 0;
}

struct cgroup_leaf *cgroup_leaf_free(struct cgroup_leaf *leaf)
{
	if (!leaf)
		return NULL;
	cgroup_leaf_kill(leaf);
	closep(&leaf->fd);
	closep(&leaf->procs);
	leaf->fd = leaf->procs = -1;
	if (!leaf_remove(leaf))
		leaf_put_off(leaf);
	return NULL;
}

struct cgroup *cgroup_free(struct cgroup *cgroup)
{
	if (!cgroup)
		return NULL;
	remove_dead(cgroup);
	for (struct cgroup_leaf *leaf = atomic_load(&cgroup->dying), *next; leaf; leaf = next) {
		next = leaf->next;
		free(leaf);
	}
	closep(&cgroup->fd);
	free(cgroup);
	return NULL;
}

int cgroup_leaf_fd(const struct cgroup_leaf *leaf)
{
	return leaf->procs;
}

void cgroup_leaf_kill(const struct cgroup_leaf *leaf)
{
	if (leaf->fd >= 0)
		put(leaf->fd, "cgroup.kill", "1");
}

bool cgroup_leaf_out_of_memory(const struct cgroup_leaf *leaf)
{
	char events[512];

	if (get(leaf->fd, "memory.events", events, sizeof events) < 0)
		return false;
	const char *count = strstr(events, "\noom_kill ");
	return count && count[strlen("\noom_kill ")] != '0';
}

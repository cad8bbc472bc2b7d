#include "base/cgroup.h"

#include <assert.h>
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

/* A leaf is not used again when more than this part of its memory is still charged to it. */
#define CHARGED_PART 16

struct cgroup {
	int fd; /* the directory that is delegated */
	bool memory;
	_Atomic(uint64_t) n_made;
	/* Given back: for the next, once nothing in them still dies. A stack. */
	_Atomic(struct cgroup_leaf *) idle;
};

struct cgroup_leaf {
	struct cgroup *cgroup;
	char name[NAME_SIZE];
	int fd;
	int procs;
	uint64_t memory;   /* its limit; 0: none */
	uint64_t n_killed; /* for lack of memory, in those before */
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
	char there[512] = "";

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

/* What a file says of that, one "NAME VALUE" a line; 0: nothing. */
static uint64_t get_count(const struct cgroup_leaf *leaf, const char *file, const char *name)
{
	char text[512] = "";
	size_t len = strlen(name);

	if (get(leaf->fd, file, text, sizeof text) < 0)
		return 0;
	for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n')
		if (strncmp(at, name, len) == 0 && at[len] == ' ')
			return strtoull(at + len, NULL, 10);
	return 0;
}

static bool leaf_is_empty(const struct cgroup_leaf *leaf)
{
	return get_count(leaf, "cgroup.events", "populated") == 0;
}

/*
 * What files of its programs take stays charged to it, in a /tmp in memory for as long as they are
 * there: the next program should not start with much of that.
 */
static bool leaf_is_clean(const struct cgroup_leaf *leaf)
{
	char bytes[32];

	if (leaf->memory == 0)
		return true;
	return get(leaf->fd, "memory.current", bytes, sizeof bytes) == 0 &&
	       strtoull(bytes, NULL, 10) <= leaf->memory / CHARGED_PART;
}

static void leaf_destroy(struct cgroup_leaf *leaf)
{
	closep(&leaf->fd);
	closep(&leaf->procs);
	unlinkat(leaf->cgroup->fd, leaf->name, AT_REMOVEDIR);
	free(leaf);
}

static void leaf_put_back(struct cgroup_leaf *leaf)
{
	_Atomic(struct cgroup_leaf *) *idle = &leaf->cgroup->idle;

	leaf->next = atomic_load(idle);
	while (!atomic_compare_exchange_weak(idle, &leaf->next, leaf))
		;
}

/* All are taken off at once, so that no other thread meets one that goes. NULL: none is fit. */
static struct cgroup_leaf *take_idle(struct cgroup *cgroup)
{
	struct cgroup_leaf *all = atomic_exchange(&cgroup->idle, NULL), *found = NULL;

	for (struct cgroup_leaf *leaf = all, *next; leaf; leaf = next) {
		next = leaf->next;
		if (found || !leaf_is_empty(leaf))
			leaf_put_back(leaf);
		else if (leaf_is_clean(leaf))
			found = leaf;
		else
			leaf_destroy(leaf);
	}
	return found;
}

static int leaf_limit(struct cgroup_leaf *leaf, uint64_t memory)
{
	char bytes[24] = "max";

	if (memory == leaf->memory || !leaf->cgroup->memory)
		return 0;
	if (memory > 0)
		snprintf(bytes, sizeof bytes, "%" PRIu64, memory);
	int r = put(leaf->fd, "memory.max", bytes);
	if (r < 0)
		return r;
	/* A kernel may not account swap. */
	r = put(leaf->fd, "memory.swap.max", memory > 0 ? "0" : "max");
	if (r < 0 && r != -ENOENT)
		return r;
	leaf->memory = memory;
	return put(leaf->fd, "memory.oom.group", "1");
}

/* One that a daemon before us left behind may have the name. */
static int leaf_make_directory(struct cgroup_leaf *leaf)
{
	do {
		snprintf(leaf->name, sizeof leaf->name, LEAF_PREFIX "%" PRIu64,
			(uint64_t)atomic_fetch_add(&leaf->cgroup->n_made, 1));
		if (mkdirat(leaf->cgroup->fd, leaf->name, 0755) == 0)
			return 0;
	} while (errno == EEXIST);
	return -errno;
}

static int leaf_make(struct cgroup *cgroup, struct cgroup_leaf **ret)
{
	struct cgroup_leaf *leaf = calloc(1, sizeof *leaf);

	if (!leaf)
		return -ENOMEM;
	leaf->cgroup = cgroup;
	leaf->fd = leaf->procs = -1;
	int r = leaf_make_directory(leaf);
	if (r < 0) {
		free(leaf);
		return r;
	}
	leaf->fd = openat(cgroup->fd, leaf->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (leaf->fd >= 0)
		leaf->procs = openat(leaf->fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	if (leaf->procs < 0) {
		r = -errno;
		leaf_destroy(leaf);
		return r;
	}
	*ret = leaf;
	return 0;
}

int cgroup_leaf_new(struct cgroup *cgroup, uint64_t memory, struct cgroup_leaf **ret)
{
	struct cgroup_leaf *leaf = take_idle(cgroup);

	int r = leaf ? 0 : leaf_make(cgroup, &leaf);
	if (r < 0)
		return r;
	assert(leaf);
	r = leaf_limit(leaf, memory);
	if (r < 0) {
		leaf_destroy(leaf);
		return r;
	}
	leaf->n_killed = get_count(leaf, "memory.events", "oom_kill");
	*ret = leaf;
	return 0;
}

struct cgroup_leaf *cgroup_leaf_free(struct cgroup_leaf *leaf)
{
	if (!leaf)
		return NULL;
	cgroup_leaf_kill(leaf);
	leaf_put_back(leaf);
	return NULL;
}

struct cgroup *cgroup_free(struct cgroup *cgroup)
{
	if (!cgroup)
		return NULL;
	for (struct cgroup_leaf *leaf = atomic_load(&cgroup->idle), *next; leaf; leaf = next) {
		next = leaf->next;
		leaf_destroy(leaf);
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
	put(leaf->fd, "cgroup.kill", "1");
}

bool cgroup_leaf_out_of_memory(const struct cgroup_leaf *leaf)
{
	return get_count(leaf, "memory.events", "oom_kill") > leaf->n_killed;
}

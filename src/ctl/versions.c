#include "ctl/versions.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/tree.h"
#include "ctl/way.h"

static_assert(WAY_TEXT_MAX <= VERSIONS_TEXT_MAX, "what way says is said as it is");

#define ENDING    ".versions"
#define STAGED    ".staged"
#define SWITCHING ".switching"

struct versions {
	char *bundle;
	char *folder;
	char *staged;  /* path of what is staged; NULL: nothing is */
	int folder_fd; /* holds the lock; -1: there is no folder */
	char current[VERSIONS_NAME_MAX];
	time_t since;
	char **names; /* the newest first */
	size_t n_names;
};

static int failed(char *text, int r, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int failed(char *text, int r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(text, VERSIONS_TEXT_MAX, format, args);
	va_end(args);
	return r;
}

/* "20260102T030405Z", and ".2" behind it for a second one within a second. */
static bool is_version(const char *name)
{
	static const char form[] = "00000000T000000Z"; /* 0: any digit */
	size_t len = strlen(form);

	if (strlen(name) >= VERSIONS_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (form[i] == '0' ? name[i] < '0' || name[i] > '9' : name[i] != form[i])
			return false;
	return name[len] == '\0' || name[len] == '.';
}

/* ---- Looking ---- */

static void versions_forget(struct versions *v)
{
	for (size_t i = 0; i < v->n_names; i++)
		free(v->names[i]);
	free(v->names);
	v->names = NULL;
	v->n_names = 0;
}

static int is_version_entry(const struct dirent *entry)
{
	return is_version(entry->d_name);
}

static int newest_first(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*b)->d_name, (*a)->d_name);
}

static int versions_look(struct versions *v, char *text)
{
	struct dirent **entries = NULL;

	versions_forget(v);
	int n = scandir(v->folder, &entries, is_version_entry, newest_first);
	if (n < 0)
		return failed(text, -errno, "%s: %s", v->folder, strerror(errno));
	v->names = calloc((size_t)n + 1, sizeof *v->names);
	for (int i = 0; i < n; i++) {
		if (v->names && (v->names[v->n_names] = strdup(entries[i]->d_name)))
			v->n_names++;
		free(entries[i]);
	}
	free(entries);
	return v->n_names == (size_t)n ? 0 : failed(text, -ENOMEM, "out of memory");
}

static void versions_look_at_link(struct versions *v)
{
	char target[PATH_MAX];
	struct stat st;

	v->current[0] = '\0';
	v->since = 0;
	ssize_t n = readlink(v->bundle, target, sizeof target - 1);
	if (n < 0)
		return;
	target[n] = '\0';
	const char *name = strrchr(target, '/');
	if (name && is_version(name + 1))
		snprintf(v->current, sizeof v->current, "%s", name + 1);
	if (lstat(v->bundle, &st) == 0)
		v->since = st.st_mtime;
}

/* ---- Opening ---- */

/* The daemon's user has to get at the code, whatever the umask of who deploys it is. */
static int versions_make_folder(struct versions *v, char *text)
{
	if (mkdir(v->folder, 0755) == 0 && chmod(v->folder, 0755) == 0)
		return 0;
	if (errno == EEXIST)
		return 0;
	return failed(text, -errno, "%s: cannot be made: %s%s", v->folder, strerror(errno),
		errno == ENOENT ? "; make the directory that it is to be in" : "");
}

static int versions_lock(struct versions *v, char *text)
{
	if (flock(v->folder_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return failed(text, -EBUSY, "%s: another deployment is under way; wait for it",
			v->folder);
	return failed(text, -errno, "%s: %s", v->folder, strerror(errno));
}

static int versions_set_paths(struct versions *v, const char *bundle, char *text)
{
	size_t len = strlen(bundle);

	while (len > 1 && bundle[len - 1] == '/')
		len--;
	v->bundle = strndup(bundle, len);
	if (!v->bundle || asprintf(&v->folder, "%s" ENDING, v->bundle) < 0) {
		failed(text, -ENOMEM, "out of memory");
		return -ENOMEM;
	}
	return 0;
}

int versions_open(const char *bundle, bool make, struct versions **ret,
	char ret_text[static VERSIONS_TEXT_MAX])
{
	_cleanup_(versions_closep) struct versions *v = calloc(1, sizeof *v);

	if (!v)
		return failed(ret_text, -ENOMEM, "out of memory");
	v->folder_fd = -1;
	int r = versions_set_paths(v, bundle, ret_text);
	/* Who is not root can do no more than he may anyway. */
	if (r == 0 && make && geteuid() == 0)
		r = way_is_roots(v->folder, ret_text);
	if (r == 0 && make)
		r = versions_make_folder(v, ret_text);
	if (r < 0)
		return r;
	v->folder_fd = open(v->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (v->folder_fd < 0 && (make || errno != ENOENT))
		return failed(ret_text, -errno, "%s: %s", v->folder, strerror(errno));
	if (make)
		r = versions_lock(v, ret_text);
	if (r == 0 && v->folder_fd >= 0)
		r = versions_look(v, ret_text);
	if (r < 0)
		return r;
	versions_look_at_link(v);
	*ret = TAKE_PTR(v);
	return 0;
}

/* ---- Removing ---- */

struct versions *versions_close(struct versions *v)
{
	if (!v)
		return NULL;
	if (v->staged)
		tree_remove(v->staged);
	if (v->folder_fd >= 0)
		close(v->folder_fd);
	versions_forget(v);
	free(v->staged);
	free(v->folder);
	free(v->bundle);
	free(v);
	return NULL;
}

static int versions_remove(struct versions *v, const char *name,
	bool (*in_use)(void *userdata, const char *path), void *userdata, char *text)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/%s", v->folder, name) < 0)
		return failed(text, -ENOMEM, "out of memory");
	if (strcmp(name, v->current) == 0 || in_use(userdata, path))
		return 0;
	int r = tree_remove(path);
	return r < 0 ? failed(text, r, "%s: cannot be removed: %s", path, strerror(-r)) : 0;
}

int versions_prune(struct versions *v, bool (*in_use)(void *userdata, const char *path),
	void *userdata, char ret_text[static VERSIONS_TEXT_MAX])
{
	for (size_t i = VERSIONS_KEPT; i < v->n_names; i++) {
		int r = versions_remove(v, v->names[i], in_use, userdata, ret_text);
		if (r < 0)
			return r;
	}
	return versions_look(v, ret_text);
}

/* ---- What there is ---- */

const char *versions_folder(const struct versions *v)
{
	return v->folder;
}

const char *versions_current(const struct versions *v)
{
	return v->current;
}

time_t versions_since(const struct versions *v)
{
	return v->since;
}

const char *versions_previous(const struct versions *v)
{
	for (size_t i = 0; i < v->n_names; i++)
		if (strcmp(v->names[i], v->current) < 0)
			return v->names[i];
	return NULL;
}

size_t versions_list(const struct versions *v, const char *const **ret)
{
	*ret = (const char *const *)v->names;
	return v->n_names;
}

uint64_t versions_size(const struct versions *v, const char *name)
{
	_cleanup_free_ char *path = NULL;

	return asprintf(&path, "%s/%s", v->folder, name) < 0 ? 0 : tree_size(path);
}

/* ---- A new one ---- */

int versions_stage(struct versions *v, int *ret_fd, const char **ret_path,
	char ret_text[static VERSIONS_TEXT_MAX])
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/" STAGED, v->folder) < 0)
		return failed(ret_text, -ENOMEM, "out of memory");
	/* We hold the lock: what lies there was left by one that was killed. */
	tree_remove(path);
	int fd = mkdir(path, 0700) < 0 ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fchmod(fd, 0755) < 0) {
		int r = failed(ret_text, -errno, "%s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return r;
	}
	v->staged = TAKE_PTR(path);
	*ret_fd = fd;
	*ret_path = v->staged;
	return 0;
}

/* A name of that time that is not taken. */
static int versions_name(const struct versions *v, time_t at, char ret[static VERSIONS_NAME_MAX])
{
	struct tm tm;
	char base[VERSIONS_NAME_MAX / 2 + 1];

	if (!gmtime_r(&at, &tm) || strftime(base, sizeof base, "%Y%m%dT%H%M%SZ", &tm) == 0)
		return -EINVAL;
	snprintf(ret, VERSIONS_NAME_MAX, "%s", base);
	for (unsigned n = 2; faccessat(v->folder_fd, ret, F_OK, AT_SYMLINK_NOFOLLOW) == 0; n++) {
		if (n > 9)
			return -EEXIST;
		snprintf(ret, VERSIONS_NAME_MAX, "%s.%u", base, n);
	}
	return 0;
}

int versions_keep(
	struct versions *v, const char **ret_name, char ret_text[static VERSIONS_TEXT_MAX])
{
	char name[VERSIONS_NAME_MAX];

	int r = versions_name(v, time(NULL), name);
	if (r < 0)
		return failed(
			ret_text, r, "%s: no name for a version: %s", v->folder, strerror(-r));
	/* All of it is on disk before a name says that it is there. */
	if (syncfs(v->folder_fd) < 0 || renameat(v->folder_fd, STAGED, v->folder_fd, name) < 0 ||
		fsync(v->folder_fd) < 0)
		return failed(ret_text, -errno, "%s/%s: %s", v->folder, name, strerror(errno));
	free(TAKE_PTR(v->staged));
	r = versions_look(v, ret_text);
	for (size_t i = 0; r == 0 && i < v->n_names; i++)
		if (strcmp(v->names[i], name) == 0)
			*ret_name = v->names[i];
	return r;
}

/* ---- Switching ---- */

/* What was a directory until now becomes a version, named by its age; in any case one older than
 * that which takes its place. */
static int versions_adopt(struct versions *v, const char *path, const char *successor, char *text)
{
	char name[VERSIONS_NAME_MAX];
	time_t at = time(NULL);
	struct stat st;

	int r = stat(path, &st) < 0 ? -errno : 0;
	if (r == 0 && st.st_mtime < at)
		at = st.st_mtime;
	do
		r = r < 0 ? r : versions_name(v, at--, name);
	while (r == 0 && strcmp(name, successor) >= 0);
	if (r == 0 && renameat(AT_FDCWD, path, v->folder_fd, name) < 0)
		r = -errno;
	return r < 0 ? failed(text, r, "%s: cannot be kept as a version: %s", path, strerror(-r))
		     : 0;
}

/* Puts the link to that version in the bundle's place, whatever is there. */
static int versions_put(struct versions *v, const char *link, const char *name, char *text)
{
	if (rename(link, v->bundle) == 0)
		return 0;
	if (errno != EISDIR)
		return failed(text, -errno, "%s: %s", v->bundle, strerror(errno));
	if (renameat2(AT_FDCWD, link, AT_FDCWD, v->bundle, RENAME_EXCHANGE) < 0)
		return failed(text, -errno,
			"%s: cannot be exchanged for a link: %s; move it away by hand", v->bundle,
			strerror(errno));
	return versions_adopt(v, link, name, text);
}

static void sync_directory_of(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);
	char *slash = copy ? strrchr(copy, '/') : NULL;

	if (!slash)
		return;
	slash[slash == copy] = '\0';
	_cleanup_close_ int fd = open(copy, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		fsync(fd);
}

int versions_switch(struct versions *v, const char *name, char ret_text[static VERSIONS_TEXT_MAX])
{
	_cleanup_free_ char *link = NULL, *target = NULL;
	const char *last = strrchr(v->folder, '/');

	if (asprintf(&link, "%s" SWITCHING, v->bundle) < 0 ||
		asprintf(&target, "%s/%s", last ? last + 1 : v->folder, name) < 0)
		return failed(ret_text, -ENOMEM, "out of memory");
	if (unlink(link) < 0 && errno != ENOENT)
		return failed(ret_text, -errno, "%s: %s", link, strerror(errno));
	if (symlink(target, link) < 0)
		return failed(ret_text, -errno, "%s: %s", link, strerror(errno));
	int r = versions_put(v, link, name, ret_text);
	if (r < 0) {
		unlink(link);
		return r;
	}
	sync_directory_of(v->bundle);
	versions_look_at_link(v);
	return versions_look(v, ret_text);
}

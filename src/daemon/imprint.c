#include "daemon/imprint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/log.h"
#include "conf/keys.h"

/* Programs that do jobs have our user, and can make files beside it: what has one of our names
 * there may be anything. */
#define NAME     "settings.json"
#define FILE_MAX ((off_t)4 << 20)

struct imprint {
	char *path;
	char *path_new; /* what is not whole yet */
	int fd;         /* -1: nothing is there */
};

/* ---- Writing ---- */

struct writing {
	json_t *settings;
	bool restart; /* what needs a restart, or all else */
};

static void imprint_add(void *userdata, const struct settings_item *item)
{
	_cleanup_strbuf_ struct strbuf name = STRBUF_INIT, value = STRBUF_INIT;
	struct writing *writing = userdata;

	if ((bool)(item->key->flags & KEY_RESTART) != writing->restart)
		return;
	settings_item_name(item, &name);
	keys_write_masked(item->key, item->base, &value);
	json_object_set_new(writing->settings, strbuf_str(&name),
		json_pack("{s:s, s:s?}", "value", strbuf_str(&value), "origin", item->origin));
}

static json_t *imprint_of(const struct settings *started, const struct settings *now)
{
	struct writing writing = {.settings = json_object()};

	settings_walk(now, imprint_add, &writing);
	writing.restart = true;
	settings_walk(started, imprint_add, &writing);
	return writing.settings;
}

/* A file of our own, whatever stood there: to open a pipe would be to wait for its reader. */
static int imprint_open_new(const char *path)
{
	if (unlink(path) < 0 && errno != ENOENT)
		return -1;
	return open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

static int imprint_put(struct imprint *imprint, const json_t *settings)
{
	_cleanup_close_ int fd = imprint_open_new(imprint->path_new);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	errno = EIO;
	if (json_dumpfd(settings, fd, JSON_COMPACT) < 0 ||
		rename(imprint->path_new, imprint->path) < 0)
		return -errno;
	if (imprint->fd >= 0)
		close(imprint->fd);
	imprint->fd = TAKE_FD(fd);
	return 0;
}

void imprint_write(
	struct imprint *imprint, const struct settings *started, const struct settings *now)
{
	if (!imprint)
		return;
	json_t *settings = imprint_of(started, now);
	int r = imprint_put(imprint, settings);
	json_decref(settings);
	if (r < 0)
		log_warning("%s: %s; nexusctl config cannot tell what a reload would change",
			imprint->path, strerror(-r));
}

/* ---- Its life ---- */

static const char *imprint_directory(void)
{
	const char *directory = getenv("RUNTIME_DIRECTORY");

	return directory && directory[0] ? directory : NULL;
}

struct imprint *imprint_new(void)
{
	const char *directory = imprint_directory();
	_cleanup_(imprint_freep) struct imprint *imprint =
		directory ? malloc(sizeof *imprint) : NULL;

	if (!imprint)
		return NULL;
	*imprint = (struct imprint){.fd = -1};
	if (asprintf(&imprint->path, "%s/" NAME, directory) < 0)
		return NULL;
	if (asprintf(&imprint->path_new, "%s.new", imprint->path) < 0)
		return NULL;
	return TAKE_PTR(imprint);
}

struct imprint *imprint_free(struct imprint *imprint)
{
	if (!imprint)
		return NULL;
	if (imprint->fd >= 0) {
		unlink(imprint->path);
		close(imprint->fd);
	}
	free(imprint->path_new);
	free(imprint->path);
	free(imprint);
	return NULL;
}

/* ---- Reading ---- */

int imprint_read(const char *directory, struct imprint_seen *ret)
{
	_cleanup_free_ char *path = NULL;
	const char *ours = imprint_directory();
	struct stat st;

	if (asprintf(&path, "%s/" NAME, ours ? ours : directory) < 0)
		return -ENOMEM;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
		return -EBADMSG;
	/* It was left by one that does not run any more. */
	if (flock(fd, LOCK_SH | LOCK_NB) == 0)
		return -ENOENT;
	json_t *settings = json_loadfd(fd, 0, NULL);
	if (!settings)
		return -EBADMSG;
	ret->settings = settings;
	ret->written_at =
		(usec_t)st.st_mtim.tv_sec * USEC_PER_SEC + (usec_t)st.st_mtim.tv_nsec / 1000;
	return 0;
}

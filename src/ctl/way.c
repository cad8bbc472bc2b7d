#include "ctl/way.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

/* In a directory with the sticky bit nobody renames what is not his own. */
static bool is_roots_alone(const struct stat *st)
{
	if (st->st_uid != 0)
		return false;
	if (S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX))
		return true;
	return !(st->st_mode & S_IWOTH) && (st->st_gid == 0 || !(st->st_mode & S_IWGRP));
}

static int way_fail(char *text, int r, const char *path, const char *why)
{
	snprintf(text, WAY_TEXT_MAX, "%s: %s", path, why);
	return r;
}

static int way_judge(const char *path, char *text)
{
	struct stat st;
	size_t len = 0;

	do {
		len += strspn(path + len, "/");
		len += strcspn(path + len, "/");
		_cleanup_free_ char *part = strndup(path, len);
		if (!part)
			return way_fail(text, -ENOMEM, path, "out of memory");
		if (stat(part, &st) < 0)
			return errno == ENOENT ? 0 : way_fail(text, -errno, part, strerror(errno));
		if (!is_roots_alone(&st))
			return way_fail(text, -EPERM, part,
				"others than root can change it, and so have root write and "
				"remove elsewhere: deploy as its owner, or give it to root");
	} while (path[len]);
	return 0;
}

int way_is_roots(const char *path, char ret_text[static WAY_TEXT_MAX])
{
	int r = way_judge(path, ret_text);
	_cleanup_free_ char *whole = r < 0 ? NULL : realpath(path, NULL);

	return whole ? way_judge(whole, ret_text) : r;
}

#include "ctl/unzip.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

#define BLOCK_BYTES (64u << 10)
#define NAME_SHOWN  160

struct unzip {
	struct archive *zip;
	struct archive *disk;
	const char *path;
	uint64_t bytes;
	unsigned n_files;
	struct strbuf links; /* names, each with its NUL */
	char *text;
};

static int unzip_failed(struct unzip *u, int r, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int unzip_failed(struct unzip *u, int r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(u->text, UNZIP_TEXT_MAX, format, args);
	va_end(args);
	for (char *c = u->text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	return r;
}

/* Whether a relative path leads out of where it starts. */
static bool leaves(const char *name)
{
	int depth = 0;

	if (*name == '/' || strchr(name, '\\'))
		return true;
	while (*name && depth >= 0) {
		size_t len = strcspn(name, "/");
		if (len == 2 && strncmp(name, "..", 2) == 0)
			depth--;
		else if (len > 0 && !(len == 1 && *name == '.'))
			depth++;
		name += len;
		name += strspn(name, "/");
	}
	return depth < 0;
}

static int unzip_judge(struct unzip *u, struct archive_entry *entry)
{
	const char *name = archive_entry_pathname(entry);

	if (!name || !*name)
		return unzip_failed(u, -EBADMSG, "%s: an entry has no readable name", u->path);
	if (leaves(name))
		return unzip_failed(u, -EPERM, "%s: refused: %.*s leaves the bundle's folder",
			u->path, NAME_SHOWN, name);
	if (archive_entry_is_encrypted(entry))
		return unzip_failed(
			u, -EPERM, "%s: refused: %.*s is encrypted", u->path, NAME_SHOWN, name);
	switch (archive_entry_hardlink(entry) ? 0 : archive_entry_filetype(entry)) {
	case AE_IFREG:
	case AE_IFDIR:
	case AE_IFLNK: /* where it leads is looked at when all are there */
		break;
	default:
		return unzip_failed(u, -EPERM,
			"%s: refused: %.*s is neither a file nor a folder nor a link", u->path,
			NAME_SHOWN, name);
	}
	if (++u->n_files > UNZIP_FILES_MAX)
		return unzip_failed(u, -EFBIG, "%s: refused: it has more than %u entries", u->path,
			UNZIP_FILES_MAX);
	return 0;
}

static void unzip_set_mode(struct archive_entry *entry)
{
	bool folder = archive_entry_filetype(entry) == AE_IFDIR;
	bool executable = archive_entry_perm(entry) & S_IXUSR;

	archive_entry_set_perm(entry, folder || executable ? 0755 : 0644);
}

static int unzip_copy(struct unzip *u, const char *name)
{
	const void *block;
	size_t len;
	la_int64_t offset;

	for (;;) {
		int r = archive_read_data_block(u->zip, &block, &len, &offset);
		if (r == ARCHIVE_EOF)
			return 0;
		if (r != ARCHIVE_OK)
			return unzip_failed(u, -EBADMSG, "%s: %.*s: %s", u->path, NAME_SHOWN, name,
				archive_error_string(u->zip));
		u->bytes += len;
		if (u->bytes > UNZIP_BYTES_MAX)
			return unzip_failed(u, -EFBIG,
				"%s: refused: it unpacks to more than %llu MiB", u->path,
				(unsigned long long)(UNZIP_BYTES_MAX >> 20));
		if (archive_write_data_block(u->disk, block, len, offset) != ARCHIVE_OK)
			return unzip_failed(u, -EIO, "%.*s: cannot be written: %s", NAME_SHOWN,
				name, archive_error_string(u->disk));
	}
}

static int unzip_entry(struct unzip *u, struct archive_entry *entry)
{
	const char *name = archive_entry_pathname(entry);

	int r = unzip_judge(u, entry);
	if (r < 0)
		return r;
	unzip_set_mode(entry);
	if (archive_write_header(u->disk, entry) != ARCHIVE_OK)
		return unzip_failed(u, -EIO, "%.*s: cannot be written: %s", NAME_SHOWN, name,
			archive_error_string(u->disk));
	r = archive_entry_filetype(entry) == AE_IFREG ? unzip_copy(u, name) : 0;
	if (r == 0 && archive_write_finish_entry(u->disk) != ARCHIVE_OK)
		return unzip_failed(u, -EIO, "%.*s: cannot be written: %s", NAME_SHOWN, name,
			archive_error_string(u->disk));
	if (archive_entry_filetype(entry) == AE_IFLNK)
		strbuf_append(&u->links, name, strlen(name) + 1);
	return r;
}

/* The kernel knows best where a link leads, by way of other links too. To nowhere is no harm. */
static int unzip_judge_link(struct unzip *u, const char *name)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_BENEATH};
	_cleanup_close_ int fd = (int)syscall(SYS_openat2, AT_FDCWD, name, &how, sizeof how);

	if (fd >= 0 || errno == ENOENT || errno == ENOTDIR || errno == ELOOP)
		return 0;
	if (errno == EXDEV)
		return unzip_failed(u, -EPERM,
			"%s: refused: the link %.*s points out of the bundle's folder", u->path,
			NAME_SHOWN, name);
	return unzip_failed(u, -errno, "%s: where the link %.*s points cannot be told: %s", u->path,
		NAME_SHOWN, name, strerror(errno));
}

static int unzip_judge_links(struct unzip *u)
{
	const char *name = strbuf_str(&u->links), *end = name + u->links.len;
	int r = u->links.error;

	if (r < 0)
		return unzip_failed(u, r, "%s: its links: %s", u->path, strerror(-r));
	for (; r == 0 && name < end; name += strlen(name) + 1)
		r = unzip_judge_link(u, name);
	return r;
}

static int unzip_all(struct unzip *u)
{
	struct archive_entry *entry;

	if (archive_read_open_filename(u->zip, u->path, BLOCK_BYTES) != ARCHIVE_OK)
		return unzip_failed(u, archive_errno(u->zip) > 0 ? -archive_errno(u->zip) : -EIO,
			"%s: cannot be read as a ZIP file: %s", u->path,
			archive_error_string(u->zip));
	for (;;) {
		int r = archive_read_next_header(u->zip, &entry);
		if (r == ARCHIVE_EOF)
			break;
		if (r != ARCHIVE_OK)
			return unzip_failed(u, -EBADMSG, "%s: is not a ZIP file, or broken: %s",
				u->path, archive_error_string(u->zip));
		r = unzip_entry(u, entry);
		if (r < 0)
			return r;
	}
	return u->n_files > 0 ? unzip_judge_links(u)
			      : unzip_failed(u, -EBADMSG, "%s: is empty", u->path);
}

static int unzip_here(struct unzip *u)
{
	u->zip = archive_read_new();
	u->disk = archive_write_disk_new();
	int r = -ENOMEM;
	if (u->zip && u->disk) {
		/* What lies before the entries, as in a program that unpacks itself, is passed
		 * over. */
		archive_read_support_format_zip_seekable(u->zip);
		archive_write_disk_set_options(u->disk,
			ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_NO_OVERWRITE |
				ARCHIVE_EXTRACT_SECURE_SYMLINKS | ARCHIVE_EXTRACT_SECURE_NODOTDOT |
				ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS);
		r = unzip_all(u);
	} else {
		unzip_failed(u, r, "out of memory");
	}
	archive_read_free(u->zip);
	archive_write_free(u->disk);
	return r;
}

int unzip(const char *path, int folder, char ret_text[static UNZIP_TEXT_MAX])
{
	struct unzip u = {.text = ret_text, .links = STRBUF_INIT};
	_cleanup_free_ char *whole = realpath(path, NULL);
	_cleanup_close_ int before = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	u.path = whole ? whole : path;
	if (!whole)
		return unzip_failed(&u, -errno, "%s: %s", path, strerror(errno));
	/* libarchive's protection is for names below the current directory. */
	if (before < 0 || fchdir(folder) < 0)
		return unzip_failed(&u, -errno, "the folder to unpack into: %s", strerror(errno));
	mode_t mask = umask(022);
	int r = unzip_here(&u);
	umask(mask);
	strbuf_done(&u.links);
	if (fchdir(before) < 0 && r == 0)
		r = unzip_failed(&u, -errno, "the current directory: %s", strerror(errno));
	return r;
}

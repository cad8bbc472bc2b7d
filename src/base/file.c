#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* Without waiting for somebody who writes into a pipe: one that nobody has open is empty. */
static int file_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	if (fcntl(fd, F_SETFL, O_RDONLY) < 0) {
		int r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

int file_read(const char *path, size_t ceiling, struct strbuf *ret)
{
	_cleanup_close_ int fd = file_open(path);
	if (fd < 0)
		return fd;

	_cleanup_(strbuf_wipe) struct strbuf all;
	strbuf_init(&all, ceiling);
	char chunk[16 * 1024];
	int r = 0;

	for (;;) {
		ssize_t n = read(fd, chunk, sizeof chunk);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			r = -errno;
		if (n <= 0)
			break;
		r = strbuf_append(&all, chunk, (size_t)n);
		if (r < 0)
			break;
	}
	explicit_bzero(chunk, sizeof chunk);
	if (r < 0)
		return r == -ENOBUFS ? -EFBIG : r;

	*ret = all;
	strbuf_init(&all, 0);
	return 0;
}

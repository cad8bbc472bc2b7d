/*
 * Preloaded into the daemon: handlers that do not listen. While the file DEAF_FILE is there a
 * worker thread that waits goes on waiting, whatever it is told and however late it is.
 */
#include <dlfcn.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define LOOK_AGAIN_USEC 10000

static int deaf_is(const char *path)
{
	char name[16] = "";

	prctl(PR_GET_NAME, name);
	return path && strncmp(name, "worker-", 7) == 0 && access(path, F_OK) == 0;
}

static void deaf_wait(void)
{
	const char *path = getenv("DEAF_FILE");

	while (deaf_is(path))
		usleep(LOOK_AGAIN_USEC);
}

int ppoll(struct pollfd *fds, nfds_t n_fds, const struct timespec *timeout, const sigset_t *mask)
{
	int (*real)(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *);

	*(void **)&real = dlsym(RTLD_NEXT, "ppoll");
	deaf_wait();
	return real(fds, n_fds, timeout, mask);
}

/* The same, as _FORTIFY_SOURCE has it; without that it is declared nowhere. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
int __ppoll_chk(struct pollfd *fds, nfds_t n_fds, const struct timespec *timeout,
	const sigset_t *mask, size_t size)
{
	(void)size;
	return ppoll(fds, n_fds, timeout, mask);
}

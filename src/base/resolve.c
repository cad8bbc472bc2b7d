#include "base/resolve.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

struct resolve {
	_Atomic(int) n_refs;
	int fd;
	char *host;
	/* The thread's until fd is readable, then the asker's. */
	int error; /* of getaddrinfo() */
	int n_addresses;
	char addresses[RESOLVE_MAX][RESOLVE_ADDRESS];
};

struct resolve *resolve_free(struct resolve *resolve)
{
	if (!resolve || atomic_fetch_sub(&resolve->n_refs, 1) > 1)
		return NULL;
	if (resolve->fd >= 0)
		close(resolve->fd);
	free(resolve->host);
	free(resolve);
	return NULL;
}

static void resolve_lookup(struct resolve *resolve)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
	struct addrinfo *found = NULL;

	resolve->error = getaddrinfo(resolve->host, NULL, &hints, &found);
	if (resolve->error != 0)
		return;
	for (struct addrinfo *a = found; a && resolve->n_addresses < RESOLVE_MAX; a = a->ai_next)
		if (getnameinfo(a->ai_addr, a->ai_addrlen, resolve->addresses[resolve->n_addresses],
			    RESOLVE_ADDRESS, NULL, 0, NI_NUMERICHOST) == 0)
			resolve->n_addresses++;
	freeaddrinfo(found);
}

static void *resolve_thread(void *userdata)
{
	struct resolve *resolve = userdata;
	uint64_t one = 1;

	/* By itself: to anybody else it may be gone already. */
	pthread_setname_np(pthread_self(), "resolve");
	resolve_lookup(resolve);
	ssize_t n = write(resolve->fd, &one, sizeof one);
	(void)n; /* an eventfd's first write does not fail */
	resolve_free(resolve);
	return NULL;
}

int resolve_start(const char *host, struct resolve **ret)
{
	_cleanup_(resolve_freep) struct resolve *resolve = calloc(1, sizeof *resolve);
	pthread_attr_t attributes;
	pthread_t thread;

	if (!resolve)
		return -ENOMEM;
	atomic_store(&resolve->n_refs, 1);
	resolve->host = strdup(host);
	resolve->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!resolve->host)
		return -ENOMEM;
	if (resolve->fd < 0)
		return -errno;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	atomic_fetch_add(&resolve->n_refs, 1);
	int r = pthread_create(&thread, &attributes, resolve_thread, resolve);
	pthread_attr_destroy(&attributes);
	if (r != 0) {
		atomic_store(&resolve->n_refs, 1);
		return -r;
	}
	*ret = TAKE_PTR(resolve);
	return 0;
}

int resolve_fd(const struct resolve *resolve)
{
	return resolve->fd;
}

int resolve_answer(struct resolve *resolve, char ret_addresses[RESOLVE_MAX][RESOLVE_ADDRESS],
	const char **ret_error)
{
	uint64_t count;

	/* Only what is read orders the other thread's writes before it. */
	if (read(resolve->fd, &count, sizeof count) < 0) {
		int r = -errno;
		*ret_error = strerrordesc_np(-r);
		return r;
	}
	if (resolve->error != 0 || resolve->n_addresses == 0) {
		*ret_error = resolve->error ? gai_strerror(resolve->error) : "no address";
		return resolve->error == EAI_MEMORY ? -ENOMEM : -EHOSTUNREACH;
	}
	memcpy(ret_addresses, resolve->addresses, sizeof resolve->addresses);
	return resolve->n_addresses;
}

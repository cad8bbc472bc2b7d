#include "net/http_sockets.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* A peer that is silently gone is noticed within half a minute, also between requests. */
#define KEEPALIVE_IDLE_SEC      15
#define KEEPALIVE_INTERVAL_SEC  5
#define KEEPALIVE_PROBES        3
#define UNACKNOWLEDGED_MAX_MSEC 30000

#define EVENTS_AT_ONCE 64

struct http_socket {
	uint32_t wanted;     /* EPOLLIN, EPOLLOUT: what libcurl waits for */
	uint32_t watched;    /* what the kernel was told */
	uint32_t generation; /* of the watch: tells an event from one of an earlier socket */
	bool ours;           /* between on_open() and on_close() */
};

int http_sockets_init(struct http_sockets *s)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);
	if (fd < 0)
		return -errno;
	*s = (struct http_sockets){.epoll_fd = fd};
	jump_init(&s->seen);
	return 0;
}

void http_sockets_done(struct http_sockets *s)
{
	free(s->table);
	close(s->epoll_fd);
	*s = (struct http_sockets){.epoll_fd = -1};
}

/* The socket's entry, made if need be; NULL when memory is short. */
static struct http_socket *http_sockets_entry(struct http_sockets *s, curl_socket_t fd)
{
	if ((size_t)fd >= s->n_table) {
		size_t n = s->n_table ? s->n_table : 64;
		while (n <= (size_t)fd)
			n *= 2;

		struct http_socket *table = realloc(s->table, n * sizeof *table);
		if (!table)
			return NULL;
		memset(table + s->n_table, 0, (n - s->n_table) * sizeof *table);
		s->table = table;
		s->n_table = n;
	}
	return &s->table[fd];
}

/*
 * A failure here leaves the socket unwatched and its request to the deadline: telling libcurl of
 * it would make it give up the whole multi handle for good.
 */
static void http_sockets_tell_kernel(
	struct http_sockets *s, curl_socket_t fd, struct http_socket *socket, uint32_t events)
{
	struct epoll_event event = {
		.events = events,
		.data.u64 = (uint64_t)socket->generation << 32 | (uint32_t)fd,
	};
	int operation = !events ? EPOLL_CTL_DEL : socket->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (events == socket->watched)
		return;
	socket->watched = epoll_ctl(s->epoll_fd, operation, fd, &event) < 0 ? 0 : events;
	if (!socket->watched)
		socket->generation++;
}

/* CURLMOPT_SOCKETFUNCTION. */
static int on_watch(CURL *easy, curl_socket_t fd, int what, void *sockets, void *unused)
{
	struct http_sockets *s = sockets;
	struct http_socket *socket = http_sockets_entry(s, fd);

	(void)easy;
	(void)unused;
	if (!socket)
		return 0;
	socket->wanted = what == CURL_POLL_IN      ? EPOLLIN
			 : what == CURL_POLL_OUT   ? EPOLLOUT
			 : what == CURL_POLL_INOUT ? EPOLLIN | EPOLLOUT
						   : 0;
	if (!socket->ours || socket->wanted & ~socket->watched)
		http_sockets_tell_kernel(s, fd, socket, socket->wanted);
	return 0;
}

static void http_sockets_set(int fd, int level, int option, int value)
{
	/* Each is a refinement: a kernel without it still serves. */
	(void)setsockopt(fd, level, option, &value, sizeof value);
}

/* CURLOPT_OPENSOCKETFUNCTION. */
static curl_socket_t on_open(void *sockets, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct http_sockets *s = sockets;
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
		address->protocol);

	(void)purpose;
	if (fd < 0)
		return CURL_SOCKET_BAD;

	struct http_socket *socket = http_sockets_entry(s, fd);
	if (!socket) {
		close(fd);
		return CURL_SOCKET_BAD;
	}
	*socket = (struct http_socket){.generation = socket->generation, .ours = true};

	http_sockets_set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	http_sockets_set(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_SEC);
	http_sockets_set(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_SEC);
	http_sockets_set(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
	http_sockets_set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, UNACKNOWLEDGED_MAX_MSEC);
	return fd;
}

/* CURLOPT_CLOSESOCKETFUNCTION. */
static int on_close(void *sockets, curl_socket_t fd)
{
	struct http_sockets *s = sockets;
	struct http_socket *socket = &s->table[fd];

	http_sockets_tell_kernel(s, fd, socket, 0);
	*socket = (struct http_socket){.generation = socket->generation};
	return close(fd);
}

int http_sockets_serve_multi(struct http_sockets *s, CURLM *multi)
{
	return curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_watch) ||
			       curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, s) ||
			       curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING)
		       ? -ENOMEM
		       : 0;
}

int http_sockets_serve_easy(struct http_sockets *s, CURL *easy)
{
	return curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open) ||
			       curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, s) ||
			       curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close) ||
			       curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, s)
		       ? -ENOMEM
		       : 0;
}

static int http_sockets_curl_mask(uint32_t events)
{
	return (events & EPOLLIN ? CURL_CSELECT_IN : 0) |
	       (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
	       (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
}

void http_sockets_dispatch(struct http_sockets *s, CURLM *multi, int *n_running)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int n = epoll_wait(s->epoll_fd, events, EVENTS_AT_ONCE, 0);

	for (int i = 0; i < n; i++) {
		curl_socket_t fd = (curl_socket_t)(uint32_t)events[i].data.u64;
		struct http_socket *socket = &s->table[fd];
		uint32_t happened = events[i].events;

		/* Closed by libcurl in an earlier round of this very loop. */
		if (socket->generation != (uint32_t)(events[i].data.u64 >> 32))
			continue;

		/* Nobody waits for it: the end of an idle connection, or room to write. */
		if (!socket->wanted || !(happened & (socket->wanted | EPOLLERR | EPOLLHUP))) {
			http_sockets_tell_kernel(s, fd, socket, socket->wanted);
			continue;
		}
		curl_multi_socket_action(multi, fd, http_sockets_curl_mask(happened), n_running);
	}
}

void http_sockets_shutdown_idle(struct http_sockets *s)
{
	for (size_t fd = 0; fd < s->n_table; fd++)
		if (s->table[fd].ours && !s->table[fd].wanted)
			shutdown((int)fd, SHUT_RDWR);
}

void http_sockets_notice_jump(struct http_sockets *s)
{
	struct jump moved;

	if (jump_look(&s->seen, &moved))
		http_sockets_shutdown_idle(s);
}

#include "net/serve_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

#include "base/cleanup.h"

static int port_of(int fd, uint16_t *ret)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} bound = {0};
	socklen_t len = sizeof bound;

	if (getsockname(fd, &bound.any, &len) < 0)
		return -errno;
	*ret = ntohs(bound.any.sa_family == AF_INET6 ? bound.in6.sin6_port : bound.in.sin_port);
	return 0;
}

int serve_listen(const struct sockaddr *address, socklen_t address_len, uint16_t *ret_port)
{
	const struct sockaddr_in loopback = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int yes = 1;

	if (!address) {
		address = (const struct sockaddr *)&loopback;
		address_len = sizeof loopback;
	}
	_cleanup_close_ int fd =
		socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* Connections that have just ended keep nobody from listening there again. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	if (bind(fd, address, address_len) < 0 || listen(fd, SOMAXCONN) < 0)
		return -errno;
	int r = port_of(fd, ret_port);
	return r < 0 ? r : TAKE_FD(fd);
}

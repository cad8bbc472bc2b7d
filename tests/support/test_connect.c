#include "test_connect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static char refused[80];

static bool is_elsewhere(const struct sockaddr *address)
{
	const struct sockaddr_in *v4 = (const void *)address;
	const struct sockaddr_in6 *v6 = (const void *)address;
	char text[INET6_ADDRSTRLEN];

	if (address->sa_family == AF_INET) {
		if (ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET)
			return false;
		inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
		snprintf(refused, sizeof refused, "%s:%u", text, ntohs(v4->sin_port));
		return true;
	}
	if (address->sa_family != AF_INET6 || IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr))
		return false;
	if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) && v6->sin6_addr.s6_addr[12] == IN_LOOPBACKNET)
		return false;
	inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
	snprintf(refused, sizeof refused, "[%s]:%u", text, ntohs(v6->sin6_port));
	return true;
}

/* Instead of the C library's. */
int connect(int fd, const struct sockaddr *address, socklen_t len)
{
	if (is_elsewhere(address)) {
		errno = ECONNREFUSED;
		return -1;
	}
	return (int)syscall(SYS_connect, fd, address, len);
}

const char *test_connect_refused(void)
{
	return refused;
}

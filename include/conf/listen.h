/*
 * Where a server listens: an IP address and a port, "127.0.0.1:9464" or "[::1]:9464". Names are not
 * taken: they would have to be looked up. Pure.
 */
#pragma once

#include <sys/socket.h>

/* 0 or -EINVAL, and the reason, a constant that reads on from "it …", in ret_wrong. */
int listen_parse(
	const char *text, struct sockaddr_storage *ret, socklen_t *ret_len, const char **ret_wrong);

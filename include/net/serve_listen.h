/*
 * A socket that listens: not libmicrohttpd's own, which cannot say why it did not get one.
 */
#pragma once

#include <stdint.h>
#include <sys/socket.h>

/*
 * address NULL: 127.0.0.1, and a port that the system chooses. Returns the descriptor, owned, which
 * does not block; or a negative errno: those of socket(), bind() and listen().
 */
int serve_listen(const struct sockaddr *address, socklen_t address_len, uint16_t *ret_port);

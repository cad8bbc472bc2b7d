/*
 * The HTTP front, on libmicrohttpd without a thread of its own: whoever owns it waits until its
 * descriptor is readable or its timeout is over and lets it have a turn. Listens on 127.0.0.1.
 *
 * Owns the connections. A held request's connection is suspended: its socket is not read, so that
 * a client that goes away meanwhile is noticed only when it is asked for.
 */
#pragma once

#include <stdint.h>

#include "base/cleanup.h"
#include "service.h"

struct front;

/* port 0: the kernel chooses. Borrows the service, and sets its front. 0 or a negative errno. */
int front_new(struct service *service, uint16_t port, struct front **ret);
/* Closes everything. Returns NULL. */
struct front *front_free(struct front *front);
DEFINE_CLEANUP(struct front *, front_free)

uint16_t front_port(const struct front *front);
int front_fd(const struct front *front);

/* Does what there is to do; how long until the next turn is needed. Does not block. */
usec_t front_turn(struct front *front);

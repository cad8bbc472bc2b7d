/*
 * Receipt handles: which message, and which of its receives, as opaque text of the size and
 * alphabet of the real ones. Nothing is kept per handle; a text that we did not make is told by
 * its padding, which follows from the rest.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define HANDLE_SIZE 185 /* with the NUL */

struct handle {
	uint32_t queue;   /* serial of the queue that handed the message out */
	uint32_t slot;    /* where the message is, if it still is */
	uint64_t message; /* its serial */
	uint64_t receive; /* which receive of it, counted from 1 */
};

void handle_write(const struct handle *handle, char ret[HANDLE_SIZE]);
/* false: not a handle. */
bool handle_read(const char *text, struct handle *ret);

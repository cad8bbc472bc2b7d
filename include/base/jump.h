/*
 * The clocks against each other: whether the machine has slept, or its clock was set.
 *
 * A suspend takes CLOCK_BOOTTIME ahead of CLOCK_MONOTONIC. Whoever sets the clock moves
 * CLOCK_REALTIME against both; so does a virtual machine's host that stopped all three for a while,
 * once the clock has been put right. Who relies on moments or connections of before looks here
 * first. A clock that is put right little by little does not jump. Plain data; one thread for each
 * object.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

struct jump {
	usec_t slept; /* CLOCK_BOOTTIME less CLOCK_MONOTONIC */
	int64_t set;  /* CLOCK_REALTIME less CLOCK_BOOTTIME */
};

/* As the clocks are now. */
void jump_init(struct jump *jump);

/*
 * Whether they jumped since the last look, and then by how much: slept is 0 below a second, set is
 * 0 below five seconds, forwards or (negative) back.
 */
bool jump_look(struct jump *jump, struct jump *ret_moved);

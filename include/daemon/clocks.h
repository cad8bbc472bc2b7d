/*
 * Notices that the machine was suspended or its clock set, and says so in the log.
 *
 * The kernel wakes it: idle it costs nothing. It comes before whatever else is due on the loop by
 * then. Owns a timer descriptor. Loop thread only.
 */
#pragma once

#include <systemd/sd-event.h>

#include "base/cleanup.h"

struct clocks;

/* Moments and connections of before are not to be relied on. From the loop. */
typedef void clocks_fn(void *userdata);

/* 0 or a negative errno. */
int clocks_new(sd_event *event, clocks_fn *jumped, void *userdata, struct clocks **ret);
/* Returns NULL. */
struct clocks *clocks_free(struct clocks *clocks);
DEFINE_CLEANUP(struct clocks *, clocks_free)

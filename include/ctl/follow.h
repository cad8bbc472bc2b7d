/*
 * A job's row, watched until nothing more comes of it.
 *
 * That is: completed; or failed, after as many attempts as the queue gives its message receives (at
 * once where the queue has no redrive policy, or does not tell). A failed job comes again before.
 */
#pragma once

#include "base/clock.h"
#include "ctl/client.h"
#include "ctl/ctl.h"
#include "ctl/database.h"

#define FOLLOW_TIMEOUT_USUAL (10 * USEC_PER_MIN)

struct follow {
	const char *id;
	unsigned receives; /* follow_receives() */
	usec_t timeout;    /* 0: it is looked at once */
};

/* How often the queue gives a message; 1: once, or nobody can tell. */
unsigned follow_receives(struct client *client, const char *url);

/*
 * Shows the row as it is at the end. 0: completed; 1: failed, or something else that was said: no
 * such row, out of time, interrupted.
 */
int follow(const struct ctl *ctl, struct database *database, const struct follow *what);

/*
 * What a command works with: the settings, SQS, the database. Owns them. Main thread.
 */
#pragma once

#include "ctl/client.h"
#include "ctl/ctl.h"
#include "ctl/database.h"

struct desk {
	const struct ctl *ctl;
	struct settings *settings;
	struct client *client;
	struct database *database; /* NULL: not asked for */
};

/* Which of the two are wanted. */
enum {
	DESK_QUEUE = 1,
	DESK_DATABASE = 2,
};

/* From here on Ctrl-C is noted. 0, or the exit status of a failure that was said. */
int desk_open(struct desk *desk, const struct ctl *ctl, int wanted);
void desk_close(struct desk *desk);

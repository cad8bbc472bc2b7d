/*
 * What is configured now beside what the running daemon has.
 */
#pragma once

#include <stdbool.h>

#include "conf/settings.h"
#include "daemon/imprint.h"

/* What the daemon has. */
struct running {
	struct imprint_seen seen; /* settings NULL: not known */
	int error;                /* why not */
};

/* config: as --config has it. */
void running_read(const char *config, struct running *ret);
void running_done(struct running *running);

#define COMPARISON_NOTE_MAX 512

struct comparison {
	bool known;
	bool pending;        /* a reload or restart would change it */
	const char *running; /* the daemon's value, borrowed; NULL: it has none, or not known */
	char note[COMPARISON_NOTE_MAX]; /* what there is to say, reading on from the name; or "" */
};

/* value: masked, as both have it. */
void compare(const struct running *running, const struct settings_item *item, const char *name,
	const char *value, struct comparison *ret);

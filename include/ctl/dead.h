/*
 * A dead letter beside its job's row, as commands show it. Pure.
 *
 * As JSON: letter_json(), and error: why it is dead; attributes: the message's own, as SQS has
 * them; row: the job's, null where there is none.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/clock.h"
#include "ctl/letter.h"
#include "ctl/row.h"

struct dead {
	struct letter *letter; /* owned */
	usec_t until;          /* CLOCK_BOOTTIME: in hand at least so long; 0: not in hand */
	bool asked;            /* the database, for the row */
	bool has_row;
	struct row row;
};

/* The job's id, or the message's where the body is no job's. */
const char *dead_id(const struct dead *dead);

/*
 * What the row says, else what the daemon wrote beside the copy that it sent, else what is wrong
 * with the body. NULL: nothing is known.
 */
const char *dead_error(const struct dead *dead);

/* The row's status and attempts, "failed 3"; "no row"; "-": nobody has asked. */
const char *dead_state(const struct dead *dead, char buffer[static ROW_STATE_MAX]);

/* Since it was sent. */
usec_t dead_age(const struct dead *dead);

/* Owned. */
json_t *dead_json(const struct dead *dead);

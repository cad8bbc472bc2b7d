/*
 * Handlers that do not return, though their time is over and they were told to stop.
 *
 * A second after its leases have ended such a handler is given up: a stand-in for its job goes to
 * the ledger, takes over the claim, and ends the row and the messages as those of any job that ran
 * out of time. The handler keeps its thread, the place among its type's, and the job's memory until
 * it returns, and is counted as one that has them; meanwhile another thread does the work, its job
 * is not begun again here, and a line a minute names it. As many may be given up as there are
 * threads; with the next one, or when jobs crowd that wait for a place which such handlers have, a
 * restart is asked for.
 *
 * Owns: the holds that were given up, and a timer, which goes once a second while anything runs.
 * Loop thread only; exhausted() comes from the loop.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "work/delivery.h"
#include "work/ledger.h"
#include "work/pool.h"
#include "work/waiting.h"

struct overdue {
	sd_event *event;
	struct delivery_index *index;
	struct ledger *ledger;
	struct pool *pool;
	struct waiting *waiting;
	void (*exhausted)(void *userdata); /* once */
	void *userdata;

	struct hold_list holds; /* that were given up */
	unsigned n_holds;
	size_t body_bytes; /* theirs */
	bool is_exhausted;
	sd_event_source *timer;
	bool armed;
};

/* The members before `holds` are set, and borrowed. 0 or a negative errno. */
int overdue_init(struct overdue *overdue);
/* No handler may run any more. */
void overdue_done(struct overdue *overdue);

/* After each turn of the loop: there are jobs that may run. */
void overdue_watch(struct overdue *overdue);
/* Whether a handler still has that job. */
bool overdue_has(const struct overdue *overdue, const char *job_id);
/* A job that was given up has come back: its hold is freed. */
void overdue_returned(struct overdue *overdue, struct hold *hold);
/* The daemon ends: a line for each that it ends with. */
void overdue_name(const struct overdue *overdue);

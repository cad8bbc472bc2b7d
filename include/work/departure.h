/*
 * Lets a job out of the house: its messages are deleted, left, or given back to the queue, and the
 * hold is gone. The job must be here. Loop thread only.
 */
#pragma once

#include "work/acker.h"
#include "work/burial.h"
#include "work/lease.h"
#include "work/waiting.h"

/* All borrowed. */
struct departure {
	struct delivery_index *index;
	struct lease *lease;
	struct acker *acker;
	struct burial *burial;
	struct waiting *waiting;
	unsigned n_given_back; /* messages that came for nothing: a receive each */
};

/* Done: the messages go. */
void departure_delete(struct departure *departure, struct hold *hold);
/*
 * Has failed for good: the message that it came with goes to the dead letter queue. Others for the
 * same job may say something else, and are left. The hold has details.
 */
void departure_bury(struct departure *departure, struct hold *hold, const char *reason);
/* The visibility ends, and the queue brings it again. */
void departure_leave(struct departure *departure, struct hold *hold);
/* Has failed, and comes again after the pause. */
void departure_pause(struct departure *departure, struct hold *hold, usec_t pause);
/* Visible at once. */
void departure_give_back(struct departure *departure, struct hold *hold);
void departure_give_back_all(struct departure *departure, enum hold_state state);

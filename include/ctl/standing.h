/*
 * Where a job stands between its row and its message. Pure, but for standing_ask().
 *
 * A message in the queue cannot be looked for without receiving it, which would cost it one of its
 * receives, and SQS counts approximately. So what is known are the row, the dead letters, and
 * whether there is anything in the queue at all.
 */
#pragma once

#include <stdbool.h>

#include "ctl/dead_letters.h"
#include "ctl/desk.h"
#include "ctl/row.h"

enum standing {
	STANDING_DONE,     /* completed: its message is deleted, or about to be */
	STANDING_RUNNING,  /* processing, and touched within the lease: somebody has it */
	STANDING_WAITING,  /* a message in the queue may be its */
	STANDING_DEAD,     /* its message is in the dead letter queue */
	STANDING_STRANDED, /* it has no message any more */
};
#define STANDING_N (STANDING_STRANDED + 1)

struct standing_queue {
	/* A row processing that was not touched for longer may be taken over, with a margin. */
	usec_t lease;
	/* The message of a row pending for less may be on its way. */
	usec_t fresh;
	uint64_t messages;     /* visible, in flight and delayed; approximately */
	bool has_dead_letters; /* there is a redrive policy */
};

/* fresh is the caller's. 0, or 1 with what was said. */
int standing_ask(struct desk *desk, struct standing_queue *ret);

/*
 * The dead letters, visible again; NULL where the queue has none. ret: owned. 0, or 1 with what was
 * said.
 */
int standing_look(struct desk *desk, const struct standing_queue *queue, size_t limit,
	struct dead_letters **ret);
/* The newest of the job's; NULL: it has none. */
const struct dead *standing_letter(const struct dead_letters *dead, const char *job_id);

enum standing standing_of(
	const struct row *row, const struct standing_queue *queue, bool has_dead_letter);

/* For programs: "deleted", "in flight", "waiting", "dead", "none". */
const char *standing_name(enum standing standing);

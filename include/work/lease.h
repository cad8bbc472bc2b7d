/*
 * Keeps the visibility of everything in hand, and notices when a job's leases are lost.
 *
 * V is the visibility timeout; moments are CLOCK_BOOTTIME, counted from when the request that
 * asked for a visibility was sent. A message whose job is not begun is extended every V/3; that of
 * a begun job just after its row was touched (also every V/3, by the ledger), so that when this
 * daemon dies the message comes back to a row that may be taken over at once; with the database
 * away visibility alone goes on. Nothing is kept past SQS' 12 hours, nor a running handler's past
 * its limit and grace.
 *
 * A begun job is lost when neither lease can be proven: its visibility is over and the row's last
 * touch is older than L = 3/4 V. A row that its handler keeps and that is not processing has no
 * lease: its message's visibility is kept every V/3 by itself, and when that is over the job is
 * lost. Its handler is told one kill grace and a second before. Where the
 * right to extend is taken away while it runs, it is told one grace before its visibility ends, so
 * that its row can still say so.
 *
 * A message without a job in hand is kept like one whose job is not begun.
 *
 * Owns: the deliveries' order by age, a timer, and the extensions that are out. Loop thread only.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "aws/sqs.h"
#include "work/delivery.h"
#include "work/pool.h"
#include "work/trouble.h"

struct lease_terms {
	usec_t visibility;
	bool extendable; /* the key may use ChangeMessageVisibility */
};

/* How long a handler that is told to stop has before it is stopped. */
usec_t lease_kill_grace(usec_t visibility);
/* How long a row's touch holds. */
usec_t lease_row(usec_t visibility);

struct lease;

/* Extending a visibility was denied: the terms have to change. */
typedef void lease_denied_fn(void *userdata, const char *text);

struct lease_options {
	struct pool *pool;             /* borrowed */
	struct trouble_causes *causes; /* borrowed */
	lease_denied_fn *denied;
	void *userdata;
};

/* Borrows event and sqs; copies the options. 0 or a negative errno. */
int lease_new(
	sd_event *event, struct sqs *sqs, const struct lease_options *options, struct lease **ret);
struct lease *lease_free(struct lease *lease);
DEFINE_CLEANUP(struct lease *, lease_free)

void lease_set_terms(struct lease *lease, const struct lease_terms *terms);
/* While the database is away rows are not touched, and visibility goes on without them. */
void lease_set_database(struct lease *lease, bool up);

/* From now on it is kept; again after delivery_renew(). */
void lease_watch(struct lease *lease, struct delivery *delivery);
void lease_forget(struct lease *lease, struct delivery *delivery);
/* The clocks jumped: what is lost is told at once, and all else extended, to see whether it can. */
void lease_prove(struct lease *lease);
/* Rows were touched: those jobs' messages follow. */
void lease_touched(struct lease *lease);
/* What keeps visibility from being extended for now; "" when nothing does. */
const char *lease_trouble(const struct lease *lease);
/* A job is about to be begun: late after its receive, its message would come back too early. */
void lease_begin(struct lease *lease, struct hold *hold);

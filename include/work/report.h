/*
 * One log line for each job that ends here, as the contract has it, with the journal's fields, and
 * its type's tally.
 *
 * Completed jobs have a line each only up to a rate; above it one summary a second counts the
 * rest. Every other outcome always has its line. Loop thread only.
 */
#pragma once

#include <systemd/sd-event.h>

#include "handler/registry.h"
#include "work/delivery.h"

struct report;

/* Borrows event. 0 or a negative errno. */
int report_new(sd_event *event, unsigned completed_per_second, struct report **ret);
/* Says what is unsaid. Returns NULL. */
struct report *report_free(struct report *report);
DEFINE_CLEANUP(struct report *, report_free)

/* Says what is unsaid, for an end that frees nothing. */
void report_flush(struct report *report);

void report_set_rate(struct report *report, unsigned completed_per_second);
/* The queue's maxReceiveCount; 0: it has none. */
void report_set_max_receives(struct report *report, unsigned max_receives);

/*
 * The job has come back, with its outcome; its deliveries are still there. Of one that failed
 * retry_in says when it comes again, 0: when its visibility ends.
 */
void report_job(struct report *report, const struct hold *hold);
/* Why the job ended so; borrowed from it. NULL: that needs no reason. */
const char *report_reason(const struct job *job);

/*
 * A message that never became a job; buried: it goes to the dead letter queue. others: the type
 * that it counts for.
 */
void report_rejected(struct report *report, const struct sqs_message *message,
	struct registry_entry *others, bool buried, const char *reason);

/* How many ended so since the start. */
uint64_t report_n(const struct report *report, enum job_outcome outcome);

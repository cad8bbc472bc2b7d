/*
 * The event that AWS Lambda hands to a function for messages of an SQS queue, with one record: the
 * job's message. Members stand in Lambda's order, and are called as Lambda calls them. Pure.
 */
#pragma once

#include "base/strbuf.h"
#include "job/job.h"

struct envelope;

/* The job has its envelope. Appends, and returns out's error. */
int lambda_event_write(struct strbuf *out, const struct job *job);

/*
 * For the header Lambda-Runtime-Trace-Id: the message's AWSTraceHeader, borrowed. NULL: it has
 * none, or one that no header should hold, for it is the sender's to write.
 */
const char *lambda_event_trace_id(const struct envelope *envelope);

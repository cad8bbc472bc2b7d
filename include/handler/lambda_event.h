/*
 * The event that AWS Lambda hands to a function for messages of an SQS queue, with one record: the
 * job's message. Members stand in Lambda's order, and are called as Lambda calls them. Pure.
 */
#pragma once

#include "base/strbuf.h"
#include "job/job.h"

/* The job has its envelope. Appends, and returns out's error. */
int lambda_event_write(struct strbuf *out, const struct job *job);

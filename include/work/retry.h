/*
 * When the messages of a job that failed are to come again. Pure, but for the jitter.
 */
#pragma once

#include "handler/registry.h"
#include "job/job.h"

/*
 * Whole seconds, at least one; 0: when their visibility ends. What the handler asked for goes
 * before its type's policy: base_delay at first, twice as long each further attempt, never above
 * max_delay, and spread over the upper half of that. Nothing is asked for a job that would fail
 * again whatever is tried. hidden: how long the oldest of its messages has been invisible since
 * its receive, which counts in SQS' 12 hours.
 */
usec_t retry_pause(const struct registry_entry *type, const struct job *job, usec_t hidden);

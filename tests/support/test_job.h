/*
 * Jobs as the flow hands them around, for tests.
 */
#pragma once

#include "job/job.h"

/*
 * payload is copied. Has a timeout of an hour, a message that stays invisible, and no handler.
 * Fails the test rather than to return NULL; test_job_free() it.
 */
struct job *test_job_new(const char *id, const char *type, const char *payload);
/* Returns NULL. */
struct job *test_job_free(struct job *job);
DEFINE_CLEANUP(struct job *, test_job_free)

/* error: NULL for none. */
void test_job_assert_ended(const struct job *job, enum job_outcome outcome, const char *error);

#include "test_job.h"

#include <check.h>
#include <string.h>

struct job *test_job_new(const char *id, const char *type, const char *payload)
{
	struct job *job = malloc(sizeof *job);

	ck_assert_ptr_nonnull(job);
	ck_assert_int_eq(job_init(job, strdup(payload), id, type), 0);
	job->payload = job->body;
	job->payload_len = strlen(payload);
	job->timeout = USEC_PER_HOUR;
	atomic_store(&job->visible_at, USEC_INFINITY);
	return job;
}

struct job *test_job_free(struct job *job)
{
	if (job)
		job_done(job);
	free(job);
	return NULL;
}

void test_job_assert_ended(const struct job *job, enum job_outcome outcome, const char *error)
{
	ck_assert_msg(job->outcome == outcome, "%s: %s", job_outcome_name(job->outcome),
		job->error ? job->error : "");
	if (error)
		ck_assert_str_eq(job->error, error);
	else
		ck_assert_ptr_null(job->error);
}

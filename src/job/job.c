#include "job/job.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "job/envelope.h"

/* id and type share one allocation. */
int job_init(struct job *job, char *body, const char *id, const char *type)
{
	size_t id_size = strlen(id) + 1, type_size = strlen(type) + 1;
	char *names = malloc(id_size + type_size);

	if (!names) {
		free(body);
		return -ENOMEM;
	}
	*job = (struct job){.body = body, .begin_by = USEC_INFINITY, .must_end_at = USEC_INFINITY};
	job->id = memcpy(names, id, id_size);
	job->type = memcpy(names + id_size, type, type_size);
	return 0;
}

void job_done(struct job *job)
{
	free(job->body);
	envelope_free(job->envelope);
	free((char *)job->id);
	free(job->error);
	*job = (struct job){0};
}

/* Replaces what is not UTF-8, a sequence cut at the end included. */
static void job_repair(char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		size_t len = utf8_sequence(text, left);
		if (len == 0) {
			*text = '?';
			len = 1;
		}
		text += len;
		left -= len;
	}
}

void job_set_error(struct job *job, const char *format, ...)
{
	char text[JOB_ERROR_MAX + 1];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	job_repair(text);
	free(job->error);
	/* Without memory for the text the outcome still stands. */
	job->error = strdup(text);
}

void job_cut_short(struct job *job, enum job_cancel reason, usec_t limit)
{
	char took[CLOCK_DURATION_MAX];

	switch (reason) {
	case JOB_STOP:
		job->outcome = JOB_ABANDONED;
		job_set_error(job, "interrupted by shutdown");
		return;
	case JOB_LOSE:
		job->outcome = JOB_LOST;
		return;
	case JOB_CUT:
		job->outcome = JOB_TIMEOUT;
		job_set_error(job, "stopped: its message's visibility could not be extended");
		return;
	case JOB_GO:
		job->outcome = JOB_TIMEOUT;
		job_set_error(job, "timed out after %s",
			clock_format_duration(limit - limit % USEC_PER_MSEC, took));
		return;
	}
}

bool job_is_lost(const struct job *job, usec_t now)
{
	usec_t touched_at = atomic_load(&job->touched_at);

	return touched_at > 0 &&
	       now >= usec_max(touched_at + job->row_lease, atomic_load(&job->visible_at));
}

const char *job_outcome_name(enum job_outcome outcome)
{
	switch (outcome) {
	case JOB_COMPLETED:
		return "completed";
	case JOB_FAILED:
		return "failed";
	case JOB_TIMEOUT:
		return "timeout";
	case JOB_MISSING:
		return "missing";
	case JOB_REJECTED:
		return "rejected";
	case JOB_DUPLICATE:
		return "duplicate";
	case JOB_ELSEWHERE:
		return "elsewhere";
	case JOB_LOST:
		return "lost";
	case JOB_ABANDONED:
		return "abandoned";
	}
	return "unknown";
}

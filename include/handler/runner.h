/*
 * Runs one job's handler and says how it ended. Worker threads.
 *
 * Sets outcome, error, started_at and ran_at. The limit is the job's timeout, or the end of a
 * visibility that cannot be extended, whichever comes first. A job that was cancelled before it
 * began is not run.
 */
#pragma once

struct job;

/* wake_fd: an eventfd that becomes readable when the job is cancelled. */
void runner_run(struct job *job, int wake_fd);

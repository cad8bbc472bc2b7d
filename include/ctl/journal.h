/*
 * What this machine's journal has about a job: what the daemon logged and the job's program wrote.
 * Blocks for as long as the files take. Main thread.
 */
#pragma once

#include "base/clock.h"

/* at: CLOCK_REALTIME. text: borrowed, and anybody's. */
typedef void journal_fn(void *userdata, usec_t at, const char *text);

/*
 * The newest lines, limit at most, in their order. How many there were; or -ENOENT: there is no
 * journal here that we may read; or another negative errno.
 */
int journal_read(const char *job_id, unsigned limit, journal_fn *line, void *userdata);

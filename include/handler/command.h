/*
 * The kind "command": a program for each job.
 *
 * The program gets the payload on its stdin, byte for byte, which it may leave unread, and in its
 * environment beside what the section says:
 *
 *   JOB_ID JOB_TYPE   as in the message
 *   JOB_ATTEMPT       1 the first time
 *   JOB_DEADLINE      when it will be told to stop: seconds since 1970, UTC, with milliseconds
 *
 * What it writes goes into the log (handler/output). How it ends is how its job ends:
 *
 *   status 0                 done
 *   status 65 (EX_DATAERR)   failed for good
 *   another status           failed: comes again, also with 75 (EX_TEMPFAIL)
 *   a signal, or a limit     failed
 *
 * The error is the last line of stderr, else the status; after a signal that is said first. At the
 * deadline, or when the job is to stop, all of its process group gets SIGTERM, and what is left
 * after context->grace SIGKILL. When it has ended, however, what it left in its group, and in its
 * cgroup where there is one, is killed: its job is over. The job does not wait for who
 * holds its stdout open.
 */
#pragma once

#include <stdint.h>

#include "handler/child.h"

struct handler;

struct command_options {
	struct child_settings child;
	const struct child_means *means; /* borrowed, for longer than the handler lives */
	uint64_t output;                 /* bytes of a job's output, into the log; 0: all */
};

/*
 * Returns owned: a handler with one share, which runs programs from any number of worker threads.
 * Copies options. 0, or a negative errno and what is wrong as one line (child_plan_new()).
 */
int command_new(const struct command_options *options, char ret_error[CHILD_ERROR_MAX],
	struct handler **ret);

/*
 * One job's handler, here and now, as the daemon would run it: with the same limits, environment
 * and credentials, but without queue and row. What it writes goes to stderr, as log lines.
 *
 * There is no cgroup: memory is a limit for each process alone. Root becomes the daemon's user
 * first, for good. Main thread, which then has no other threads and no event loop; Ctrl-C stops the
 * handler as the daemon's end would.
 */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "conf/settings.h"
#include "ctl/ctl.h"
#include "job/envelope.h"
#include "job/job.h"

struct here {
	const struct ctl *ctl;
	const struct settings *settings;
	const char *user; /* root becomes it; NULL: the usual one */
	bool allow_row_writes;
	/* What a handler that asks for it sees of the message. */
	const char *message_id;
	usec_t sent_at; /* CLOCK_REALTIME */
	struct envelope_message_attribute *attributes;
	size_t n_attributes;
};

/* Whether a handler of that type may be run: not if it writes rows unasked. 0 or 78, said. */
int here_check(const struct here *here, const char *type);

/* Body, type, id and attempt are there; the outcome is afterwards. 0 or the exit status, said. */
int here_run(const struct here *here, struct job *job);

/* 0: it would be completed, 1: it would not. */
int here_status(const struct job *job);
/* The outcome in a line: "failed in 20ms, peak memory 3.1 MiB: no paper". */
void here_print(const struct job *job);
/* Owned. */
json_t *here_json(const struct job *job);

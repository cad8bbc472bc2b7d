/*
 * The whole daemon: builds the rooms, answers signals, tells systemd, drains, tears down.
 *
 *     SIGTERM, SIGINT   drain; a second one: exit now, with status 1
 *     SIGHUP            read everything again; one mistake and nothing changes
 *     SIGUSR1           one line for each thread into the log
 *
 * Only what editing local files cures ends it at once. Everything remote is waited for.
 */
#pragma once

#include <stdbool.h>

#include "base/strbuf.h"
#include "conf/settings.h"

struct daemon_options {
	const struct settings_request *request; /* borrowed: a reload asks again */
	struct settings *settings;              /* taken */
	bool until_empty; /* drain once the queue is empty; what is remote and broken ends it */
};

/*
 * What only the upper rooms can tell about settings: whether libpq takes the URL, whether handlers,
 * programs and bundles are there, whether AWS_CA_BUNDLE is one; with services, whether those of
 * [job] sections can be reached now. Appends one line for each mistake; returns how many.
 */
unsigned daemon_check(const struct settings *settings, bool services, struct strbuf *problems);

/* Signals must be blocked (daemon_block_signals()) and libcurl initialised. Returns the exit
 * status. */
int daemon_run(const struct daemon_options *options);

/* Before the first thread exists. */
int daemon_block_signals(void);

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

#include "conf/settings.h"

struct daemon_options {
	const struct settings_request *request; /* borrowed: a reload asks again */
	struct settings *settings;              /* taken */
	bool until_empty; /* drain once the queue is empty; what is remote and broken ends it */
};

/* Signals must be blocked (daemon_block_signals()) and libcurl initialised. Returns the exit
 * status. */
int daemon_run(const struct daemon_options *options);

/* Before the first thread exists. */
int daemon_block_signals(void);

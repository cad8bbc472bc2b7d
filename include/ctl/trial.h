/*
 * A trial: loads a bundle's handler once, as the daemon's runtimes will, and hands it no job.
 *
 * It runs in a process of its own, which takes the identity of the daemon's user first where the
 * caller is root: what a bundle does while it is loaded is done by nobody who may do more. Blocks
 * until the runtime is ready or has failed, at most as long as the daemon would wait for it.
 */
#pragma once

#include "conf/settings.h"

#define TRIAL_TEXT_MAX 4096

struct trial_request {
	const struct settings *settings;
	const struct settings_job *job;
	const char *folder; /* the bundle to load */
	const char *config; /* a file that it must not read, beside others; NULL: none */
	const char *user;   /* whom root becomes; NULL: the usual one */
};

/*
 * ret_took: until it was ready. 0; -ENOEXEC: it does not load, and the text says why; another
 * negative errno, with a text too. Nothing of it runs any more.
 */
int trial_load(const struct trial_request *request, usec_t *ret_took,
	char ret_text[static TRIAL_TEXT_MAX]);

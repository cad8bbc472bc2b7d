/*
 * What a running daemon has of its settings, for nexusctl to compare with what is configured now.
 *
 * It is a file in the unit's runtime directory, which the daemon's user and root may read: each
 * setting with its value, masked where that may be a secret, and where that came from. The file's
 * time is that of the last start or reload that was carried out; the daemon holds a lock on it for
 * as long as it runs. Main thread.
 */
#pragma once

#include <jansson.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "conf/settings.h"

struct imprint;

/* NULL: there is no runtime directory (or no memory), and nothing is written. */
struct imprint *imprint_new(void);
/*
 * started: with these the daemon has started, and what needs a restart it has from them; now: all
 * else. imprint may be NULL. What goes wrong is logged.
 */
void imprint_write(
	struct imprint *imprint, const struct settings *started, const struct settings *now);
/* Removes the file. Returns NULL. */
struct imprint *imprint_free(struct imprint *imprint);
DEFINE_CLEANUP(struct imprint *, imprint_free)

/* For nexusctl. */
struct imprint_seen {
	json_t *settings;  /* owned: by name, each an object with value and origin (or null) */
	usec_t written_at; /* CLOCK_REALTIME */
};
/*
 * directory: the unit's runtime directory, where RUNTIME_DIRECTORY names no other. 0; -ENOENT: no
 * daemon runs that would have written it; or what keeps us from reading it.
 */
int imprint_read(const char *directory, struct imprint_seen *ret);

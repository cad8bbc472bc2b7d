/*
 * The handlers that the settings ask for: one for each section [job TYPE], of its kind, and what
 * those that start programs share.
 *
 * A reload makes anew only the handlers whose section changed, or whose environment_file, or the
 * database's URL where that is passed on: warm runtimes of the others stay. Jobs that run keep the
 * handler that they began with.
 *
 * Owns the handlers' first shares, the endpoint that gives programs AWS credentials, and the means
 * by which programs are started and held. Loop thread only.
 */
#pragma once

#include <systemd/sd-event.h>

#include "aws/credential_store.h"
#include "base/strbuf.h"
#include "conf/settings.h"
#include "handler/registry.h"

struct kinds;

struct kinds_options {
	sd_event *event;
	struct credential_store *credentials; /* borrowed; NULL: programs get none */
	const char *config; /* a file that programs must not read, beside others; NULL: none */
	bool by_hand; /* somebody tries a job: it is told what it took, and no cgroup is missed */
};

/* 0 or a negative errno. */
int kinds_new(const struct kinds_options *options, struct kinds **ret);
/* When no job runs any more. Returns NULL. */
struct kinds *kinds_free(struct kinds *kinds);
DEFINE_CLEANUP(struct kinds *, kinds_free)

/* AWS's region, for programs that start from now on. 0, or -ENOMEM: to be tried again. */
int kinds_set_region(struct kinds *kinds, const char *region);

/*
 * Gives the registry what these settings say. before: the settings that it has now, NULL for none.
 * With the first section that starts programs the endpoint is opened, this process may move into
 * another cgroup, and what the system does not let us have is logged.
 * -EINVAL, with one line in problems, for what kinds_check() would have found; -ENOMEM and others.
 * Then nothing changed.
 */
int kinds_configure(struct kinds *kinds, struct registry *registry, const struct settings *settings,
	const struct settings *before, struct strbuf *problems);

/*
 * What only a look at this machine tells of sections: programs, bundles, files. services: services
 * are asked for a connection too, at most two seconds each. Appends one line for each mistake,
 * "FILE:LINE: key: …"; returns how many.
 */
unsigned kinds_check(const struct settings *settings, bool services, struct strbuf *problems);

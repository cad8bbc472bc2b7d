/*
 * What the daemon consists of. For daemon/daemon, which runs it and ends it, daemon/daemon_build,
 * which puts it together and takes it apart, and daemon/daemon_reload; nobody else includes it.
 */
#pragma once

#include <sys/signalfd.h>
#include <systemd/sd-event.h>

#include "aws/sqs.h"
#include "base/strbuf.h"
#include "daemon/clocks.h"
#include "daemon/daemon.h"
#include "daemon/health.h"
#include "daemon/identity.h"
#include "daemon/imprint.h"
#include "daemon/kinds.h"
#include "daemon/monitor.h"
#include "daemon/preflight.h"
#include "handler/registry.h"
#include "net/http.h"
#include "work/dispatcher.h"

struct daemon {
	const struct daemon_options *options;
	struct settings *started;  /* with these: what needs a restart is as in them */
	struct settings *settings; /* now; the same until a reload */
	sd_event *event;
	struct http *http;
	struct identity *identity;
	struct sqs *sqs;
	struct registry *registry;
	struct kinds *kinds;
	struct dispatcher *dispatcher;
	struct preflight *preflight;
	struct trouble_causes queue_causes;
	struct health *health;
	struct monitor *monitor; /* NULL: nobody is told */
	struct clocks *clocks;
	struct imprint *imprint;

	bool stopping;
	int exit_status;
};

/* 0, or a negative errno, and daemon_tear_down() is due all the same; -EINVAL: why was said. */
int daemon_build(struct daemon *daemon);
void daemon_tear_down(struct daemon *daemon);

/* From signals. */
int daemon_on_terminate(
	sd_event_source *source, const struct signalfd_siginfo *info, void *userdata);
int daemon_on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata);
int daemon_on_slots(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata);

/* From the dispatcher, and health. */
void daemon_on_empty(void *userdata);
void daemon_on_drained(void *userdata, bool clean);
void daemon_on_exhausted(void *userdata);
void daemon_on_given_up(void *userdata);
void daemon_on_changed(void *userdata);

/* From identity, the preflight, and the clocks. */
void daemon_on_identity(void *userdata);
void daemon_on_queue_known(void *userdata, const struct preflight_found *found);
void daemon_on_jump(void *userdata);

/* What settings that a reload may change mean to the parts. */
void daemon_limits(const struct settings *settings, struct dispatcher_limits *ret);
void daemon_preflight_wants(const struct settings *settings, struct preflight_wants *ret);

/* One line of the log for each. */
void daemon_log_lines(int priority, const char *prefix, const struct strbuf *lines);

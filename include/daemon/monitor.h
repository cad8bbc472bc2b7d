/*
 * Who asks over HTTP how the daemon does: /metrics for Prometheus, /healthz (the loop turns) and
 * /readyz (queue, database and credentials are there; 503, with a line for each that is not).
 *
 * To whoever can reach its address: nothing there is secret. Owns: its port. Loop thread only.
 */
#pragma once

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "daemon/metrics.h"
#include "daemon/preflight.h"

struct monitor_options {
	const char *listen; /* as conf/listen has it */
	struct metrics_sources metrics;
	const struct preflight *preflight;
};

struct monitor;

/* Borrows event and what the options name. 0, or a negative errno: bind()'s among them. */
int monitor_new(sd_event *event, const struct monitor_options *options, struct monitor **ret);
struct monitor *monitor_free(struct monitor *monitor);
DEFINE_CLEANUP(struct monitor *, monitor_free)

#include "daemon/daemon_parts.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "work/event.h"

/* With --until-empty: how long something remote may be broken. */
#define BROKEN_PATIENCE (30 * USEC_PER_SEC)

static int daemon_build_aws(struct daemon *d)
{
	const struct settings *s = d->settings;
	struct http_options http = {
		.user_agent = "nexus-worker/" NEXUS_VERSION,
		.ca_bundle = credentials_getenv(getenv, "AWS_CA_BUNDLE"),
	};
	struct identity_options identity = {
		.region = s->queue.region,
		.changed = daemon_on_identity,
		.userdata = d,
	};
	struct sqs_options sqs = {
		.queue_url = s->queue.url,
		.endpoint = s->queue.endpoint,
		.region = s->queue.region,
		.plain = true, /* conf refuses it where nobody asked for it */
	};

	int r = http_new(d->event, &http, &d->http);
	if (r == 0)
		r = identity_new(d->http, &identity, &d->identity);
	return r < 0 ? r
		     : sqs_new(d->http, identity_credentials(d->identity),
			       identity_skew(d->identity), &sqs, &d->sqs);
}

static int daemon_build_kinds(struct daemon *d)
{
	_cleanup_strbuf_ struct strbuf problems = STRBUF_INIT;
	struct kinds_options options = {
		.event = d->event,
		.credentials = identity_credentials(d->identity),
		.config = d->options->request->config,
	};

	int r = kinds_new(&options, &d->kinds);
	if (r == 0)
		r = kinds_set_region(d->kinds, identity_region(d->identity));
	if (r == 0)
		r = kinds_configure(d->kinds, d->registry, d->settings, NULL, &problems);
	daemon_log_lines(LOG_ERR, "", &problems);
	return r;
}

static int daemon_build_signals(struct daemon *d)
{
	int r = sd_event_add_signal(d->event, NULL, SIGTERM, daemon_on_terminate, d);
	if (r >= 0)
		r = sd_event_add_signal(d->event, NULL, SIGINT, daemon_on_terminate, d);
	if (r >= 0)
		r = sd_event_add_signal(d->event, NULL, SIGHUP, daemon_on_reload, d);
	if (r >= 0)
		r = sd_event_add_signal(d->event, NULL, SIGUSR1, daemon_on_slots, d);
	return r;
}

static int daemon_build_preflight(struct daemon *d)
{
	struct preflight_options options = {
		.queue_url = d->started->queue.url,
		.waits = !identity_is_settled(d->identity),
		.causes = &d->queue_causes,
		.known = daemon_on_queue_known,
		.userdata = d,
	};

	daemon_preflight_wants(d->settings, &options.wants);
	return preflight_new(d->event, d->sqs, &options, &d->preflight);
}

static int daemon_build_health(struct daemon *d)
{
	struct health_options options = {
		.dispatcher = d->dispatcher,
		.preflight = d->preflight,
		.wait_time = d->settings->queue.wait_time,
		.patience = d->options->until_empty ? BROKEN_PATIENCE : USEC_INFINITY,
		.given_up = daemon_on_given_up,
		.userdata = d,
	};

	return health_new(d->event, &options, &d->health);
}

/* A port that is taken is no reason not to work. */
static void daemon_build_monitor(struct daemon *d)
{
	struct monitor_options options = {
		.listen = d->settings->metrics.listen,
		.metrics = {d->dispatcher, d->registry, d->sqs, d->identity},
		.preflight = d->preflight,
	};

	if (!options.listen)
		return;
	int r = monitor_new(d->event, &options, &d->monitor);
	if (r < 0)
		log_as(EVENT_METRICS_AWAY, LOG_ERR,
			"[metrics] listen: %s: %s; there are no metrics until a restart",
			options.listen, strerror(-r));
}

int daemon_build(struct daemon *d)
{
	const struct settings *s = d->settings;
	struct dispatcher_options options = {
		.database_url = s->database.url,
		.concurrency = s->worker.concurrency,
		.wait_time = s->queue.wait_time,
		.max_polls = s->queue.max_pollers,
		.causes = &d->queue_causes,
	};
	struct dispatcher_events events = {
		.empty = daemon_on_empty,
		.drained = daemon_on_drained,
		.exhausted = daemon_on_exhausted,
		.changed = daemon_on_changed,
		.userdata = d,
	};
	char error[STORE_ERROR_MAX];

	daemon_limits(s, &options.limits);
	d->queue_causes = (struct trouble_causes){.changed = daemon_on_changed, .userdata = d};
	int r = sd_event_default(&d->event);
	if (r >= 0)
		r = daemon_build_aws(d);
	if (r == 0)
		r = registry_new(&d->registry);
	if (r == 0)
		r = daemon_build_kinds(d);
	if (r == 0)
		r = daemon_build_signals(d);
	if (r >= 0)
		r = dispatcher_new(
			d->event, d->sqs, d->registry, &options, &events, &d->dispatcher, error);
	if (r == 0)
		r = daemon_build_preflight(d);
	if (r == 0)
		r = daemon_build_health(d);
	if (r == 0)
		daemon_build_monitor(d);
	return r < 0 ? r : clocks_new(d->event, daemon_on_jump, d, &d->clocks);
}

void daemon_tear_down(struct daemon *d)
{
	imprint_free(d->imprint);
	clocks_free(d->clocks);
	monitor_free(d->monitor);
	d->health = health_free(d->health);
	preflight_free(d->preflight);
	dispatcher_free(d->dispatcher);
	registry_free(d->registry);
	kinds_free(d->kinds);
	sqs_free(d->sqs);
	identity_free(d->identity);
	http_free(d->http);
	sd_event_unref(d->event);
	if (d->settings != d->started)
		settings_free(d->settings);
	settings_free(d->started);
}

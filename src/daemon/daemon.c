#include "daemon/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <systemd/sd-event.h>

#include "aws/sqs.h"
#include "base/log.h"
#include "daemon/clocks.h"
#include "daemon/examine.h"
#include "daemon/health.h"
#include "daemon/identity.h"
#include "daemon/imprint.h"
#include "daemon/kinds.h"
#include "daemon/monitor.h"
#include "daemon/notify.h"
#include "daemon/preflight.h"
#include "handler/registry.h"
#include "net/http.h"
#include "work/dispatcher.h"
#include "work/event.h"

/* With --until-empty: how long something remote may be broken. */
#define BROKEN_PATIENCE (30 * USEC_PER_SEC)

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

/* ---- Stop ---- */

static void daemon_on_drained(void *userdata, bool clean)
{
	struct daemon *d = userdata;

	if (!clean)
		d->exit_status = EXIT_FAILURE;
	sd_event_exit(d->event, 0);
}

static void daemon_stop(struct daemon *d, const char *why)
{
	d->stopping = true;
	log_as(EVENT_STOPPING, LOG_NOTICE, "stopping: %s", why);
	notify_stopping();
	health_stopping(d->health);
	dispatcher_drain(d->dispatcher);
}

static int daemon_on_terminate(
	sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct daemon *d = userdata;

	(void)source;
	if (!d->stopping) {
		daemon_stop(d, info->ssi_signo == SIGINT ? "SIGINT" : "SIGTERM");
		return 0;
	}
	log_as(EVENT_KILLED, LOG_WARNING,
		"stopped by a second signal: what is in hand is left to its leases");
	dispatcher_say_left(d->dispatcher);
	log_close();
	/* Handlers may still run: nothing can be torn down under them. */
	_exit(EXIT_FAILURE);
}

static void daemon_on_empty(void *userdata)
{
	struct daemon *d = userdata;

	if (d->options->until_empty && !d->stopping)
		daemon_stop(d, "the queue is empty");
}

static void daemon_on_exhausted(void *userdata)
{
	struct daemon *d = userdata;

	log_as(EVENT_EXHAUSTED, LOG_ERR,
		"too many handlers do not return: only a restart ends them");
	d->exit_status = EXIT_FAILURE;
	if (!d->stopping)
		daemon_stop(d, "for a restart");
}

/* With --until-empty nobody waits for what is broken. */
static void daemon_on_given_up(void *userdata)
{
	struct daemon *d = userdata;

	if (d->stopping)
		return;
	d->exit_status = EXIT_FAILURE;
	daemon_stop(d, "what it needs is away for too long");
}

static void daemon_on_changed(void *userdata)
{
	struct daemon *d = userdata;

	if (d->health)
		health_changed(d->health);
}

/* ---- Reload ---- */

static void daemon_limits(const struct settings *s, struct dispatcher_limits *ret)
{
	*ret = (struct dispatcher_limits){
		.in_hand =
			{
				.prefetch_time = s->worker.prefetch_time,
				.prefetch_max = s->worker.prefetch_max,
				.memory = s->worker.memory_bytes,
			},
		.drain_timeout = s->worker.drain_timeout,
		.completed_per_second = s->log.completed_per_second,
		.dead_letters = s->retry.dead_letter == SETTINGS_DEAD_LETTER_SEND,
	};
}

static void daemon_preflight_wants(const struct settings *s, struct preflight_wants *ret)
{
	const struct settings_job *longest = settings_longest_job(s);

	*ret = (struct preflight_wants){
		.dead_letters = s->retry.dead_letter == SETTINGS_DEAD_LETTER_SEND,
		.visibility_timeout = s->queue.visibility_timeout,
		.job_timeout = longest->timeout,
	};
	snprintf(ret->job_type, sizeof ret->job_type, "%s", longest->type);
}

static void daemon_log_lines(int priority, const char *prefix, const struct strbuf *lines)
{
	const char *line = strbuf_str(lines);

	while (*line) {
		size_t len = strcspn(line, "\n");
		log_event(priority, NULL, 0, "%s%.*s", prefix, (int)len, line);
		line += len + (line[len] == '\n');
	}
}

/* New settings, or NULL: what is wrong was said. */
static struct settings *daemon_read_again(struct daemon *d)
{
	_cleanup_strbuf_ struct strbuf problems = STRBUF_INIT, warnings = STRBUF_INIT;
	_cleanup_(settings_freep) struct settings *fresh = NULL;

	int r = settings_load(d->options->request, &problems, &warnings, &fresh);
	if (r == 0 && examine_settings(fresh, false, &problems) > 0)
		r = -EINVAL;
	daemon_log_lines(LOG_WARNING, "", &warnings);
	if (r == -ENOMEM)
		log_error("reload: out of memory; nothing was changed");
	else if (r < 0)
		daemon_log_lines(LOG_ERR, "reload: ", &problems);
	return r < 0 ? NULL : TAKE_PTR(fresh);
}

/* Job types first, for they alone can still be refused. */
static bool daemon_apply_kinds(struct daemon *d, const struct settings *fresh)
{
	_cleanup_strbuf_ struct strbuf problems = STRBUF_INIT;

	int r = kinds_configure(d->kinds, d->registry, fresh, d->settings, &problems);
	daemon_log_lines(LOG_ERR, "reload: ", &problems);
	if (r < 0 && r != -EINVAL)
		log_error("reload: job types: %s", strerror(-r));
	return r == 0;
}

static void daemon_apply(struct daemon *d, struct settings *fresh)
{
	_cleanup_strbuf_ struct strbuf restart = STRBUF_INIT;
	struct dispatcher_limits limits;
	struct preflight_wants wants;
	char error[STORE_ERROR_MAX] = "";

	settings_restart_keys(d->started, fresh, &restart);
	if (restart.len > 0)
		log_as(EVENT_RELOAD_INCOMPLETE, LOG_WARNING, "reload: needs a restart: %s",
			strbuf_str(&restart));
	log_set_level(fresh->log.level);
	if (log_set_format(fresh->log.format) < 0)
		log_warning("reload: [log] format: the journal is not there");
	if (strcmp(fresh->database.url, d->settings->database.url) != 0 &&
		dispatcher_set_database_url(d->dispatcher, fresh->database.url, error) < 0)
		log_warning("reload: the database stays as it was: %s", error);
	daemon_limits(fresh, &limits);
	dispatcher_set_limits(d->dispatcher, &limits);
	daemon_preflight_wants(fresh, &wants);
	preflight_configure(d->preflight, &wants);
	if (d->settings != d->started)
		settings_free(d->settings);
	d->settings = fresh;
	imprint_write(d->imprint, d->started, d->settings);
	dispatcher_types_changed(d->dispatcher);
}

static int daemon_on_reload(
	sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct daemon *d = userdata;

	(void)source;
	(void)info;
	notify_reloading();
	struct settings *fresh = daemon_read_again(d);
	if (fresh && !daemon_apply_kinds(d, fresh))
		fresh = settings_free(fresh);
	if (fresh) {
		daemon_apply(d, fresh);
		health_note(d->health, "");
		identity_reload(d->identity);
		log_as(EVENT_RELOADED, LOG_NOTICE, "reloaded");
	} else {
		log_as(EVENT_RELOAD_REFUSED, LOG_ERR, "reload: nothing was changed");
		health_note(d->health, "the last reload failed and changed nothing: see the log");
	}
	notify_reloaded();
	return 0;
}

static int daemon_on_slots(
	sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct daemon *d = userdata;

	(void)source;
	(void)info;
	dispatcher_log_slots(d->dispatcher);
	return 0;
}

/* ---- Build and tear down ---- */

static void daemon_on_queue_known(void *userdata, const struct preflight_found *found)
{
	struct daemon *d = userdata;

	/* Before the terms, for with them the first poll goes out. */
	if (dispatcher_set_dead_letters(
		    d->dispatcher, found->dead_letters_url, found->max_receives) < 0)
		log_warning("out of memory; what fails for good is left to the queue for now");
	dispatcher_set_terms(d->dispatcher, &found->terms, found->asked);
	daemon_on_changed(d);
}

static void daemon_on_jump(void *userdata)
{
	struct daemon *d = userdata;

	identity_clock_jumped(d->identity);
	dispatcher_prove(d->dispatcher);
}

static int daemon_add_sources(struct daemon *d)
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

static void daemon_on_identity(void *userdata)
{
	struct daemon *d = userdata;
	const char *region = identity_region(d->identity);

	sqs_set_region_complaint(d->sqs, identity_region_complaint(d->identity));
	if (region[0] && sqs_set_region(d->sqs, region) < 0)
		log_error("nothing can be signed for %s: out of memory", region);
	if (d->kinds && kinds_set_region(d->kinds, region) < 0)
		log_error("programs are not told the region: out of memory");
	if (identity_is_settled(d->identity))
		preflight_look(d->preflight);
}

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

static int daemon_build(struct daemon *d)
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
		r = daemon_add_sources(d);
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

static void daemon_tear_down(struct daemon *d)
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

int daemon_block_signals(void)
{
	const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
		sigaddset(&set, signals[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	return signal(SIGPIPE, SIG_IGN) == SIG_ERR ? -errno : 0;
}

static bool daemon_has_overdue(const struct daemon *d)
{
	struct dispatcher_status s;

	dispatcher_status(d->dispatcher, &s);
	return s.n_overdue > 0;
}

int daemon_run(const struct daemon_options *options)
{
	struct daemon d = {
		.options = options,
		.started = options->settings,
		.settings = options->settings,
	};

	notify_status("starting");
	int r = daemon_build(&d);
	if (r < 0) {
		if (r != -EINVAL)
			log_error("the daemon cannot start: %s", strerror(-r));
		daemon_tear_down(&d);
		return r == -EINVAL ? EX_CONFIG : EXIT_FAILURE;
	}
	d.imprint = imprint_new();
	imprint_write(d.imprint, d.started, d.settings);
	const char *region = d.settings->queue.region;
	log_as(EVENT_STARTED, LOG_NOTICE,
		"nexus-worker " NEXUS_VERSION ", %u threads, queue %s in %s",
		d.settings->worker.concurrency, d.settings->queue.url,
		region[0] ? region : "the region that the metadata service names");
	r = sd_event_loop(d.event);
	if (r < 0) {
		log_error("the event loop failed: %s", strerror(-r));
		d.exit_status = EXIT_FAILURE;
	}
	/* Handlers that did not return cannot be joined, nor anything freed under them. */
	if (d.exit_status != EXIT_SUCCESS || daemon_has_overdue(&d)) {
		log_close();
		_exit(d.exit_status);
	}
	daemon_tear_down(&d);
	return EXIT_SUCCESS;
}

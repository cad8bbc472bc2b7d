#include "daemon/daemon_parts.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/notify.h"
#include "work/event.h"

/* ---- What the parts say ---- */

void daemon_on_changed(void *userdata)
{
	struct daemon *d = userdata;

	if (d->health)
		health_changed(d->health);
}

void daemon_on_identity(void *userdata)
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

void daemon_on_queue_known(void *userdata, const struct preflight_found *found)
{
	struct daemon *d = userdata;

	/* Before the terms, for with them the first poll goes out. */
	if (dispatcher_set_dead_letters(
		    d->dispatcher, found->dead_letters_url, found->max_receives) < 0)
		log_warning("out of memory; what fails for good is left to the queue for now");
	dispatcher_set_terms(d->dispatcher, &found->terms, found->asked);
	daemon_on_changed(d);
}

void daemon_on_jump(void *userdata)
{
	struct daemon *d = userdata;

	identity_clock_jumped(d->identity);
	dispatcher_prove(d->dispatcher);
}

/* ---- Stop ---- */

static void daemon_stop(struct daemon *d, const char *why)
{
	d->stopping = true;
	log_as(EVENT_STOPPING, LOG_NOTICE, "stopping: %s", why);
	notify_stopping();
	health_stopping(d->health);
	dispatcher_drain(d->dispatcher);
}

int daemon_on_terminate(
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

void daemon_on_empty(void *userdata)
{
	struct daemon *d = userdata;

	if (d->options->until_empty && !d->stopping)
		daemon_stop(d, "the queue is empty");
}

void daemon_on_exhausted(void *userdata)
{
	struct daemon *d = userdata;

	log_as(EVENT_EXHAUSTED, LOG_ERR,
		"too many handlers do not return: only a restart ends them");
	d->exit_status = EXIT_FAILURE;
	if (!d->stopping)
		daemon_stop(d, "for a restart");
}

/* With --until-empty nobody waits for what is broken. */
void daemon_on_given_up(void *userdata)
{
	struct daemon *d = userdata;

	if (d->stopping)
		return;
	d->exit_status = EXIT_FAILURE;
	daemon_stop(d, "what it needs is away for too long");
}

void daemon_on_drained(void *userdata, bool clean)
{
	struct daemon *d = userdata;

	if (!clean)
		d->exit_status = EXIT_FAILURE;
	sd_event_exit(d->event, 0);
}

/* ---- Run ---- */

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

int daemon_on_slots(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct daemon *d = userdata;

	(void)source;
	(void)info;
	dispatcher_log_slots(d->dispatcher);
	return 0;
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

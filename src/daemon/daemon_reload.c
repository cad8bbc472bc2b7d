#include "daemon/daemon_parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "daemon/examine.h"
#include "daemon/notify.h"
#include "work/event.h"

void daemon_limits(const struct settings *s, struct dispatcher_limits *ret)
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

void daemon_preflight_wants(const struct settings *s, struct preflight_wants *ret)
{
	const struct settings_job *longest = settings_longest_job(s);

	*ret = (struct preflight_wants){
		.dead_letters = s->retry.dead_letter == SETTINGS_DEAD_LETTER_SEND,
		.visibility_timeout = s->queue.visibility_timeout,
		.job_timeout = longest->timeout,
	};
	snprintf(ret->job_type, sizeof ret->job_type, "%s", longest->type);
}

void daemon_log_lines(int priority, const char *prefix, const struct strbuf *lines)
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

int daemon_on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
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

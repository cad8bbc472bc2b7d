#include "conf/check_job.h"

#include <stdbool.h>

#include "conf/keys.h"

#define LAMBDA_MEMORY (UINT64_C(256) << 20)

/* What a section of that kind may have, in a message. */
static void check_job_write_accepted(enum settings_kind kind, struct strbuf *out)
{
	const char *separator = "accepted are ";

	for (const struct key *k = keys; k < keys + n_keys; k++)
		if (keys_is_of_job(k) && keys_takes(k, kind)) {
			strbuf_printf(out, "%s%s", separator, k->name);
			separator = ", ";
		}
}

/*
 * Who names what only one kind needs has that kind in mind; where they did not say so, that is
 * what there is to say, rather than that builtin does not take the key.
 */
static void check_job_missing_kind(struct settings_job *job, struct report *report)
{
	const struct key *kind = keys_find(KEY_JOB, "kind");

	if (job->origins[kind - keys])
		return;
	for (const struct key *k = keys; k < keys + n_keys; k++) {
		const char *origin = keys_is_of_job(k) ? job->origins[k - keys] : NULL;
		if (!origin || !(k->flags & KEY_REQUIRED))
			continue;
		_cleanup_strbuf_ struct strbuf line = STRBUF_INIT;
		job->kind = keys_needed_by(k);
		keys_place(k, origin, &line);
		strbuf_printf(&line, "kind = %s is missing in this section, accepted are ",
			keys_kind_name(job->kind));
		value_accept(&kind->rule, &line);
		report_problem(report, "%s", strbuf_str(&line));
		return;
	}
}

static void check_job_taken(const struct settings_job *job, struct report *report)
{
	for (const struct key *k = keys; k < keys + n_keys; k++) {
		const char *origin = keys_is_of_job(k) ? job->origins[k - keys] : NULL;
		if (!origin || keys_takes(k, job->kind))
			continue;
		_cleanup_strbuf_ struct strbuf line = STRBUF_INIT;
		keys_place(k, origin, &line);
		strbuf_puts(&line, "for ");
		keys_write_kinds(k, &line);
		strbuf_printf(&line, ", not for kind = %s, ", keys_kind_name(job->kind));
		check_job_write_accepted(job->kind, &line);
		report_problem(report, "%s", strbuf_str(&line));
	}
}

static void check_job_needed(const struct settings_job *job, struct report *report)
{
	for (const struct key *k = keys; k < keys + n_keys; k++) {
		if (!keys_is_of_job(k) || !(k->flags & KEY_REQUIRED) || !keys_takes(k, job->kind) ||
			job->origins[k - keys])
			continue;
		_cleanup_strbuf_ struct strbuf line = STRBUF_INIT;
		strbuf_printf(&line,
			"%s: [" KEY_JOB " %s]: %s is missing, which kind = %s needs, "
			"accepted is ",
			job->origin, job->type, k->name, keys_kind_name(job->kind));
		value_accept(&k->rule, &line);
		report_problem(report, "%s", strbuf_str(&line));
	}
}

static void check_job_rows(struct settings_job *job, struct report *report)
{
	const struct key *key = keys_find(KEY_JOB, "rows");
	_cleanup_strbuf_ struct strbuf line = STRBUF_INIT;

	if (job->rows == SETTINGS_ROWS_BY_KIND)
		job->rows =
			job->kind == SETTINGS_LAMBDA ? SETTINGS_ROWS_HANDLER : SETTINGS_ROWS_WORKER;
	if (job->rows == SETTINGS_ROWS_WORKER || job->kind != SETTINGS_BUILTIN)
		return;
	keys_place(key, job->origins[key - keys], &line);
	report_problem(
		report, "%sbuiltin handlers keep no rows, accepted is worker", strbuf_str(&line));
}

/* What is 0 is for this type as it is for all. */
static int check_job_follow(
	struct settings_job *job, const char *name, usec_t *field, usec_t all, const char *from)
{
	if (*field > 0)
		return 0;
	*field = all;
	return keys_note(keys_find(KEY_JOB, name), job->origins, from);
}

static int check_job_complete(const struct settings *settings, struct settings_job *job)
{
	int r = check_job_follow(job, "timeout", &job->timeout, settings->worker.job_timeout,
		"[worker] job_timeout");
	if (r < 0)
		return r;
	r = check_job_follow(job, "base_delay", &job->base_delay, settings->retry.base_delay,
		"[retry] base_delay");
	if (r < 0)
		return r;
	if (job->kind == SETTINGS_LAMBDA && job->memory_bytes == 0)
		job->memory_bytes = LAMBDA_MEMORY;
	return check_job_follow(
		job, "max_delay", &job->max_delay, settings->retry.max_delay, "[retry] max_delay");
}

/* Points to the one of the two that was given in the section, if any was. */
static void check_job_delays(const char *section, char *const *origins, usec_t base_delay,
	usec_t max_delay, struct report *report)
{
	const struct key *base = keys_find(section, "base_delay");
	const struct key *max = keys_find(section, "max_delay");
	_cleanup_strbuf_ struct strbuf line = STRBUF_INIT;

	if (base_delay <= max_delay)
		return;
	if (origins[max - keys]) {
		keys_place(max, origins[max - keys], &line);
		strbuf_puts(&line, "less than base_delay, accepted is at least ");
		base->rule.type->write(&base->rule, &base_delay, &line);
	} else if (origins[base - keys]) {
		keys_place(base, origins[base - keys], &line);
		strbuf_puts(&line, "more than max_delay, accepted is at most ");
		max->rule.type->write(&max->rule, &max_delay, &line);
	} else {
		return;
	}
	report_problem(report, "%s", strbuf_str(&line));
}

void check_job_retry(const struct settings *settings, struct report *report)
{
	check_job_delays("retry", settings->origins, settings->retry.base_delay,
		settings->retry.max_delay, report);
}

int check_job(const struct settings *settings, struct settings_job *job, struct report *report)
{
	/* Of a kind that nobody could read, nobody knows what it takes. */
	if (!job->kind_unread) {
		check_job_missing_kind(job, report);
		check_job_taken(job, report);
		check_job_needed(job, report);
		check_job_rows(job, report);
	}
	check_job_delays(KEY_JOB, job->origins,
		job->base_delay ? job->base_delay : settings->retry.base_delay,
		job->max_delay ? job->max_delay : settings->retry.max_delay, report);
	return check_job_complete(settings, job);
}

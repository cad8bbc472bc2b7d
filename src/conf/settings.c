#include "conf/settings.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "conf/check.h"
#include "conf/keys.h"
#include "conf/report.h"
#include "conf/sources.h"

static void settings_clear(void *base, char **origins, bool of_job)
{
	for (const struct key *k = keys; k < keys + n_keys; k++)
		if (keys_is_of_job(k) == of_job && k->rule.type->clear)
			k->rule.type->clear((char *)base + k->offset);
	for (size_t i = 0; i < n_keys; i++)
		free(origins[i]);
}

struct settings *settings_free(struct settings *settings)
{
	if (!settings)
		return NULL;
	for (size_t i = 0; i < settings->n_jobs; i++) {
		settings_clear(&settings->jobs[i], settings->jobs[i].origins, true);
		free(settings->jobs[i].origin);
	}
	free(settings->jobs);
	settings_clear(settings, settings->origins, false);
	free(settings);
	return NULL;
}

static int settings_by_type(const void *a, const void *b)
{
	const struct settings_job *left = a, *right = b;
	bool left_others = strcmp(left->type, "*") == 0,
	     right_others = strcmp(right->type, "*") == 0;

	if (left_others || right_others)
		return left_others - right_others;
	return strcmp(left->type, right->type);
}

int settings_load(const struct settings_request *request, struct strbuf *problems,
	struct strbuf *warnings, struct settings **ret)
{
	struct report report = {.problems = problems, .warnings = warnings};
	_cleanup_(settings_freep) struct settings *settings = calloc(1, sizeof *settings);

	if (!settings)
		return -ENOMEM;
	int r = sources_read(request, settings, &report);
	if (r < 0)
		return r;
	qsort(settings->jobs, settings->n_jobs, sizeof *settings->jobs, settings_by_type);
	r = check_settings(request, settings, &report);
	if (r < 0)
		return r;
	report_end(&report);
	if (problems->error < 0 || warnings->error < 0)
		return -ENOMEM;
	*ret = TAKE_PTR(settings);
	return report.n_problems > 0 ? -EINVAL : 0;
}

const struct settings_job *settings_job_for(const struct settings *settings, const char *type)
{
	size_t low = 0, high = settings->n_jobs - 1;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(type, settings->jobs[middle].type);
		if (order == 0)
			return &settings->jobs[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return &settings->jobs[settings->n_jobs - 1];
}

bool settings_job_equal(const struct settings_job *a, const struct settings_job *b)
{
	if (strcmp(a->type, b->type) != 0)
		return false;
	for (const struct key *k = keys; k < keys + n_keys; k++)
		if (keys_is_of_job(k) && !keys_equal(k, a, b))
			return false;
	return true;
}

static void settings_print_key(
	const struct key *key, const void *base, char *const *origins, struct strbuf *out)
{
	const char *origin = origins[key - keys];

	if (origin)
		strbuf_printf(out, "# %s\n", origin);
	else
		strbuf_printf(out, "# default%s%s\n", key->fallback_words ? ": " : "",
			key->fallback_words ? key->fallback_words : "");
	strbuf_printf(out, "%s = ", key->name);
	keys_write_masked(key, base, out);
	strbuf_putc(out, '\n');
}

static void settings_print_job(const struct settings_job *job, struct strbuf *out)
{
	strbuf_printf(out, "\n[" KEY_JOB " %s]\n", job->type);
	for (const struct key *k = keys; k < keys + n_keys; k++)
		if (keys_is_of_job(k) && keys_takes(k, job->kind))
			settings_print_key(k, job, job->origins, out);
}

void settings_print(const struct settings *settings, struct strbuf *out)
{
	for (size_t i = 0; i < n_key_sections; i++) {
		const char *section = key_sections[i].name;

		if (strcmp(section, KEY_JOB) == 0)
			continue;
		strbuf_printf(out, "%s[%s]\n", i ? "\n" : "", section);
		for (const struct key *k = keys; k < keys + n_keys; k++)
			if (strcmp(k->section, section) == 0)
				settings_print_key(k, settings, settings->origins, out);
	}
	for (size_t i = 0; i < settings->n_jobs; i++)
		settings_print_job(&settings->jobs[i], out);
}

void settings_restart_keys(
	const struct settings *old, const struct settings *new, struct strbuf *out)
{
	const char *separator = "";

	for (const struct key *k = keys; k < keys + n_keys; k++) {
		if (!(k->flags & KEY_RESTART) || keys_is_of_job(k) || keys_equal(k, old, new))
			continue;
		strbuf_printf(out, "%s[%s] %s", separator, k->section, k->name);
		separator = ", ";
	}
}

#include "conf/settings.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
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
	struct report report = {
		.problems = problems,
		.warnings = warnings,
		.directory = request->directory ? request->directory : SETTINGS_DIRECTORY,
	};
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

const struct settings_job *settings_longest_job(const struct settings *settings)
{
	const struct settings_job *longest = &settings->jobs[0];

	for (size_t i = 1; i < settings->n_jobs; i++)
		if (settings->jobs[i].timeout > longest->timeout)
			longest = &settings->jobs[i];
	return longest;
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

static void settings_walk_section(const char *section, const struct settings *settings,
	settings_item_fn *told, void *userdata)
{
	for (const struct key *k = keys; k < keys + n_keys; k++) {
		const struct settings_item item = {
			k, section, settings, settings->origins[k - keys]};
		if (strcmp(k->section, section) == 0)
			told(userdata, &item);
	}
}

static void settings_walk_job(
	const struct settings_job *job, settings_item_fn *told, void *userdata)
{
	char section[sizeof KEY_JOB + SETTINGS_TYPE_MAX + 1];

	snprintf(section, sizeof section, KEY_JOB " %s", job->type);
	for (const struct key *k = keys; k < keys + n_keys; k++) {
		const struct settings_item item = {k, section, job, job->origins[k - keys]};
		if (keys_is_of_job(k) && keys_takes(k, job->kind))
			told(userdata, &item);
	}
}

void settings_walk(const struct settings *settings, settings_item_fn *told, void *userdata)
{
	for (size_t i = 0; i < n_key_sections; i++)
		if (strcmp(key_sections[i].name, KEY_JOB) != 0)
			settings_walk_section(key_sections[i].name, settings, told, userdata);
	for (size_t i = 0; i < settings->n_jobs; i++)
		settings_walk_job(&settings->jobs[i], told, userdata);
}

void settings_item_name(const struct settings_item *item, struct strbuf *out)
{
	strbuf_printf(out, "%s.%s", item->section, item->key->name);
}

struct printing {
	struct strbuf *out;
	char section[sizeof KEY_JOB + SETTINGS_TYPE_MAX + 1]; /* that is being printed */
};

static void settings_print_item(void *userdata, const struct settings_item *item)
{
	struct printing *printing = userdata;
	struct strbuf *out = printing->out;
	const char *words = item->key->fallback_words;

	if (strcmp(printing->section, item->section) != 0) {
		strbuf_printf(out, "%s[%s]\n", printing->section[0] ? "\n" : "", item->section);
		snprintf(printing->section, sizeof printing->section, "%s", item->section);
	}
	if (item->origin)
		strbuf_printf(out, "# %s\n", item->origin);
	else
		strbuf_printf(out, "# default%s%s\n", words ? ": " : "", words ? words : "");
	strbuf_printf(out, "%s = ", item->key->name);
	keys_write_masked(item->key, item->base, out);
	strbuf_putc(out, '\n');
}

void settings_print(const struct settings *settings, struct strbuf *out)
{
	struct printing printing = {.out = out};

	settings_walk(settings, settings_print_item, &printing);
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

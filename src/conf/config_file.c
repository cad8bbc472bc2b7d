#include "conf/config_file.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/ini.h"
#include "conf/assign.h"
#include "conf/keys.h"
#include "conf/nearest.h"

int config_file_job(struct settings *settings, const char *type, struct settings_job **ret)
{
	assert(strlen(type) <= SETTINGS_TYPE_MAX);
	for (size_t i = 0; i < settings->n_jobs; i++)
		if (strcmp(settings->jobs[i].type, type) == 0) {
			*ret = &settings->jobs[i];
			return 0;
		}

	struct settings_job *all = reallocarray(settings->jobs, settings->n_jobs + 1, sizeof *all);
	if (!all)
		return -ENOMEM;
	settings->jobs = all;
	struct settings_job *job = &all[settings->n_jobs++];
	*job = (struct settings_job){0};
	memcpy(job->type, type, strlen(type) + 1);
	*ret = job;
	return assign_fallbacks(job, true);
}

static bool config_file_is_section(const char *name)
{
	for (size_t i = 0; i < n_key_sections; i++)
		if (strcmp(key_sections[i].name, name) == 0)
			return true;
	return false;
}

/* What is wrong with a header whose first word is known; NULL: nothing. */
static const char *config_file_wrong_header(const struct ini_section *section)
{
	const char *type = section->argument;

	if (strcmp(section->name, KEY_JOB) != 0)
		return type ? "this section has one word only" : NULL;
	if (!type)
		return "a type is missing, accepted are [job TYPE], and [job *] for all others";
	if (strlen(type) > SETTINGS_TYPE_MAX)
		return "the type is too long, accepted are at most 64 bytes";
	if (strchr(type, '*') && strcmp(type, "*") != 0)
		return "types are no patterns, accepted are [job TYPE], and [job *] for all others";
	return NULL;
}

static void config_file_unknown_section(
	const char *path, const struct ini_entry *header, struct report *report)
{
	const char *name = header->section.name, *meant = keys_nearest_section(name);
	_cleanup_strbuf_ struct strbuf line = STRBUF_INIT;

	strbuf_printf(&line, "%s:%u: [%.*s]: unknown section, ", path, header->line,
		NEAREST_WORD_MAX, name);
	if (meant)
		strbuf_printf(&line, "did you mean [%s]? ", meant);
	strbuf_puts(&line, "accepted are");
	for (size_t i = 0; i < n_key_sections; i++)
		strbuf_printf(&line, "%s [%s]", i ? "," : "", keys_header(key_sections[i].name));
	report_problem(report, "%s", strbuf_str(&line));
}

/* Where a type is named first is where a message about its section points to. */
static int config_file_begin_job(
	const char *path, const struct ini_entry *header, struct settings *settings)
{
	struct settings_job *job;
	char *origin;

	int r = config_file_job(settings, header->section.argument, &job);
	if (r < 0 || job->origin)
		return r;
	if (asprintf(&origin, "%s:%u", path, header->line) < 0)
		return -ENOMEM;
	job->origin = origin;
	return 0;
}

static int config_file_read_header(const char *path, const struct ini_entry *header,
	struct settings *settings, struct report *report)
{
	const struct ini_section *section = &header->section;

	if (!config_file_is_section(section->name)) {
		config_file_unknown_section(path, header, report);
		return 0;
	}
	const char *wrong = config_file_wrong_header(section);
	if (wrong) {
		report_problem(report, "%s:%u: [%s%s%.*s]: %s", path, header->line, section->name,
			section->argument ? " " : "", NEAREST_WORD_MAX,
			section->argument ? section->argument : "", wrong);
		return 0;
	}
	/* A section without a key counts: it names a type. */
	return section->argument ? config_file_begin_job(path, header, settings) : 0;
}

static void config_file_unknown_key(
	const char *path, const struct ini_entry *entry, struct report *report)
{
	const char *section = entry->section.name;
	const struct key *meant = report_is_full(report) ? NULL : keys_nearest(section, entry->key);
	_cleanup_strbuf_ struct strbuf line = STRBUF_INIT;

	strbuf_printf(&line, "%s:%u: %.*s: unknown key in [%s], ", path, entry->line,
		NEAREST_WORD_MAX, entry->key, section);
	if (meant && strcmp(meant->section, section) == 0)
		strbuf_printf(&line, "did you mean %s? ", meant->name);
	else if (meant)
		strbuf_printf(&line, "did you mean %s of [%s]? ", meant->name,
			keys_header(meant->section));

	const char *separator = "accepted are ";
	for (const struct key *k = keys; k < keys + n_keys; k++)
		if (strcmp(k->section, section) == 0) {
			strbuf_printf(&line, "%s%s", separator, k->name);
			separator = ", ";
		}
	report_problem(report, "%s", strbuf_str(&line));
}

static int config_file_read_key(const char *path, const struct ini_entry *entry,
	struct settings *settings, struct report *report)
{
	const struct ini_section *section = &entry->section;
	const struct key *key = keys_find(section->name, entry->key);
	_cleanup_strbuf_ struct strbuf from = STRBUF_INIT;
	struct settings_job *job = NULL;
	void *base = settings;
	char **origins = settings->origins;

	/* Of a section that is not ours the header alone is a problem. */
	if (!config_file_is_section(section->name) || config_file_wrong_header(section))
		return 0;
	if (!key) {
		config_file_unknown_key(path, entry, report);
		return 0;
	}
	if (section->argument) {
		int r = config_file_job(settings, section->argument, &job);
		if (r < 0)
			return r;
		base = job;
		origins = job->origins;
	}
	if (strbuf_printf(&from, "%s:%u", path, entry->line) < 0)
		return -ENOMEM;
	struct assign_value value = {
		.from = strbuf_str(&from), .shown = key->name, .text = entry->value};
	unsigned n_problems = report->n_problems;
	int r = assign(key, base, origins, &value, report);
	if (job && strcmp(key->name, "kind") == 0)
		job->kind_unread = report->n_problems > n_problems;
	return r;
}

int config_file_read(
	const char *path, bool may_be_missing, struct settings *settings, struct report *report)
{
	_cleanup_(ini_freep) struct ini *ini = NULL;
	int r = ini_read(path, INI_NEXUS, report->problems, &ini);

	if (r == -ENOENT && may_be_missing)
		return 0;
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		report_unreadable(report, path, r);
		report->unread = true;
		return 0;
	}
	report->n_problems += ini->n_problems;
	for (size_t i = 0; i < ini->n_entries; i++) {
		const struct ini_entry *e = &ini->entries[i];
		r = e->key ? config_file_read_key(path, e, settings, report)
			   : config_file_read_header(path, e, settings, report);
		if (r < 0)
			return r;
	}
	return 0;
}

static int config_file_is_drop_in(const struct dirent *entry)
{
	static const char ending[] = ".conf";
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > strlen(ending) &&
	       strcmp(entry->d_name + len - strlen(ending), ending) == 0;
}

/* By bytes, whatever the locale: the order is part of what the files say. */
static int config_file_by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int config_file_read_drop_in(
	const char *directory, const char *name, struct settings *settings, struct report *report)
{
	_cleanup_strbuf_ struct strbuf path = STRBUF_INIT;

	if (strbuf_printf(&path, "%s/%s", directory, name) < 0)
		return -ENOMEM;
	return config_file_read(strbuf_str(&path), false, settings, report);
}

int config_file_read_drop_ins(const char *path, struct settings *settings, struct report *report)
{
	_cleanup_strbuf_ struct strbuf directory = STRBUF_INIT;
	struct dirent **entries = NULL;
	int r = 0;

	if (strbuf_printf(&directory, "%s.d", path) < 0)
		return -ENOMEM;
	int n = scandir(
		strbuf_str(&directory), &entries, config_file_is_drop_in, config_file_by_name);
	if (n < 0 && errno == ENOMEM)
		return -ENOMEM;
	if (n < 0 && errno != ENOENT && errno != ENOTDIR) {
		report_unreadable(report, strbuf_str(&directory), -errno);
		report->unread = true;
	}
	for (int i = 0; i < n; i++) {
		if (r == 0)
			r = config_file_read_drop_in(
				strbuf_str(&directory), entries[i]->d_name, settings, report);
		free(entries[i]);
	}
	free(entries);
	return r;
}

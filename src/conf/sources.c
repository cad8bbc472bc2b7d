#include "conf/sources.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/file.h"
#include "conf/assign.h"
#include "conf/config_file.h"
#include "conf/environment.h"
#include "conf/keys.h"

#define DATABASE_FILE "database-url"

void sources_path(const struct settings_request *request, const char *name, struct strbuf *out)
{
	strbuf_printf(
		out, "%s/%s", request->directory ? request->directory : SETTINGS_DIRECTORY, name);
}

void sources_config_path(const struct settings_request *request, struct strbuf *out)
{
	if (request->config)
		strbuf_puts(out, request->config);
	else
		sources_path(request, "nexus-worker.conf", out);
}

static int sources_read_defaults(struct settings *settings)
{
	struct settings_job *others;

	int r = assign_fallbacks(settings, false);
	return r < 0 ? r : config_file_job(settings, "*", &others);
}

static int sources_read_files(
	const struct settings_request *request, struct settings *settings, struct report *report)
{
	_cleanup_strbuf_ struct strbuf path = STRBUF_INIT;

	sources_config_path(request, &path);
	if (path.error < 0)
		return -ENOMEM;
	int r = config_file_read(strbuf_str(&path), !request->config, settings, report);
	return r < 0 ? r : config_file_read_drop_ins(strbuf_str(&path), settings, report);
}

static const struct key *sources_option(const char *option)
{
	for (const struct key *k = keys; k < keys + n_keys; k++)
		if (k->option && strcmp(k->option, option) == 0)
			return k;
	return NULL;
}

static int sources_read_arguments(
	const struct settings_request *request, struct settings *settings, struct report *report)
{
	for (size_t i = 0; i < request->n_arguments; i++) {
		const struct settings_argument *a = &request->arguments[i];
		const struct key *key = sources_option(a->option);
		assert(key);

		struct assign_value value = {.from = a->option, .text = a->value};
		int r = assign(key, settings, settings->origins, &value, report);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Takes the database's URL from a file that holds nothing else; false in ret: no such file. */
static int sources_read_database_file(
	const char *path, struct settings *settings, struct report *report, bool *ret_found)
{
	const struct key *key = keys_find("database", "url");
	_cleanup_(strbuf_wipe) struct strbuf text = STRBUF_INIT;

	int r = file_read(path, VALUE_SECRET_MAX + 2, &text);
	if (r == -ENOMEM)
		return r;
	*ret_found = r != -ENOENT;
	if (!*ret_found)
		return 0;
	strbuf_cut_line_ends(&text);
	if (r < 0)
		report_unreadable(report, path, r);
	else if (text.len == 0)
		report_problem(report, "%s: is empty, accepted is the database's URL", path);
	else if (strlen(text.data) != text.len)
		report_problem(report, "%s: holds a NUL, accepted is the database's URL", path);
	else {
		struct assign_value value = {.from = path, .shown = key->name, .text = text.data};
		return assign(key, settings, settings->origins, &value, report);
	}
	return keys_note(key, settings->origins, path);
}

static int sources_read_database(
	const struct settings_request *request, struct settings *settings, struct report *report)
{
	const char *credentials = environment_get(request->environment, "CREDENTIALS_DIRECTORY");
	const struct key *key = keys_find("database", "url");
	_cleanup_strbuf_ struct strbuf path = STRBUF_INIT;
	bool found = false;
	int r;

	if (settings->origins[key - keys])
		return 0;
	if (credentials) {
		if (strbuf_printf(&path, "%s/%s", credentials, DATABASE_FILE) < 0)
			return -ENOMEM;
		r = sources_read_database_file(strbuf_str(&path), settings, report, &found);
		if (r < 0 || found)
			return r;
		strbuf_reset(&path);
	}
	sources_path(request, DATABASE_FILE, &path);
	if (path.error < 0)
		return -ENOMEM;
	return sources_read_database_file(strbuf_str(&path), settings, report, &found);
}

int sources_read(
	const struct settings_request *request, struct settings *settings, struct report *report)
{
	int r = sources_read_defaults(settings);
	if (r < 0)
		return r;
	r = sources_read_files(request, settings, report);
	if (r < 0)
		return r;
	r = environment_read(request->environment, settings, report);
	if (r < 0)
		return r;
	environment_warn(request->environment, report);
	r = sources_read_arguments(request, settings, report);
	if (r < 0)
		return r;
	return sources_read_database(request, settings, report);
}

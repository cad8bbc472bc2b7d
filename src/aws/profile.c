#include "aws/profile.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/ini.h"

/* One of the two. */
struct shared_file {
	struct strbuf path;
	struct ini *ini; /* NULL: could not be read, for this reason: */
	int error;
};

struct profile_files {
	struct shared_file credentials;
	struct shared_file config;
};

/* ---- The two files ---- */

/* "~" is the home directory, in our defaults and in what people write; it may be unknown. */
static int set_path(struct shared_file *file, credentials_getenv_fn *getenv_fn, const char *path)
{
	const char *home = credentials_getenv(getenv_fn, "HOME");

	file->path = STRBUF_INIT;
	if (strncmp(path, "~/", 2) != 0)
		return strbuf_puts(&file->path, path);
	if (!home)
		file->error = -ENOENT;
	return strbuf_printf(&file->path, "%s%s", home ? home : "~", path + 1);
}

/*
 * A file that is not there is no error; nor is one in the home directory that we may not see, as
 * under systemd's ProtectHome=. One that the environment names must be readable.
 */
static bool may_be_missing(int r, bool is_named)
{
	return r == -ENOENT || r == -ENOTDIR || (r == -EACCES && !is_named);
}

static int read_shared_file(struct shared_file *file, credentials_getenv_fn *getenv_fn,
	const char *variable, const char *usual_path, char text[static CREDENTIALS_TEXT_MAX])
{
	_cleanup_strbuf_ struct strbuf problems = STRBUF_INIT;
	const char *named_path = credentials_getenv(getenv_fn, variable);

	if (set_path(file, getenv_fn, named_path ? named_path : usual_path) < 0)
		return credentials_failed(text, -ENOMEM, "out of memory");
	const char *path = strbuf_str(&file->path);
	if (file->error == 0)
		file->error = ini_read(path, INI_AWS, &problems, &file->ini);
	if (may_be_missing(file->error, named_path != NULL))
		return 0;
	if (file->error < 0)
		return credentials_failed(text, credentials_file_error(file->error),
			"%s: cannot be read: %s%s", path, strerrordesc_np(-file->error),
			file->error == -EACCES ? "; let the user that this runs as read it" : "");
	if (file->ini->n_problems > 0)
		return credentials_failed(text, -EINVAL, "%.*s",
			(int)strcspn(strbuf_str(&problems), "\n"), strbuf_str(&problems));
	return 0;
}

int profile_files_read(credentials_getenv_fn *getenv_fn, struct profile_files **ret,
	char ret_text[static CREDENTIALS_TEXT_MAX])
{
	_cleanup_(profile_files_freep) struct profile_files *files = calloc(1, sizeof *files);

	if (!files)
		return credentials_failed(ret_text, -ENOMEM, "out of memory");
	int r = read_shared_file(&files->credentials, getenv_fn, "AWS_SHARED_CREDENTIALS_FILE",
		"~/.aws/credentials", ret_text);
	if (r < 0)
		return r;
	r = read_shared_file(
		&files->config, getenv_fn, "AWS_CONFIG_FILE", "~/.aws/config", ret_text);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(files);
	return 0;
}

struct profile_files *profile_files_free(struct profile_files *files)
{
	if (!files)
		return NULL;
	ini_free(files->credentials.ini);
	ini_free(files->config.ini);
	strbuf_done(&files->credentials.path);
	strbuf_done(&files->config.path);
	free(files);
	return NULL;
}

static void describe_file(const struct shared_file *file, struct strbuf *out)
{
	strbuf_puts(out, strbuf_str(&file->path));
	if (file->error < 0)
		strbuf_printf(out, " (%s)", strerrordesc_np(-file->error));
}

int profile_describe_absence(
	const struct profile_files *files, const char *name, struct strbuf *out)
{
	const struct ini *config = files->config.ini;

	describe_file(&files->credentials, out);
	strbuf_puts(out, " or ");
	describe_file(&files->config, out);
	if (config && ini_find(config, name, NULL, NULL))
		strbuf_printf(out, ", which has [%s]: write [profile %s] there", name, name);
	return out->error;
}

/* ---- A profile ---- */

static void find_place(const struct shared_file *file, const char *section, const char *argument,
	struct profile_place *place)
{
	if (file->ini && !place->section && ini_find(file->ini, section, argument, NULL))
		*place = (struct profile_place){section, argument};
}

bool profile_find(const struct profile_files *files, const char *name, struct profile *ret)
{
	*ret = (struct profile){.files = files, .name = name};
	find_place(&files->credentials, name, NULL, &ret->credentials);
	find_place(&files->config, "profile", name, &ret->config);
	if (strcmp(name, "default") == 0)
		find_place(&files->config, "default", NULL, &ret->config);
	return ret->credentials.section || ret->config.section;
}

int profile_find_active(const struct profile_files *files, credentials_getenv_fn *getenv_fn,
	struct profile *ret, char ret_text[static CREDENTIALS_TEXT_MAX])
{
	_cleanup_strbuf_ struct strbuf both = STRBUF_INIT;
	const char *variable = "AWS_PROFILE";
	const char *name = credentials_getenv(getenv_fn, variable);

	if (!name) {
		variable = "AWS_DEFAULT_PROFILE";
		name = credentials_getenv(getenv_fn, variable);
	}
	if (profile_find(files, name ? name : "default", ret))
		return 0;
	profile_describe_absence(files, name ? name : "default", &both);
	if (name)
		return credentials_failed(ret_text, -EINVAL,
			"%s names profile %s, which is not in %s", variable, name,
			strbuf_str(&both));
	return credentials_failed(
		ret_text, -ENOENT, "there is no profile default in %s", strbuf_str(&both));
}

const char *profile_path(const struct profile *profile)
{
	return strbuf_str(profile->credentials.section ? &profile->files->credentials.path
						       : &profile->files->config.path);
}

bool profile_get(const struct profile *profile, const char *key, struct profile_property *ret)
{
	const struct shared_file *files[] = {&profile->files->credentials, &profile->files->config};
	const struct profile_place *places[] = {&profile->credentials, &profile->config};

	/* The credentials file beats the config file, even with an empty value. */
	for (size_t i = 0; i < 2; i++) {
		const struct profile_place *place = places[i];
		const struct ini_entry *entry =
			place->section
				? ini_find(files[i]->ini, place->section, place->argument, key)
				: NULL;
		if (!entry)
			continue;
		*ret = (struct profile_property){
			entry->value, strbuf_str(&files[i]->path), entry->line};
		return *entry->value != '\0';
	}
	return false;
}

const char *profile_get_value(const struct profile *profile, const char *key)
{
	struct profile_property property;

	return profile_get(profile, key, &property) ? property.value : NULL;
}

int profile_region(
	credentials_getenv_fn *getenv_fn, char **ret, char ret_text[static CREDENTIALS_TEXT_MAX])
{
	_cleanup_(profile_files_freep) struct profile_files *files = NULL;
	struct profile active;

	int r = profile_files_read(getenv_fn, &files, ret_text);
	if (r < 0)
		return r;
	assert(files);
	r = profile_find_active(files, getenv_fn, &active, ret_text);
	if (r < 0)
		return r;
	const char *region = profile_get_value(&active, "region");
	if (!region)
		return credentials_failed(
			ret_text, -ENOENT, "profile %s names no region", active.name);
	char *copy = strdup(region);
	if (!copy)
		return credentials_failed(ret_text, -ENOMEM, "out of memory");
	*ret = copy;
	return 0;
}

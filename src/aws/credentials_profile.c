/*
 * Keys of a profile in the shared files: ~/.aws/credentials and ~/.aws/config, or where the
 * environment says they are. Grammar and precedence are those of "Shared config and credentials
 * files" in the SDKs and Tools Reference Guide.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "aws/credential_source.h"
#include "base/ini.h"

/* One of the two files, and where in it the profile stands. */
struct shared_file {
	struct strbuf path;
	struct ini *ini; /* NULL: could not be read, for this reason: */
	int error;
	const char *section; /* NULL: the profile is not in here */
	const char *argument;
};

struct profile {
	const char *name;
	const char *named_by; /* this variable; NULL: it is "default", which need not exist */
	struct shared_file credentials;
	struct shared_file config;
};

/* A property, and where it was found. */
struct property {
	const struct ini_entry *entry;
	const char *path;
};

/* Ways to credentials that a profile may name and that are not built. */
static const struct {
	const char *key;
	const char *what;
} UNSUPPORTED[] = {
	{"web_identity_token_file", "a web identity"},
	{"sso_session", "single sign-on"},
	{"sso_start_url", "single sign-on"},
	{"login_session", "a login session"},
	{"credential_process", "a credential process"},
};

#define N_UNSUPPORTED (sizeof UNSUPPORTED / sizeof *UNSUPPORTED)

static void profile_done(struct profile *profile)
{
	ini_free(profile->credentials.ini);
	ini_free(profile->config.ini);
	strbuf_done(&profile->credentials.path);
	strbuf_done(&profile->config.path);
}

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
		return credentials_failed(text, file->error, "%s: cannot be read: %s", path,
			strerrordesc_np(-file->error));
	if (file->ini->n_problems > 0)
		return credentials_failed(text, -EINVAL, "%.*s",
			(int)strcspn(strbuf_str(&problems), "\n"), strbuf_str(&problems));
	return 0;
}

static void find_section(struct shared_file *file, const char *name, const char *argument)
{
	if (!file->ini || file->section || !ini_find(file->ini, name, argument, NULL))
		return;
	file->section = name;
	file->argument = argument;
}

/* ---- The profile ---- */

static void describe(const struct shared_file *file, struct strbuf *ret)
{
	strbuf_puts(ret, strbuf_str(&file->path));
	if (file->error < 0)
		strbuf_printf(ret, " (%s)", strerrordesc_np(-file->error));
}

static int profile_missing(const struct profile *profile, char text[static CREDENTIALS_TEXT_MAX])
{
	_cleanup_strbuf_ struct strbuf files = STRBUF_INIT;

	describe(&profile->credentials, &files);
	strbuf_puts(&files, " or ");
	describe(&profile->config, &files);
	if (profile->named_by)
		return credentials_failed(text, -EINVAL, "%s names profile %s, which is not in %s",
			profile->named_by, profile->name, strbuf_str(&files));
	return credentials_failed(
		text, -ENOENT, "there is no profile %s in %s", profile->name, strbuf_str(&files));
}

/* Finds the active profile; profile_done() is due whatever comes back. */
static int profile_open(struct profile *profile, credentials_getenv_fn *getenv_fn,
	char text[static CREDENTIALS_TEXT_MAX])
{
	const char *variable = "AWS_PROFILE";
	const char *named = credentials_getenv(getenv_fn, variable);

	if (!named) {
		variable = "AWS_DEFAULT_PROFILE";
		named = credentials_getenv(getenv_fn, variable);
	}
	const char *name = named ? named : "default";
	profile->named_by = named ? variable : NULL;
	profile->name = name;

	int r = read_shared_file(&profile->credentials, getenv_fn, "AWS_SHARED_CREDENTIALS_FILE",
		"~/.aws/credentials", text);
	if (r < 0)
		return r;
	r = read_shared_file(&profile->config, getenv_fn, "AWS_CONFIG_FILE", "~/.aws/config", text);
	if (r < 0)
		return r;

	find_section(&profile->credentials, name, NULL);
	find_section(&profile->config, "profile", name);
	if (strcmp(name, "default") == 0)
		find_section(&profile->config, "default", NULL);
	if (!profile->credentials.section && !profile->config.section)
		return profile_missing(profile, text);
	return 0;
}

/* The property of the profile; false where it is not set, or empty (and ret then of no use). */
static bool profile_get(const struct profile *profile, const char *key, struct property *ret)
{
	const struct shared_file *files[] = {&profile->credentials, &profile->config};

	/* The credentials file beats the config file, even with an empty value. */
	for (size_t i = 0; i < 2; i++) {
		const struct shared_file *file = files[i];
		const struct ini_entry *entry =
			file->section ? ini_find(file->ini, file->section, file->argument, key)
				      : NULL;
		if (!entry)
			continue;
		*ret = (struct property){entry, strbuf_str(&file->path)};
		return *entry->value != '\0';
	}
	return false;
}

/* ---- The source ---- */

static int refuse(const struct profile *profile, const struct property *property, const char *what,
	char text[static CREDENTIALS_TEXT_MAX])
{
	return credentials_failed(text, -EINVAL,
		"%s:%u: profile %s wants %s (%s), which this build cannot do: give the profile an "
		"aws_access_key_id and an aws_secret_access_key instead",
		property->path, property->entry->line, profile->name, what, property->entry->key);
}

static int explain_absence(const struct profile *profile, char text[static CREDENTIALS_TEXT_MAX])
{
	struct property property;

	for (size_t i = 0; i < N_UNSUPPORTED; i++)
		if (profile_get(profile, UNSUPPORTED[i].key, &property))
			return refuse(profile, &property, UNSUPPORTED[i].what, text);
	return credentials_failed(text, -ENOENT, "profile %s in %s has no aws_access_key_id",
		profile->name,
		strbuf_str(profile->credentials.section ? &profile->credentials.path
							: &profile->config.path));
}

static int profile_resolve(const struct profile *profile, char text[static CREDENTIALS_TEXT_MAX],
	struct credentials **ret)
{
	_cleanup_strbuf_ struct strbuf source = STRBUF_INIT;
	struct property role, id, secret, token;

	/* A role beats the profile's own keys: those are then only for assuming it. */
	if (profile_get(profile, "role_arn", &role))
		return refuse(profile, &role, "a role", text);
	bool has_id = profile_get(profile, "aws_access_key_id", &id);
	bool has_secret = profile_get(profile, "aws_secret_access_key", &secret);
	if (!has_id && !has_secret)
		return explain_absence(profile, text);
	if (!has_id || !has_secret)
		return credentials_failed(text, -EINVAL, "%s:%u: profile %s has an %s but no %s",
			has_id ? id.path : secret.path,
			has_id ? id.entry->line : secret.entry->line, profile->name,
			has_id ? "aws_access_key_id" : "aws_secret_access_key",
			has_id ? "aws_secret_access_key" : "aws_access_key_id");

	bool has_token = profile_get(profile, "aws_session_token", &token);
	if (strbuf_printf(&source, "profile %s in %s", profile->name, id.path) < 0)
		return credentials_failed(text, -ENOMEM, "out of memory");
	struct credentials fields = {
		.access_key_id = id.entry->value,
		.secret_access_key = secret.entry->value,
		.session_token = has_token ? token.entry->value : NULL,
		.source = strbuf_str(&source),
		.expires_at = USEC_INFINITY,
		.on_disk = true,
	};
	return credentials_new(&fields, text, ret);
}

static int profile_start(struct credential_search *search, struct credentials **ret)
{
	_cleanup_(profile_done) struct profile profile = {0};

	int r = profile_open(&profile, search->means->getenv, search->text);
	if (r < 0)
		return r;
	return profile_resolve(&profile, search->text, ret);
}

const struct credential_source credentials_profile = {
	.name = "profile",
	.start = profile_start,
};

int credentials_profile_region(
	credentials_getenv_fn *getenv, char **ret, char ret_text[static CREDENTIALS_TEXT_MAX])
{
	_cleanup_(profile_done) struct profile profile = {0};
	struct property region;

	int r = profile_open(&profile, getenv, ret_text);
	if (r < 0)
		return r;
	if (!profile_get(&profile, "region", &region))
		return credentials_failed(
			ret_text, -ENOENT, "profile %s names no region", profile.name);
	char *copy = strdup(region.entry->value);
	if (!copy)
		return credentials_failed(ret_text, -ENOMEM, "out of memory");
	*ret = copy;
	return 0;
}

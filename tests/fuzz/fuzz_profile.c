/*
 * The files that AWS's SDKs share, and what is made of the profiles in them: aws/profile,
 * aws/profile_plan. An input is the credentials file, a line "%config", and the config file.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "aws/profile_plan.h"
#include "base/ini.h"
#include "fuzz.h"

/* In the seeds it stands where a secret does; what else would be quoted, mutations move it to. */
#define SECRET "hunter2"

static char credentials_path[32], config_path[32];

static char *get(const char *name)
{
	if (strcmp(name, "AWS_SHARED_CREDENTIALS_FILE") == 0)
		return credentials_path;
	if (strcmp(name, "AWS_CONFIG_FILE") == 0)
		return config_path;
	return NULL;
}

/* A file without a name that holds this; its path is valid until it is closed. */
static int make_file(const char *text, size_t len, char ret_path[static 32])
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	assert(fd >= 0 && write(fd, text, len) == (ssize_t)len);
	snprintf(ret_path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

static size_t count(const char *text, size_t len, const char *word)
{
	size_t n = 0;

	for (const char *at = text;
		(at = memmem(at, len - (size_t)(at - text), word, strlen(word))); at++)
		n++;
	return n;
}

/* How often it stands in a value that is secret. */
static size_t count_secrets(const char *text, size_t len)
{
	static const char *const keys[] = {"aws_secret_access_key", "aws_session_token"};
	_cleanup_strbuf_ struct strbuf problems = STRBUF_INIT;
	_cleanup_(ini_freep) struct ini *ini = NULL;
	size_t n = 0;

	assert(ini_parse("a file", text, len, INI_AWS, &problems, &ini) == 0);
	for (size_t i = 0; i < ini->n_entries; i++)
		for (size_t k = 0; k < 2; k++) {
			const struct ini_entry *e = &ini->entries[i];
			if (e->key && !e->parent && strcmp(e->key, keys[k]) == 0)
				n += count(e->value, strlen(e->value), SECRET);
		}
	return n;
}

static void assert_text(int r, const char *text, bool may_hold_secret)
{
	assert(r == 0 ? !*text : (r == -EINVAL || r == -ENOENT) && *text);
	assert(strlen(text) < CREDENTIALS_TEXT_MAX && !strchr(text, '\n'));
	assert(may_hold_secret || !strstr(text, SECRET));
}

static void assert_plan(const struct profile_plan *plan)
{
	assert(plan->n_roles <= PROFILE_PLAN_ROLES_MAX);
	for (size_t i = 0; i < plan->n_roles; i++)
		assert(*plan->roles[i].arn.value && plan->roles[i].arn.line > 0);
	switch (plan->base.kind) {
	case PROFILE_BASE_KEYS:
		assert(*plan->base.id.value && *plan->base.secret);
		return;
	case PROFILE_BASE_PROCESS:
		assert(*plan->base.property.value);
		return;
	case PROFILE_BASE_WEB_IDENTITY:
		assert(*plan->base.token_file && *plan->base.role.arn.value);
		return;
	case PROFILE_BASE_SOURCE:
		assert(plan->base.source);
		return;
	}
}

static void use(const struct profile_files *files, bool may_hold_secret)
{
	static const char *const names[] = {"default", "a", "b", "c"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char text[CREDENTIALS_TEXT_MAX] = "";
		struct profile profile;
		struct profile_plan plan;

		if (!profile_find(files, names[i], &profile))
			continue;
		int r = profile_plan_make(&profile, &plan, text);
		assert_text(r, text, may_hold_secret);
		if (r == 0)
			assert_plan(&plan);
	}
}

static void read_files(bool may_hold_secret)
{
	char text[CREDENTIALS_TEXT_MAX] = "", region_text[CREDENTIALS_TEXT_MAX] = "";
	_cleanup_(profile_files_freep) struct profile_files *files = NULL;
	_cleanup_free_ char *region = NULL;

	int r = profile_files_read(get, &files, text);
	assert_text(r, text, may_hold_secret);
	if (r == 0)
		use(files, may_hold_secret);
	r = profile_region(get, &region, region_text);
	assert_text(r, region_text, may_hold_secret);
	assert(r < 0 || *region);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char separator[] = "%config\n";
	const char *text = (const char *)data;
	const char *second = size ? memmem(text, size, separator, strlen(separator)) : NULL;
	size_t len = second ? (size_t)(second - text) : size;
	second = second ? second + strlen(separator) : text + size;
	size_t second_len = size - (size_t)(second - text);
	int credentials = make_file(text, len, credentials_path);
	int config = make_file(second, second_len, config_path);
	size_t n_secrets = count_secrets(text, len) + count_secrets(second, second_len);

	read_files(n_secrets < count(text, size, SECRET));
	close(credentials);
	close(config);
	return 0;
}

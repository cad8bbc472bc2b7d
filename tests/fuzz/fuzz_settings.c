/*
 * The daemon's settings from a file and the environment: conf/. An input is the file, a line
 * "%environment", and lines NAME=VALUE.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "conf/keys.h"
#include "conf/settings.h"
#include "fuzz.h"

#define VARIABLES_MAX 32

/* What seeds have for a password, in lines that look like that. */
#define SECRET "hunter2"
#define LINE   "url = postgresql://u:" SECRET "@"

/*
 * Whether every secret of the input stands where the password of a database's URL does, in a line
 * of its own, which no line above goes on in.
 */
static bool is_secret_in_place(const char *text, size_t len)
{
	const char *at = text;

	if (len > 0 && memchr(text, '\\', len))
		return false;
	while ((at = memmem(at, len - (size_t)(at - text), SECRET, strlen(SECRET)))) {
		const size_t before = strlen("url = postgresql://u:");
		if ((size_t)(at - text) <= before || at[-(ssize_t)before - 1] != '\n' ||
			(size_t)(text + len - at) < strlen(LINE) - before ||
			memcmp(at - before, LINE, strlen(LINE)) != 0)
			return false;
		at++;
	}
	return true;
}

/* The value as it is written is read as the same value. */
static void assert_written_is_read(const struct key *key, const void *base, void *other)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT, wrong = STRBUF_INIT;

	keys_write(key, base, &text);
	if (text.len == 0)
		return;
	assert(keys_read(key, other, strbuf_str(&text), &wrong) == 0);
	assert(keys_equal(key, base, other));
	if (key->rule.type->clear)
		key->rule.type->clear((char *)other + key->offset);
}

static void assert_values(const struct settings *settings)
{
	struct settings other = {.n_jobs = 0};
	struct settings_job other_job = {.kind = SETTINGS_BUILTIN};

	for (const struct key *k = keys; k < keys + n_keys; k++) {
		if (!keys_is_of_job(k)) {
			assert_written_is_read(k, settings, &other);
			continue;
		}
		for (size_t i = 0; i < settings->n_jobs; i++)
			assert_written_is_read(k, &settings->jobs[i], &other_job);
	}
}

/* They are whole: what requires a value has one, and sections stand in order. */
static void assert_good(const struct settings *settings)
{
	assert(settings->queue.url && settings->queue.endpoint && settings->database.url);
	assert(settings->queue.region && settings->worker.concurrency > 0);
	assert(settings->n_jobs > 0);
	assert(strcmp(settings->jobs[settings->n_jobs - 1].type, "*") == 0);
	for (size_t i = 0; i < settings->n_jobs; i++) {
		const struct settings_job *job = &settings->jobs[i];
		assert(settings_job_for(settings, job->type) == job);
		assert(settings_job_equal(job, job) && !job->kind_unread);
		assert(job->rows != SETTINGS_ROWS_BY_KIND && job->timeout > 0);
	}
}

static void load(const struct settings_request *request, bool is_secret)
{
	_cleanup_strbuf_ struct strbuf problems = STRBUF_INIT, warnings = STRBUF_INIT,
				       printed = STRBUF_INIT;
	_cleanup_(settings_freep) struct settings *settings = NULL;

	int r = settings_load(request, &problems, &warnings, &settings);
	assert((r == 0 || r == -EINVAL) && (r == 0) == (problems.len == 0) && settings);
	settings_print(settings, &printed);
	if (is_secret)
		assert(!strstr(strbuf_str(&problems), SECRET) &&
			!strstr(strbuf_str(&warnings), SECRET) &&
			!strstr(strbuf_str(&printed), SECRET));
	assert_values(settings);
	if (r == 0)
		assert_good(settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char separator[] = "%environment\n";
	const char *text = (const char *)data;
	const char *second = size ? memmem(text, size, separator, strlen(separator)) : NULL;
	size_t len = second ? (size_t)(second - text) : size;
	struct fuzz_input rest = {text + size, 0};
	char *variables[VARIABLES_MAX + 1] = {NULL};
	char path[32];
	_cleanup_close_ int fd = memfd_create("fuzz", MFD_CLOEXEC);

	assert(fd >= 0 && write(fd, text, len) == (ssize_t)len);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (second)
		rest = fuzz_input((const uint8_t *)second + strlen(separator),
			size - len - strlen(separator));
	for (size_t i = 0; i < VARIABLES_MAX && rest.len > 0; i++)
		variables[i] = fuzz_take_line(&rest);
	load(&(struct settings_request){.config = path,
		     .environment = (const char *const *)variables,
		     .directory = "/nonexistent"},
		!second && is_secret_in_place(text, size));
	for (size_t i = 0; variables[i]; i++)
		free(variables[i]);
	return 0;
}

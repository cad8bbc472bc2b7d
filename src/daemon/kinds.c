#include "daemon/kinds.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "conf/keys.h"
#include "daemon/kind_options.h"
#include "handler/child_check.h"
#include "handler/credential_endpoint.h"
#include "net/http_serve.h"

/* A handler as it was made; its environment_file as it was then. */
struct kinds_entry {
	struct handler *handler;
	struct stat file;
};

struct kinds {
	sd_event *event;
	struct credential_store *credentials; /* NULL: programs get none */
	char *config;                         /* a file that they must not read; NULL: none */
	char *region;                         /* NULL: not known yet */
	bool by_hand;
	struct credential_endpoint *endpoint; /* NULL: there are no credentials */
	struct child_means *means;
	struct kinds_entry *entries; /* by place in the settings' jobs */
	size_t n_entries;
};

/* ---- What programs share ---- */

static bool kinds_start_programs(const struct settings *settings)
{
	for (size_t i = 0; i < settings->n_jobs; i++)
		if (settings->jobs[i].kind == SETTINGS_COMMAND ||
			settings->jobs[i].kind == SETTINGS_LAMBDA)
			return true;
	return false;
}

static void kinds_complain(const struct kinds *k)
{
	const char *landlock = child_means_landlock_fault(k->means);
	const char *cgroup = child_means_cgroup_fault(k->means);

	if (landlock)
		log_warning("%s", landlock);
	if (!http_serve_is_possible())
		log_warning("programs get no AWS credentials: built without libmicrohttpd");
	/* Else there is no unit that could be changed. */
	if (cgroup && !k->by_hand)
		log_notice("%s", cgroup);
}

/* Only where a section starts programs is a port opened, and this process moved. */
static int kinds_get_ready(struct kinds *k, const struct settings *settings)
{
	const char *hidden[KIND_OPTIONS_HIDDEN_MAX];
	struct child_means_options means = {.hidden = hidden, .region = k->region};

	if (k->means || !kinds_start_programs(settings))
		return 0;
	if (k->credentials && !k->endpoint && http_serve_is_possible()) {
		int r = credential_endpoint_new(k->event, k->credentials, &k->endpoint);
		if (r < 0)
			return r;
	}
	if (k->endpoint) {
		means.credentials_uri = credential_endpoint_uri(k->endpoint);
		means.credentials_token = credential_endpoint_token(k->endpoint);
	}
	kind_options_hidden(k->config, hidden);
	int r = child_means_new(&means, &k->means);
	if (r == 0)
		kinds_complain(k);
	return r;
}

/* ---- A handler of each kind ---- */

static int kinds_make_command(struct kinds *k, const struct settings *settings,
	const struct settings_job *job, char error[CHILD_ERROR_MAX], struct handler **ret)
{
	struct command_options options;

	kind_options_command(settings, job, &options);
	options.means = k->means;
	return command_new(&options, error, ret);
}

static int kinds_make_lambda(struct kinds *k, const struct settings *settings,
	const struct settings_job *job, char error[CHILD_ERROR_MAX], struct handler **ret)
{
	struct lambda_options options;

	kind_options_lambda(settings, job, &options);
	options.event = k->event;
	options.means = k->means;
	options.measure = k->by_hand;
	return lambda_new(&options, error, ret);
}

static int kinds_make_sqsd(
	const struct settings_job *job, char error[SQSD_TEXT_MAX], struct handler **ret)
{
	struct sqsd_options options;

	kind_options_sqsd(job, &options);
	return sqsd_new(&options, ret, error);
}

#define ERROR_MAX (SQSD_TEXT_MAX > CHILD_ERROR_MAX ? SQSD_TEXT_MAX : CHILD_ERROR_MAX)

static int kinds_make(struct kinds *k, const struct settings *settings,
	const struct settings_job *job, char error[ERROR_MAX], struct handler **ret)
{
	switch (job->kind) {
	case SETTINGS_BUILTIN:
		*ret = registry_builtin(job->type);
		return 0;
	case SETTINGS_COMMAND:
		return kinds_make_command(k, settings, job, error, ret);
	case SETTINGS_LAMBDA:
		return kinds_make_lambda(k, settings, job, error, ret);
	case SETTINGS_HTTP:
		return kinds_make_sqsd(job, error, ret);
	}
	return -EINVAL;
}

/* ---- Checking ---- */

/* Each line begins with its key, and gets the place before it where that was given. */
static unsigned kinds_place(
	const struct settings_job *job, const struct strbuf *lines, struct strbuf *problems)
{
	const char *line = strbuf_str(lines);
	unsigned n = 0;

	while (*line) {
		size_t len = strcspn(line, "\n"), name_len = strcspn(line, ":");
		_cleanup_free_ char *name = strndup(line, name_len);
		const struct key *key = name ? keys_find(KEY_JOB, name) : NULL;
		const char *origin = key ? job->origins[key - keys] : NULL;

		strbuf_printf(
			problems, "%s: %.*s\n", origin ? origin : job->origin, (int)len, line);
		line += len + (line[len] == '\n');
		n++;
	}
	return n;
}

static void kinds_check_builtin(const struct settings_job *job, struct strbuf *lines)
{
	/* "*" stands for those that have no handler. */
	if (strcmp(job->type, "*") != 0 && !registry_builtin(job->type))
		strbuf_printf(lines,
			"[job %s]: no handler has this name, accepted is a built-in's, or "
			"kind = command, lambda or http\n",
			job->type);
}

static void kinds_check_service(const struct settings_job *job, struct strbuf *lines)
{
	struct sqsd_options options;
	char text[SQSD_TEXT_MAX];

	kind_options_sqsd(job, &options);
	if (sqsd_check(&options, text) < 0)
		strbuf_printf(lines, "url: %s\n", text);
}

/* What the section asks for and cannot be served here; NULL: nothing. */
static const char *kinds_unserved(const struct settings_job *job)
{
	const struct key *pass = keys_find(KEY_JOB, "pass_aws_credentials");

	if (http_serve_is_possible())
		return NULL;
	if (job->kind == SETTINGS_LAMBDA)
		return "kind: built without libmicrohttpd, by which runtimes are served, accepted "
		       "is builtin, command or http";
	if (job->kind == SETTINGS_COMMAND && job->pass_aws_credentials && job->origins[pass - keys])
		return "pass_aws_credentials: built without libmicrohttpd, by which they are "
		       "served, accepted is no";
	return NULL;
}

static void kinds_check_job(const struct settings *settings, const struct settings_job *job,
	bool services, struct strbuf *lines)
{
	const char *unserved = kinds_unserved(job);
	struct command_options command;
	struct lambda_options lambda;

	if (unserved)
		strbuf_printf(lines, "%s\n", unserved);
	switch (job->kind) {
	case SETTINGS_BUILTIN:
		kinds_check_builtin(job, lines);
		return;
	case SETTINGS_COMMAND:
		kind_options_command(settings, job, &command);
		child_check(&command.child, lines);
		return;
	case SETTINGS_LAMBDA:
		kind_options_lambda(settings, job, &lambda);
		lambda_check(&lambda, lines);
		return;
	case SETTINGS_HTTP:
		if (services)
			kinds_check_service(job, lines);
		return;
	}
}

unsigned kinds_check(const struct settings *settings, bool services, struct strbuf *problems)
{
	unsigned n = 0;

	for (size_t i = 0; i < settings->n_jobs; i++) {
		const struct settings_job *job = &settings->jobs[i];
		_cleanup_strbuf_ struct strbuf lines = STRBUF_INIT;

		kinds_check_job(settings, job, services, &lines);
		n += kinds_place(job, &lines, problems);
	}
	return n;
}

/* ---- Configuring ---- */

static void kinds_stat(const struct settings_job *job, struct stat *ret)
{
	if (!job->environment_file || stat(job->environment_file, ret) < 0)
		*ret = (struct stat){0};
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* The handler that the section has already, if nothing that it was made from has changed. */
static struct handler *kinds_reuse(const struct kinds *k, const struct settings *settings,
	const struct settings *before, const struct settings_job *job, const struct stat *file)
{
	for (size_t i = 0; before && i < before->n_jobs; i++) {
		if (strcmp(before->jobs[i].type, job->type) != 0)
			continue;
		bool same = settings_job_equal(&before->jobs[i], job) &&
			    same_file(&k->entries[i].file, file) &&
			    before->worker.concurrency == settings->worker.concurrency &&
			    (!job->pass_database_url ||
				    strcmp(before->database.url, settings->database.url) == 0);
		return same ? handler_ref(k->entries[i].handler) : NULL;
	}
	return NULL;
}

static int kinds_fill(struct kinds *k, const struct settings *settings,
	const struct settings *before, struct kinds_entry *entries, struct strbuf *problems)
{
	char error[ERROR_MAX] = "";

	for (size_t i = 0; i < settings->n_jobs; i++) {
		const struct settings_job *job = &settings->jobs[i];
		struct kinds_entry *entry = &entries[i];

		kinds_stat(job, &entry->file);
		entry->handler = kinds_reuse(k, settings, before, job, &entry->file);
		if (entry->handler)
			continue;
		const char *unserved = kinds_unserved(job);
		if (unserved) {
			strbuf_printf(problems, "[job %s] %s\n", job->type, unserved);
			return -EINVAL;
		}
		int r = kinds_make(k, settings, job, error, &entry->handler);
		if (r == -EINVAL)
			strbuf_printf(problems, "[job %s]: %s\n", job->type, error);
		if (r < 0)
			return r;
	}
	return 0;
}

static void kinds_free_entries(struct kinds_entry *entries, size_t n)
{
	for (size_t i = 0; i < n; i++)
		handler_unref(entries[i].handler);
	free(entries);
}

static int kinds_register(const struct settings *settings, const struct kinds_entry *entries,
	struct registry *registry)
{
	_cleanup_free_ struct registry_type *types = calloc(settings->n_jobs, sizeof *types);

	if (!types)
		return -ENOMEM;
	for (size_t i = 0; i < settings->n_jobs; i++) {
		const struct settings_job *job = &settings->jobs[i];
		types[i] = (struct registry_type){
			.type = job->type,
			.handler = entries[i].handler,
			.keeps_row = job->rows == SETTINGS_ROWS_HANDLER,
			.timeout = job->timeout,
			.max_concurrency = job->max_concurrency,
			.base_delay = job->base_delay,
			.max_delay = job->max_delay,
		};
	}
	return registry_configure(registry, types, settings->n_jobs);
}

int kinds_configure(struct kinds *k, struct registry *registry, const struct settings *settings,
	const struct settings *before, struct strbuf *problems)
{
	struct kinds_entry *entries = calloc(settings->n_jobs, sizeof *entries);

	int r = entries ? kinds_get_ready(k, settings) : -ENOMEM;
	if (r == 0)
		r = kinds_fill(k, settings, before, entries, problems);
	if (r == 0)
		r = kinds_register(settings, entries, registry);
	if (r < 0) {
		kinds_free_entries(entries, entries ? settings->n_jobs : 0);
		return r;
	}
	kinds_free_entries(k->entries, k->n_entries);
	k->entries = entries;
	k->n_entries = settings->n_jobs;
	return 0;
}

int kinds_set_region(struct kinds *k, const char *region)
{
	if (k->region || !region[0])
		return 0;

	_cleanup_free_ char *copy = strdup(region);
	if (!copy || (k->means && child_means_set_region(k->means, region) < 0))
		return -ENOMEM;
	k->region = TAKE_PTR(copy);
	return 0;
}

int kinds_new(const struct kinds_options *options, struct kinds **ret)
{
	_cleanup_(kinds_freep) struct kinds *k = calloc(1, sizeof *k);

	if (!k)
		return -ENOMEM;
	k->event = options->event;
	k->credentials = options->credentials;
	k->by_hand = options->by_hand;
	if (options->config && !(k->config = realpath(options->config, NULL)))
		return -errno;
	*ret = TAKE_PTR(k);
	return 0;
}

struct kinds *kinds_free(struct kinds *k)
{
	if (!k)
		return NULL;
	kinds_free_entries(k->entries, k->n_entries);
	child_means_free(k->means);
	credential_endpoint_free(k->endpoint);
	free(k->config);
	free(k->region);
	free(k);
	return NULL;
}

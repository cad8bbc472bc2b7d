#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/settings.h"
#include "ctl/ctl.h"
#include "ctl/listing.h"
#include "ctl/runtimes.h"
#include "ctl/trial.h"
#include "ctl/unzip.h"
#include "ctl/versions.h"

#define MIB (1024.0 * 1024.0)

const char ctl_deploy_help[] =
	"Usage: nexusctl deploy TYPE ZIP [--dry-run] [--user NAME]\n"
	"       nexusctl deploy TYPE --rollback [--dry-run] [--user NAME]\n"
	"       nexusctl deploy TYPE\n"
	"\n"
	"Puts a new bundle in place for the job type TYPE, which is of kind lambda:\n"
	"unpacks ZIP beside the version that runs, loads its handler once on trial, and\n"
	"lets new jobs run it. Jobs that run end on the old code. A bundle that does not\n"
	"load changes nothing. Three versions are kept.\n"
	"\n"
	"  --rollback   go back to the version before the one that runs\n"
	"  --dry-run    unpack and load, and change nothing\n"
	"  --user NAME  root loads the handler as this user (nexus-worker)\n"
	"\n"
	"With neither ZIP nor --rollback it tells which version runs, since when, its\n"
	"size, its runtimes, and which versions are kept.\n"
	"\n"
	"With --json one object at the end: type, bundle, version and since (null: none),\n"
	"versions (version, size_bytes and runs: whether it is the one), runtimes (pid,\n"
	"version, age_seconds, memory_bytes).\n"
	"\n"
	"Examples: nexusctl deploy generate-thumbnail worker.zip\n"
	"          nexusctl deploy generate-thumbnail --rollback\n"
	"          nexusctl deploy generate-thumbnail\n"
	"\n"
	"Exit status: 0 done, 1 failed, and what ran before runs on; 64 usage,\n"
	"78 configuration.\n";

struct deploy {
	const struct ctl *ctl;
	const char *type;
	const char *zip;
	const char *user;
	bool rollback;
	bool dry_run;

	const struct settings *settings;
	const struct settings_job *job;
	struct versions *versions;
	struct runtime_seen *runtimes;
	size_t n_runtimes;
};

/* ---- What is there ---- */

/* Of a runtime: the version that it runs, or "-" for a directory that was put there by hand. */
static const char *runtime_version(const struct deploy *d, const struct runtime_seen *runtime)
{
	const char *folder = versions_folder(d->versions);
	_cleanup_free_ char *whole = realpath(folder, NULL);
	size_t len = whole ? strlen(whole) : 0;

	return whole && strncmp(runtime->folder, whole, len) == 0 && runtime->folder[len] == '/'
		       ? runtime->folder + len + 1
		       : "-";
}

static int deploy_look_at_runtimes(struct deploy *d)
{
	_cleanup_free_ char *folder = realpath(versions_folder(d->versions), NULL);
	_cleanup_free_ char *bundle = realpath(d->job->bundle, NULL);
	const char *folders[2];
	size_t n = 0;

	if (folder)
		folders[n++] = folder;
	if (bundle)
		folders[n++] = bundle;
	return runtimes_look(folders, n, &d->runtimes, &d->n_runtimes);
}

static bool deploy_in_use(void *userdata, const char *path)
{
	const struct deploy *d = userdata;
	_cleanup_free_ char *whole = realpath(path, NULL);
	size_t len = whole ? strlen(whole) : 0;

	for (size_t i = 0; whole && i < d->n_runtimes; i++)
		if (strncmp(d->runtimes[i].folder, whole, len) == 0 &&
			(d->runtimes[i].folder[len] == '/' || d->runtimes[i].folder[len] == '\0'))
			return true;
	return false;
}

static void format_time(time_t at, char ret[32])
{
	struct tm tm;

	ret[0] = '\0';
	if (at > 0 && gmtime_r(&at, &tm))
		strftime(ret, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static void deploy_show_text(const struct deploy *d)
{
	const char *current = versions_current(d->versions), *const * names;
	size_t n = versions_list(d->versions, &names);
	char since[32], age[CLOCK_DURATION_MAX];

	format_time(versions_since(d->versions), since);
	printf("type      %s\nbundle    %s\n", d->type, d->job->bundle);
	if (current[0])
		printf("version   %s, since %s, %.1f MiB\n", current, since,
			(double)versions_size(d->versions, current) / MIB);
	else
		printf("version   none was deployed%s\n",
			access(d->job->bundle, F_OK) == 0 ? "; a directory was put there by hand"
							  : "");
	for (size_t i = 0; i < n; i++)
		printf("%-9s %s, %.1f MiB%s\n", i ? "" : "kept", names[i],
			(double)versions_size(d->versions, names[i]) / MIB,
			strcmp(names[i], current) == 0 ? ", runs" : "");
	if (d->n_runtimes == 0)
		printf("runtimes  none; the next job starts one\n");
	for (size_t i = 0; i < d->n_runtimes; i++) {
		const struct runtime_seen *r = &d->runtimes[i];
		usec_t whole = r->age - r->age % USEC_PER_SEC;
		printf("%-9s pid %d, version %s, up %s, %.1f MiB\n", i ? "" : "runtimes", r->pid,
			runtime_version(d, r), clock_format_duration(whole, age),
			(double)r->memory / MIB);
	}
}

static void deploy_show_json(const struct deploy *d)
{
	const char *current = versions_current(d->versions), *const * names;
	size_t n = versions_list(d->versions, &names);
	json_auto_t *versions = json_array(), *runtimes = json_array();
	char since[32];

	format_time(versions_since(d->versions), since);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(
			versions, json_pack("{s:s, s:I, s:b}", "version", names[i], "size_bytes",
					  (json_int_t)versions_size(d->versions, names[i]), "runs",
					  strcmp(names[i], current) == 0));
	for (size_t i = 0; i < d->n_runtimes; i++)
		json_array_append_new(runtimes,
			json_pack("{s:i, s:s, s:I, s:I}", "pid", (int)d->runtimes[i].pid, "version",
				runtime_version(d, &d->runtimes[i]), "age_seconds",
				(json_int_t)(d->runtimes[i].age / USEC_PER_SEC), "memory_bytes",
				(json_int_t)d->runtimes[i].memory));
	listing_put_json(json_pack("{s:s, s:s, s:s?, s:s?, s:O, s:O}", "type", d->type, "bundle",
		d->job->bundle, "version", current[0] ? current : NULL, "since",
		since[0] ? since : NULL, "versions", versions, "runtimes", runtimes));
}

static int deploy_show(struct deploy *d)
{
	char text[VERSIONS_TEXT_MAX];

	if (versions_open(d->job->bundle, false, &d->versions, text) < 0)
		return ctl_fail(EXIT_FAILURE, "%s", text);
	int r = deploy_look_at_runtimes(d);
	if (r < 0)
		return ctl_fail(EXIT_FAILURE, "/proc: %s", strerror(-r));
	if (d->ctl->json)
		deploy_show_json(d);
	else
		deploy_show_text(d);
	return EXIT_SUCCESS;
}

/* ---- A new version ---- */

static int deploy_try(struct deploy *d, const char *folder)
{
	const struct trial_request request = {
		.settings = d->settings,
		.job = d->job,
		.folder = folder,
		.config = d->ctl->config,
		.user = d->user,
	};
	char text[TRIAL_TEXT_MAX], took[CLOCK_DURATION_MAX];
	usec_t time = 0;

	int r = trial_load(&request, &time, text);
	if (r == -ENOEXEC)
		return ctl_fail(EXIT_FAILURE,
			"the bundle does not load, and nothing was changed: %s", text);
	if (r < 0)
		return ctl_fail(EXIT_FAILURE, "nothing was changed: %s", text);
	if (!d->ctl->json)
		printf("%s loads, in %s\n",
			d->job->runtime == SETTINGS_NODEJS ? d->job->handler : "bootstrap",
			clock_format_duration(time - time % USEC_PER_MSEC, took));
	return EXIT_SUCCESS;
}

static int deploy_unpack(struct deploy *d, const char **ret_path)
{
	char no_folder[VERSIONS_TEXT_MAX], no_zip[UNZIP_TEXT_MAX];
	_cleanup_close_ int folder = -1;

	if (versions_stage(d->versions, &folder, ret_path, no_folder) < 0)
		return ctl_fail(EXIT_FAILURE, "nothing was changed: %s", no_folder);
	if (unzip(d->zip, folder, no_zip) < 0)
		return ctl_fail(EXIT_FAILURE, "nothing was changed: %s", no_zip);
	return EXIT_SUCCESS;
}

static int deploy_switch(struct deploy *d, const char *name)
{
	char text[VERSIONS_TEXT_MAX], before[VERSIONS_NAME_MAX];

	snprintf(before, sizeof before, "%s", versions_current(d->versions));
	if (versions_switch(d->versions, name, text) < 0)
		return ctl_fail(EXIT_FAILURE, "nothing was changed: %s", text);
	if (!d->ctl->json && before[0])
		printf("before, %s ran; jobs that run end on it\n", before);
	int r = deploy_look_at_runtimes(d);
	if (r < 0)
		ctl_fail(EXIT_SUCCESS, "old versions stay: /proc: %s", strerror(-r));
	else if (versions_prune(d->versions, deploy_in_use, d, text) < 0)
		ctl_fail(EXIT_SUCCESS, "old versions stay: %s", text);
	if (d->ctl->json)
		deploy_show_json(d);
	else
		deploy_show_text(d);
	return EXIT_SUCCESS;
}

static int deploy_new(struct deploy *d)
{
	char text[VERSIONS_TEXT_MAX];
	const char *path = NULL, *name = NULL;

	int status = deploy_unpack(d, &path);
	if (status == EXIT_SUCCESS)
		status = deploy_try(d, path);
	if (status != EXIT_SUCCESS || d->dry_run)
		return status;
	if (versions_keep(d->versions, &name, text) < 0)
		return ctl_fail(EXIT_FAILURE, "nothing was changed: %s", text);
	_cleanup_free_ char *copy = strdup(name);
	return copy ? deploy_switch(d, copy) : ctl_fail(EXIT_FAILURE, "out of memory");
}

static int deploy_back(struct deploy *d)
{
	const char *previous = versions_previous(d->versions);
	_cleanup_free_ char *name = previous ? strdup(previous) : NULL, *path = NULL;

	if (!previous)
		return ctl_fail(EXIT_FAILURE, "nothing was changed: no version is older than %s",
			versions_current(d->versions)[0] ? versions_current(d->versions)
							 : "what runs");
	if (!name || asprintf(&path, "%s/%s", versions_folder(d->versions), name) < 0)
		return ctl_fail(EXIT_FAILURE, "out of memory");
	int status = deploy_try(d, path);
	return status != EXIT_SUCCESS || d->dry_run ? status : deploy_switch(d, name);
}

static int deploy_change(struct deploy *d)
{
	char text[VERSIONS_TEXT_MAX];

	if (versions_open(d->job->bundle, true, &d->versions, text) < 0)
		return ctl_fail(EXIT_FAILURE, "nothing was changed: %s", text);
	return d->rollback ? deploy_back(d) : deploy_new(d);
}

/* ---- The command line ---- */

static int deploy_parse(struct deploy *d, int argc, char **argv)
{
	static const struct option options[] = {
		{"rollback", no_argument, NULL, 'r'},
		{"dry-run", no_argument, NULL, 'n'},
		{"user", required_argument, NULL, 'u'},
		{0},
	};
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case 'r':
			d->rollback = true;
			break;
		case 'n':
			d->dry_run = true;
			break;
		case 'u':
			d->user = optarg;
			break;
		default:
			return ctl_usage("deploy", NULL);
		}
	}
	if (optind == argc)
		return ctl_usage("deploy", "which job type?");
	d->type = argv[optind++];
	d->zip = optind < argc ? argv[optind++] : NULL;
	if (optind < argc)
		return ctl_usage("deploy", "%s: one ZIP at a time", argv[optind]);
	if (d->zip && d->rollback)
		return ctl_usage("deploy", "either a ZIP or --rollback");
	return EXIT_SUCCESS;
}

static int deploy_find_job(struct deploy *d)
{
	assert(d->type);
	d->job = settings_job_for(d->settings, d->type);
	if (strcmp(d->job->type, d->type) != 0)
		return ctl_fail(EX_CONFIG, "%s: no section [job %s] in the configuration", d->type,
			d->type);
	if (d->job->kind != SETTINGS_LAMBDA)
		return ctl_fail(EX_CONFIG, "%s: [job %s] is not of kind lambda, and has no bundle",
			d->job->origin ? d->job->origin : d->type, d->type);
	return EXIT_SUCCESS;
}

int ctl_deploy(const struct ctl *ctl, int argc, char **argv)
{
	struct deploy d = {.ctl = ctl};
	int status = deploy_parse(&d, argc, argv);

	if (status != EXIT_SUCCESS)
		return status;
	_cleanup_(settings_freep) struct settings *settings = ctl_settings(ctl, &status);
	if (!settings)
		return status;
	d.settings = settings;
	status = deploy_find_job(&d);
	if (status == EXIT_SUCCESS)
		status = d.zip || d.rollback ? deploy_change(&d) : deploy_show(&d);
	runtimes_free(d.runtimes, d.n_runtimes);
	versions_close(d.versions);
	return status;
}

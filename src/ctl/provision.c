#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/partition.h"
#include "aws/profile.h"
#include "aws/queue_url.h"
#include "conf/keys.h"
#include "ctl/interrupt.h"
#include "ctl/provision.h"

const char ctl_provision_help[] =
	"Usage: nexusctl provision [--env ENV] [--fix] [--dry-run]\n"
	"\n"
	"Makes what the worker needs, as the runbook has it, and says of each thing\n"
	"whether it was made, was there, or how it differs:\n"
	"\n"
	"  dead letter queue  keeps messages for 14 days\n"
	"  queue              3 receives, then to the dead letter queue; visibility\n"
	"                     60 s; a receive waits for 20 s\n"
	"  job table          the enum job_status, the table background_jobs, its index\n"
	"\n"
	"The queue is the one of [queue] url, whether it is there yet or not. Its dead\n"
	"letter queue is the one that it has; otherwise nexus-jobs-X is given\n"
	"nexus-jobs-dlq-X, and another NAME is given NAME-dlq. What is there stays as it\n"
	"is, and nothing is deleted.\n"
	"\n"
	"  --env ENV  the queues nexus-jobs-ENV and nexus-jobs-dlq-ENV; needs no [queue]\n"
	"             url, and tells what to put there. Without a configured endpoint\n"
	"             they are made at AWS, in the configured region\n"
	"  --fix      set the queues' attributes that differ; a table is never altered\n"
	"  --dry-run  change nothing, and say what would be\n"
	"\n"
	"With --json each line has result (made, there, differs, set, would make, would\n"
	"set, configure), kind, name, attribute, detail, fix.\n"
	"\n"
	"It needs sqs:GetQueueUrl, sqs:GetQueueAttributes, sqs:CreateQueue and for --fix\n"
	"sqs:SetQueueAttributes; and CREATE on the schema where the table is to be.\n"
	"\n"
	"Examples: nexusctl provision --env dev --dry-run\n"
	"          nexusctl provision --env dev\n"
	"          nexusctl provision --fix\n"
	"\n"
	"Exit status: 0 all is as above, 1 something differs or failed, 64 usage,\n"
	"78 configuration.\n";

/* ---- Where a queue is to be that no URL names yet ---- */

static const char *region_from(const struct settings *settings, const char *profile)
{
	const char *region = settings->queue.region;

	if (!region)
		region = credentials_getenv(getenv, "AWS_REGION");
	if (!region)
		region = credentials_getenv(getenv, "AWS_DEFAULT_REGION");
	return region ? region : profile;
}

/* The account in it is SQS' to know: nothing is asked by this URL. */
static int put_url_together(const struct settings *settings, const char *name, struct strbuf *ret)
{
	_cleanup_free_ char *profile = NULL;
	char text[CREDENTIALS_TEXT_MAX];

	if (settings->queue.endpoint)
		return strbuf_printf(ret, "%s/000000000000/%s", settings->queue.endpoint, name);
	profile_region(getenv, &profile, text);
	const char *region = region_from(settings, profile);
	if (!region)
		return -ENOENT;
	return strbuf_printf(
		ret, "https://sqs.%s.%s/000000000000/%s", region, partition_suffix(region), name);
}

/*
 * Settings want a queue's URL. Where there is none yet they get one by way of the environment, as
 * if it had been given there. ret_configured: there is one. 0 or an exit status.
 */
static int provide_url(const struct ctl *ctl, const struct blueprint *named, bool *ret_configured)
{
	_cleanup_strbuf_ struct strbuf problems = STRBUF_INIT, warnings = STRBUF_INIT;
	_cleanup_(settings_freep) struct settings *settings = NULL;
	_cleanup_strbuf_ struct strbuf url = STRBUF_INIT;

	int r = ctl_load(ctl, &problems, &warnings, &settings);
	if (!settings)
		return ctl_fail(EXIT_FAILURE, "%s", strerror(-r));
	*ret_configured = settings->origins[keys_find("queue", "url") - keys] != NULL;
	if (*ret_configured)
		return 0;
	if (!named)
		return ctl_usage("provision", "no [queue] url is configured: say with --env which "
					      "queues are to be made");
	r = put_url_together(settings, named->jobs.name, &url);
	if (r == -ENOENT)
		return ctl_fail(EXIT_FAILURE, "no region is known in which the queues are to be: "
					      "set AWS_REGION or [queue] region");
	if (r < 0 || setenv("NEXUS_QUEUE_URL", strbuf_str(&url), true) < 0)
		return ctl_fail(EXIT_FAILURE, "out of memory");
	return 0;
}

/* ---- The command ---- */

/* What is given by both the URL and --env has to be the same queue. */
static int plan(const struct settings *settings, const char *environment, bool configured,
	struct provision_queues *what)
{
	const char *name = queue_url_name(settings->queue.url);

	if (configured)
		what->url = settings->queue.url;
	if (!environment && blueprint_for_queue(name, &what->blueprint) < 0)
		return ctl_fail(EXIT_FAILURE,
			"queue %s: the name for a dead letter queue beside it would be too long: "
			"make that by hand, and name it in the redrive policy",
			name);
	if (environment && configured && strcmp(name, what->blueprint.jobs.name) != 0)
		return ctl_usage("provision",
			"--env %s means the queue %s, but [queue] url names %s: leave out one of "
			"the two",
			environment, what->blueprint.jobs.name, name);
	return 0;
}

static int provision(
	struct provision *p, const struct settings *settings, const struct provision_queues *what)
{
	_cleanup_(client_closep) struct client *client = NULL;

	interrupt_catch();
	int status = client_open(settings, &client);
	if (status == EXIT_SUCCESS)
		status = provision_queues(p, client, what);
	if (interrupted())
		return status;
	int table = provision_table(p, settings);
	return status != EXIT_SUCCESS ? status : table;
}

static int parse(int argc, char **argv, struct provision *p, const char **ret_environment)
{
	static const struct option options[] = {
		{"env", required_argument, NULL, 'e'},
		{"fix", no_argument, NULL, 'f'},
		{"dry-run", no_argument, NULL, 'n'},
		{0},
	};
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case 'e':
			*ret_environment = optarg;
			break;
		case 'f':
			p->fix = true;
			break;
		case 'n':
			p->dry_run = true;
			break;
		default:
			return ctl_usage("provision", NULL);
		}
	}
	return optind < argc ? ctl_usage("provision", "%s: not an option", argv[optind]) : 0;
}

int ctl_provision(const struct ctl *ctl, int argc, char **argv)
{
	struct provision p = {.ctl = ctl};
	struct provision_queues what = {0};
	const char *environment = NULL;
	bool configured = false;

	int status = parse(argc, argv, &p, &environment);
	if (status != 0)
		return status;
	what.named = environment != NULL;
	if (environment && blueprint_for_environment(environment, &what.blueprint) < 0)
		return ctl_usage("provision",
			"--env %s: accepted are letters, digits, - and _, at most 65 of them",
			environment);
	status = provide_url(ctl, environment ? &what.blueprint : NULL, &configured);
	if (status != 0)
		return status;
	_cleanup_(settings_freep) struct settings *settings = ctl_settings(ctl, &status);
	if (!settings)
		return status;
	status = plan(settings, environment, configured, &what);
	if (status == 0)
		status = provision(&p, settings, &what);
	return status == 0 && p.differs ? EXIT_FAILURE : status;
}

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/queue_url.h"
#include "ctl/ask.h"
#include "ctl/blueprint.h"
#include "ctl/desk.h"
#include "ctl/interrupt.h"
#include "ctl/news.h"
#include "ctl/schema.h"
#include "ctl/site.h"

const char ctl_teardown_help[] =
	"Usage: nexusctl teardown [--force] [--table[=DATABASE]] [--yes] [--dry-run]\n"
	"\n"
	"Deletes the queue of [queue] url and its dead letter queue, after asking. A dead\n"
	"letter queue that other queues have too is kept.\n"
	"\n"
	"Refused while there are messages in either queue, or rows that are processing.\n"
	"Dead letters can be saved first: nexusctl dlq purge.\n"
	"\n"
	"  --force             delete them all the same, and also while the database is\n"
	"                      away; asks, too\n"
	"  --table[=DATABASE]  drop the job table and its enum as well, which belong to\n"
	"                      the web application too. This is asked for apart, whatever\n"
	"                      --yes says, unless the name of the database is given\n"
	"  --yes               do not ask\n"
	"  --dry-run           change nothing, and say what would be deleted\n"
	"\n"
	"SQS takes a minute to forget a queue; none of its name can be made until then.\n"
	"With --json each line has result (deleted, would delete, not there, kept), kind,\n"
	"name, attribute, detail, fix.\n"
	"\n"
	"It needs sqs:GetQueueUrl, sqs:GetQueueAttributes, sqs:DeleteQueue and\n"
	"sqs:ListDeadLetterSourceQueues; and for --table to be the table's owner.\n"
	"\n"
	"Examples: nexusctl teardown --dry-run\n"
	"          nexusctl teardown\n"
	"          nexusctl teardown --yes --force --table=nexus_dev\n"
	"\n"
	"Exit status: 0 done, or nothing was there; 1 refused or failed, 64 usage,\n"
	"78 configuration.\n";

#define NO_TABLE "42P01"

struct teardown {
	bool dry_run;
	bool yes;
	bool force;
	bool table;           /* drop that too */
	const char *table_of; /* in the database of that name; NULL: it is asked */

	struct desk desk;
	struct blueprint blueprint;
	struct site jobs;
	struct site dead; /* name NULL: none can be */
	char *sharer;     /* a queue that has it too; NULL: none */
	bool has_table;
	uint64_t n_rows;
	uint64_t n_processing;
};

static void teardown_done(struct teardown *t)
{
	site_done(&t->jobs);
	site_done(&t->dead);
	free(t->sharer);
	desk_close(&t->desk);
}

/* ---- What is there ---- */

/* Another queue that has the same dead letter queue; NULL: none. ret: owned. */
static int teardown_find_sharer(struct teardown *t, char **ret)
{
	json_auto_t *answer = NULL;
	const json_t *url;
	size_t i;

	if (!t->dead.attributes)
		return EXIT_SUCCESS;
	if (client_ask(t->desk.client, SQS_LIST_SOURCES, t->dead.url,
		    json_pack("{s:s}", "QueueUrl", t->dead.url), &answer) != SQS_OK)
		return ctl_fail(EXIT_FAILURE, "%s", client_error(t->desk.client));
	json_array_foreach (json_object_get(answer, "queueUrls"), i, url) {
		const char *name =
			queue_url_name(json_string_value(url) ? json_string_value(url) : "");
		if (!*ret && strcmp(name, t->jobs.name) != 0)
			*ret = strdup(name);
	}
	return EXIT_SUCCESS;
}

static int teardown_look_at_queues(struct teardown *t)
{
	t->jobs.name = queue_url_name(t->desk.settings->queue.url);
	t->jobs.url = strdup(t->desk.settings->queue.url);
	if (!t->jobs.url)
		return ctl_fail(EXIT_FAILURE, "out of memory");
	int status = site_find(t->desk.client, &t->jobs);
	if (status != EXIT_SUCCESS)
		return status;
	if (site_follow(&t->jobs, &t->dead))
		t->dead.name = queue_url_name(t->dead.url);
	else if (blueprint_for_queue(t->jobs.name, &t->blueprint) == 0)
		t->dead.name = t->blueprint.dead_letters.name;
	else
		return EXIT_SUCCESS;
	status = site_find(t->desk.client, &t->dead);
	return status == EXIT_SUCCESS ? teardown_find_sharer(t, &t->sharer) : status;
}

static int teardown_look_at_rows(struct teardown *t)
{
	int status = database_open(t->desk.settings, &t->desk.database);
	if (status != EXIT_SUCCESS)
		return status;
	_cleanup_result_ PGresult *result = database_try(t->desk.database,
		"SELECT count(*), count(*) FILTER (WHERE status::text = 'processing')"
		" FROM background_jobs",
		NULL, 0);
	t->has_table = result != NULL;
	if (!result && strcmp(database_sqlstate(t->desk.database), NO_TABLE) != 0)
		return ctl_fail(EXIT_FAILURE, "%s", database_error(t->desk.database));
	if (result) {
		t->n_rows = strtoull(PQgetvalue(result, 0, 0), NULL, 10);
		t->n_processing = strtoull(PQgetvalue(result, 0, 1), NULL, 10);
	}
	return EXIT_SUCCESS;
}

static bool goes(const struct teardown *t, const struct site *site)
{
	return site->attributes && !(site == &t->dead && t->sharer);
}

static int teardown_judge(const struct teardown *t)
{
	uint64_t jobs = site_messages(&t->jobs),
		 dead = goes(t, &t->dead) ? site_messages(&t->dead) : 0;

	if (t->force || jobs + dead + t->n_processing == 0)
		return EXIT_SUCCESS;
	return ctl_fail(EXIT_FAILURE,
		"refused: %" PRIu64 " messages, %" PRIu64 " dead letters and %" PRIu64
		" rows that are processing are there; nexusctl dlq purge saves dead letters, "
		"--force deletes all the same",
		jobs, dead, t->n_processing);
}

/* ---- Asking ---- */

static int teardown_ask(const struct teardown *t)
{
	bool both = goes(t, &t->dead) && t->jobs.attributes;
	int status = EXIT_SUCCESS;

	if (both)
		status = ask(t->yes,
			"Delete the queue %s (%" PRIu64 " messages) and its dead letter queue %s "
			"(%" PRIu64 ")?",
			t->jobs.name, site_messages(&t->jobs), t->dead.name,
			site_messages(&t->dead));
	else if (goes(t, &t->dead) || t->jobs.attributes)
		status = ask(t->yes, "Delete the queue %s (%" PRIu64 " messages)?",
			t->jobs.attributes ? t->jobs.name : t->dead.name,
			site_messages(t->jobs.attributes ? &t->jobs : &t->dead));
	if (status == EXIT_SUCCESS && t->table && t->has_table)
		status = ask_apart(t->table_of, "--table=DATABASE",
			"Drop the table background_jobs (%" PRIu64
			" rows), which is the web application's too, in the database %s?",
			t->n_rows, PQdb(database_connection(t->desk.database)));
	return status;
}

/* ---- Deleting ---- */

static void tell(const struct teardown *t, const char *result, const char *kind, const char *name,
	const char *detail)
{
	const struct news news = {.result = result, .kind = kind, .name = name, .detail = detail};

	news_tell(t->desk.ctl, &news);
}

static int teardown_delete(struct teardown *t, const struct site *site)
{
	_cleanup_strbuf_ struct strbuf why = STRBUF_INIT;
	enum sqs_result result = SQS_OK;

	if (site->name && !site->attributes) {
		tell(t, "not there", "queue", site->name, NULL);
	} else if (site->name && !goes(t, site)) {
		strbuf_printf(&why, "it is the dead letter queue of %s too", t->sharer);
		tell(t, "kept", "queue", site->name, strbuf_str(&why));
	} else if (site->name) {
		if (!t->dry_run)
			result = client_ask(t->desk.client, SQS_DELETE_QUEUE, site->url,
				json_pack("{s:s}", "QueueUrl", site->url), NULL);
		if (result != SQS_OK && result != SQS_NO_QUEUE)
			return ctl_fail(EXIT_FAILURE, "%s", client_error(t->desk.client));
		tell(t, t->dry_run ? "would delete" : "deleted", "queue", site->name, NULL);
	}
	return EXIT_SUCCESS;
}

static int teardown_drop(struct teardown *t)
{
	if (!t->has_table) {
		tell(t, "not there", "table", "background_jobs", NULL);
		return EXIT_SUCCESS;
	}
	if (!t->dry_run && schema_drop(t->desk.database) < 0)
		return ctl_fail(EXIT_FAILURE, "%s", database_error(t->desk.database));
	tell(t, t->dry_run ? "would delete" : "deleted", "table", "background_jobs",
		"and the enum job_status");
	return EXIT_SUCCESS;
}

/* The dead letter queue first: once more, and it is found by way of the other. */
static int teardown_carry_out(struct teardown *t)
{
	int status = teardown_delete(t, &t->dead);

	if (status == EXIT_SUCCESS && interrupted())
		return ctl_fail(EXIT_FAILURE, "interrupted: the queue %s is left", t->jobs.name);
	if (status == EXIT_SUCCESS)
		status = teardown_delete(t, &t->jobs);
	if (status != EXIT_SUCCESS || !t->table)
		return status;
	if (interrupted())
		return ctl_fail(EXIT_FAILURE, "interrupted: the job table is left");
	return teardown_drop(t);
}

/* ---- The command ---- */

static int teardown_look_at_database(struct teardown *t)
{
	int status = teardown_look_at_rows(t);

	/* It may be gone already, as all of an environment is to be; that was said. */
	if (status != EXIT_SUCCESS && t->force && !t->table)
		return EXIT_SUCCESS;
	if (status != EXIT_SUCCESS || !t->table_of)
		return status;
	const char *name = PQdb(database_connection(t->desk.database));
	if (strcmp(t->table_of, name) == 0)
		return EXIT_SUCCESS;
	return ctl_usage(
		"teardown", "--table=%s: the configured database is %s", t->table_of, name);
}

static int teardown_run(struct teardown *t)
{
	int status = teardown_look_at_queues(t);

	if (status == EXIT_SUCCESS)
		status = teardown_look_at_database(t);
	if (status != EXIT_SUCCESS)
		return status;
	int refused = teardown_judge(t);
	if (t->dry_run) {
		status = teardown_carry_out(t);
		return refused ? refused : status;
	}
	status = refused ? refused : teardown_ask(t);
	return status == EXIT_SUCCESS ? teardown_carry_out(t) : status;
}

static int parse(int argc, char **argv, struct teardown *t)
{
	static const struct option options[] = {
		{"force", no_argument, NULL, 'f'},
		{"table", optional_argument, NULL, 't'},
		{"yes", no_argument, NULL, 'y'},
		{"dry-run", no_argument, NULL, 'n'},
		{0},
	};
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case 'f':
			t->force = true;
			break;
		case 't':
			t->table = true;
			t->table_of = optarg;
			break;
		case 'y':
			t->yes = true;
			break;
		case 'n':
			t->dry_run = true;
			break;
		default:
			return ctl_usage("teardown", NULL);
		}
	}
	return optind < argc ? ctl_usage("teardown", "%s: not an option", argv[optind]) : 0;
}

int ctl_teardown(const struct ctl *ctl, int argc, char **argv)
{
	_cleanup_(teardown_done) struct teardown t = {0};

	int status = parse(argc, argv, &t);
	if (status != 0)
		return status;
	status = desk_open(&t.desk, ctl, DESK_QUEUE);
	return status == EXIT_SUCCESS ? teardown_run(&t) : status;
}

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "aws/queue_url.h"
#include "ctl/attributes.h"
#include "ctl/client.h"
#include "ctl/ctl.h"
#include "ctl/database.h"
#include "ctl/interrupt.h"
#include "ctl/listing.h"
#include "ctl/wrap.h"

const char ctl_queue_help[] =
	"Usage: nexusctl queue\n"
	"\n"
	"Shows the queue and its dead letter queue side by side, the rows by status, and\n"
	"what does not fit together. SQS counts approximately; nothing is received.\n"
	"\n"
	"With --json each line has kind: queue (role: jobs or dead letters, name, url,\n"
	"visible, in_flight, delayed, visibility_seconds, retention_seconds,\n"
	"wait_seconds, max_receives: 0 without a redrive policy), rows (pending,\n"
	"processing, completed, failed) or finding (finding: what does not fit).\n"
	"\n"
	"Examples: nexusctl queue\n"
	"          nexusctl --json queue | jq 'select(.kind == \"queue\") | .visible'\n"
	"\n"
	"Exit status: 0 shown, 1 something could not be asked, 64 usage,\n"
	"78 configuration.\n";

/* A queue's attributes as SQS has them; NULL: they cannot be asked. */
struct seen {
	const char *url;
	json_t *attributes;
};

struct view {
	struct seen queue;
	struct seen dead; /* url NULL: there is none */
	struct rows {
		uint64_t pending, processing, completed, failed;
	} rows;
	bool has_rows;
};

/* ---- For people ---- */

static void show_row(const struct view *view, const char *title, const char *attribute, bool time)
{
	char cells[2][CLOCK_DURATION_MAX] = {"-", "-"};
	const struct seen *seen[] = {&view->queue, &view->dead};

	for (size_t i = 0; i < 2 && seen[i]->url; i++) {
		uint64_t n = attributes_number(seen[i]->attributes, attribute);
		if (!seen[i]->attributes)
			snprintf(cells[i], sizeof cells[i], "?");
		else if (time)
			clock_format_duration(n * USEC_PER_SEC, cells[i]);
		else
			snprintf(cells[i], sizeof cells[i], "%" PRIu64, n);
	}
	printf("%-14s  %30s  %30s\n", title, cells[0], cells[1]);
}

static void show(const struct view *view)
{
	int receives = attributes_receives(view->queue.attributes);

	printf("%-14s  %30s  %30s\n", "", queue_url_name(view->queue.url),
		view->dead.url ? queue_url_name(view->dead.url) : "no dead letter queue");
	show_row(view, "visible", "ApproximateNumberOfMessages", false);
	show_row(view, "in flight", "ApproximateNumberOfMessagesNotVisible", false);
	show_row(view, "delayed", "ApproximateNumberOfMessagesDelayed", false);
	show_row(view, "visibility", "VisibilityTimeout", true);
	show_row(view, "retention", "MessageRetentionPeriod", true);
	show_row(view, "long poll", "ReceiveMessageWaitTimeSeconds", true);
	if (receives > 0)
		printf("%-14s  %21s%9d\n", "dead after", "receives ", receives);
	if (view->has_rows)
		printf("rows            pending %" PRIu64 ", processing %" PRIu64
		       ", completed %" PRIu64 ", failed %" PRIu64 "\n",
			view->rows.pending, view->rows.processing, view->rows.completed,
			view->rows.failed);
}

/* ---- For programs ---- */

static void put_queue(const struct seen *seen, const char *role)
{
	listing_put_json(json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:i}",
		"kind", "queue", "role", role, "name", queue_url_name(seen->url), "url", seen->url,
		"visible",
		(json_int_t)attributes_number(seen->attributes, "ApproximateNumberOfMessages"),
		"in_flight",
		(json_int_t)attributes_number(
			seen->attributes, "ApproximateNumberOfMessagesNotVisible"),
		"delayed",
		(json_int_t)attributes_number(
			seen->attributes, "ApproximateNumberOfMessagesDelayed"),
		"visibility_seconds",
		(json_int_t)attributes_number(seen->attributes, "VisibilityTimeout"),
		"retention_seconds",
		(json_int_t)attributes_number(seen->attributes, "MessageRetentionPeriod"),
		"wait_seconds",
		(json_int_t)attributes_number(seen->attributes, "ReceiveMessageWaitTimeSeconds"),
		"max_receives", attributes_receives(seen->attributes)));
}

static void put(const struct view *view)
{
	put_queue(&view->queue, "jobs");
	if (view->dead.attributes)
		put_queue(&view->dead, "dead letters");
	if (view->has_rows)
		listing_put_json(json_pack("{s:s, s:I, s:I, s:I, s:I}", "kind", "rows", "pending",
			(json_int_t)view->rows.pending, "processing",
			(json_int_t)view->rows.processing, "completed",
			(json_int_t)view->rows.completed, "failed", (json_int_t)view->rows.failed));
}

/* ---- What does not fit together ---- */

static void find(const struct ctl *ctl, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void find(const struct ctl *ctl, const char *format, ...)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	va_list args;

	va_start(args, format);
	strbuf_vprintf(&text, format, args);
	va_end(args);
	if (ctl->json)
		listing_put_json(
			json_pack("{s:s, s:s}", "kind", "finding", "finding", strbuf_str(&text)));
	else
		wrap_print(stdout, 2, "! %s", strbuf_str(&text));
}

static void find_in_queues(const struct ctl *ctl, const struct view *view)
{
	if (!view->dead.url)
		find(ctl, "no redrive policy: what always fails comes again for ever: nexusctl "
			  "provision --fix");
	if (!view->dead.attributes)
		return;
	uint64_t dead = attributes_messages(view->dead.attributes);
	if (dead > 0)
		find(ctl, "%" PRIu64 " dead letters: nexusctl dlq list", dead);
	if (attributes_number(view->dead.attributes, "MessageRetentionPeriod") <=
		attributes_number(view->queue.attributes, "MessageRetentionPeriod"))
		find(ctl, "dead letters are kept no longer than messages, and that counts from "
			  "when they were sent: nexusctl provision --fix");
}

static void find_in_rows(const struct ctl *ctl, const struct view *view)
{
	uint64_t open = view->rows.pending + view->rows.processing;
	uint64_t messages = attributes_messages(view->queue.attributes);

	if (open > messages)
		find(ctl,
			"%" PRIu64 " rows are pending or processing, but there are %" PRIu64
			" messages: nexusctl reconcile",
			open, messages);
	if (view->rows.processing >
		attributes_number(view->queue.attributes, "ApproximateNumberOfMessagesNotVisible"))
		find(ctl,
			"%" PRIu64 " rows are processing, but fewer messages are in flight: "
			"nexusctl job list --status processing",
			view->rows.processing);
}

/* ---- Asking ---- */

static int view_ask_queue(struct client *client, struct seen *seen)
{
	if (client_attributes(client, seen->url, &seen->attributes) == SQS_OK)
		return EXIT_SUCCESS;
	return ctl_fail(EXIT_FAILURE, "%s", client_error(client));
}

static int view_ask_rows(struct view *view, const struct settings *settings)
{
	_cleanup_(database_closep) struct database *database = NULL;

	int status = database_open(settings, &database);
	if (status != EXIT_SUCCESS)
		return status;
	_cleanup_result_ PGresult *result = database_query(
		database, "SELECT status, count(*) FROM background_jobs GROUP BY status", NULL, 0);
	if (!result)
		return EXIT_FAILURE;
	for (int i = 0; i < PQntuples(result); i++) {
		const char *name = PQgetvalue(result, i, 0);
		uint64_t n = strtoull(PQgetvalue(result, i, 1), NULL, 10);
		if (strcmp(name, "pending") == 0)
			view->rows.pending = n;
		else if (strcmp(name, "processing") == 0)
			view->rows.processing = n;
		else if (strcmp(name, "completed") == 0)
			view->rows.completed = n;
		else if (strcmp(name, "failed") == 0)
			view->rows.failed = n;
	}
	view->has_rows = true;
	return EXIT_SUCCESS;
}

/* What cannot be asked is said, and the rest is shown. */
static int view_ask(struct view *view, struct client *client, const struct settings *settings)
{
	char *dead = NULL;

	view->queue.url = settings->queue.url;
	int status = view_ask_queue(client, &view->queue);
	if (status != EXIT_SUCCESS)
		return status;
	if (client_dead_letters(client, view->queue.url, &dead) != SQS_OK)
		status = ctl_fail(EXIT_FAILURE, "%s", client_error(client));
	view->dead.url = dead;
	if (dead && view_ask_queue(client, &view->dead) != EXIT_SUCCESS)
		status = EXIT_FAILURE;
	if (view_ask_rows(view, settings) != EXIT_SUCCESS)
		status = EXIT_FAILURE;
	return status;
}

static void view_show(const struct view *view, const struct ctl *ctl)
{
	if (!view->queue.attributes)
		return;
	if (ctl->json)
		put(view);
	else
		show(view);
	find_in_queues(ctl, view);
	if (view->has_rows)
		find_in_rows(ctl, view);
}

static void view_done(struct view *view)
{
	json_decref(view->queue.attributes);
	json_decref(view->dead.attributes);
	free((char *)view->dead.url);
}

int ctl_queue(const struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {{0}};
	_cleanup_(view_done) struct view view = {0};
	_cleanup_(client_closep) struct client *client = NULL;
	int status;

	optind = 0;
	if (getopt_long(argc, argv, "", options, NULL) >= 0)
		return ctl_usage("queue", NULL);
	if (optind < argc)
		return ctl_usage("queue", "%s: one queue only, the configured one", argv[optind]);
	_cleanup_(settings_freep) struct settings *settings = ctl_settings(ctl, &status);
	if (!settings)
		return status;
	interrupt_catch();
	status = client_open(settings, &client);
	if (status != EXIT_SUCCESS)
		return status;
	status = view_ask(&view, client, settings);
	view_show(&view, ctl);
	return status;
}

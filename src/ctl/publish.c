#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/uuid.h"
#include "ctl/body.h"
#include "ctl/client.h"
#include "ctl/ctl.h"
#include "ctl/database.h"
#include "ctl/follow.h"
#include "ctl/interrupt.h"
#include "ctl/listing.h"
#include "ctl/row.h"
#include "ctl/when.h"

const char ctl_publish_help[] =
	"Usage: nexusctl publish TYPE [PAYLOAD] [--job ID] [--wait] [--timeout DURATION]\n"
	"                        [--message-only]\n"
	"\n"
	"Publishes a job as the web application does: a row that is pending first, and once that "
	"is\n"
	"committed the message. PAYLOAD is JSON ({} without one), @FILE, or - for stdin. Tells "
	"the\n"
	"job's id and its message's. Where the message cannot be sent the row stays, pending:\n"
	"'nexusctl reconcile --resend' sends it later.\n"
	"\n"
	"  --job ID            the job's id (a random UUID)\n"
	"  --wait              follow the row to its end: completed, or failed for as many times "
	"as\n"
	"                      the queue gives a message; then show it\n"
	"  --timeout DURATION  for how long to wait at most (10min)\n"
	"  --message-only      send a message without making a row\n"
	"\n"
	"With --json: {\"job_id\", \"type\", \"message_id\"}; with --wait the row as a second "
	"object,\n"
	"whose members are named as its columns.\n"
	"\n"
	"Examples: nexusctl publish test-echo --wait\n"
	"          nexusctl publish test-echo '{\"delayMs\": 50}' --job test-123\n"
	"          nexusctl --json publish generate-thumbnail @payload.json | jq -r .job_id\n"
	"\n"
	"Exit status: 0 published (with --wait: and completed), 1 not, or not yet, 64 usage,\n"
	"78 configuration.\n";

struct publish {
	const struct ctl *ctl;
	const char *type;
	const char *payload;
	const char *id;
	bool wait;
	bool message_only;
	usec_t timeout;

	struct strbuf body;
	struct message message;
	struct client *client;
	struct database *database; /* NULL: not needed */
};

static int publish_row(struct publish *publish)
{
	_cleanup_free_ char *payload = strndup(
		publish->body.data + publish->message.payload_offset, publish->message.payload_len);

	if (!payload)
		return ctl_fail(EXIT_FAILURE, "out of memory");
	return row_insert(publish->database, publish->id, publish->type, payload);
}

static int publish_message(struct publish *publish, const char *url, char **ret_id)
{
	const struct sqs_send what = {
		.queue_url = url,
		.body = publish->body.data,
		.body_len = publish->body.len,
	};

	enum sqs_result result = client_send(publish->client, &what, ret_id);
	if (result == SQS_OK)
		return EXIT_SUCCESS;
	const char *sent = result == SQS_UNREACHABLE ? "may not have been sent" : "was not sent";
	const char *why = client_error(publish->client);
	if (publish->message_only)
		return ctl_fail(EXIT_FAILURE, "the message %s: %s", sent, why);
	return ctl_fail(EXIT_FAILURE,
		"the message %s: %s; the row of job %s stays pending: nexusctl reconcile --resend",
		sent, why, publish->id);
}

static void publish_show(const struct publish *publish, const char *message_id)
{
	if (publish->ctl->json)
		listing_put_json(json_pack("{s:s, s:s, s:s}", "job_id", publish->id, "type",
			publish->type, "message_id", message_id));
	else
		printf("job      %s\nmessage  %s\n", publish->id, message_id);
	fflush(stdout);
}

static int publish_all(struct publish *publish, const struct settings *settings)
{
	_cleanup_free_ char *message_id = NULL;
	struct follow follow_it = {.id = publish->id, .timeout = publish->timeout};

	/* Everything that could fail before anything is changed. */
	int status = client_open(settings, &publish->client);
	if (status == EXIT_SUCCESS && (!publish->message_only || publish->wait))
		status = database_open(settings, &publish->database);
	if (status == EXIT_SUCCESS && publish->wait)
		follow_it.receives = follow_receives(publish->client, settings->queue.url);
	if (status == EXIT_SUCCESS && !publish->message_only)
		status = publish_row(publish);
	if (status == EXIT_SUCCESS)
		status = publish_message(publish, settings->queue.url, &message_id);
	if (status != EXIT_SUCCESS)
		return status;
	publish_show(publish, message_id);
	return publish->wait ? follow(publish->ctl, publish->database, &follow_it) : EXIT_SUCCESS;
}

static void publish_done(struct publish *publish)
{
	database_close(publish->database);
	client_close(publish->client);
	strbuf_done(&publish->body);
}

/* ---- The command line ---- */

static int publish_parse(struct publish *publish, int argc, char **argv)
{
	static const struct option options[] = {
		{"job", required_argument, NULL, 'j'},
		{"wait", no_argument, NULL, 'w'},
		{"timeout", required_argument, NULL, 't'},
		{"message-only", no_argument, NULL, 'm'},
		{0},
	};
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case 'j':
			publish->id = optarg;
			break;
		case 'w':
			publish->wait = true;
			break;
		case 't':
			if (when_parse_duration(optarg, &publish->timeout) < 0)
				return ctl_usage("publish",
					"--timeout %s: accepted is a duration (30s, 5min)", optarg);
			break;
		case 'm':
			publish->message_only = true;
			break;
		default:
			return ctl_usage("publish", NULL);
		}
	}
	if (optind == argc)
		return ctl_usage("publish", "which job type?");
	publish->type = argv[optind++];
	publish->payload = optind < argc ? argv[optind++] : NULL;
	return optind < argc ? ctl_usage("publish", "%s: one payload at a time", argv[optind])
			     : EXIT_SUCCESS;
}

int ctl_publish(const struct ctl *ctl, int argc, char **argv)
{
	_cleanup_(publish_done) struct publish publish = {
		.ctl = ctl,
		.timeout = FOLLOW_TIMEOUT_USUAL,
		.body = STRBUF_INIT,
	};
	char id[UUID_MAX];

	uuid_make(id);
	publish.id = id;
	int status = publish_parse(&publish, argc, argv);
	if (status == EXIT_SUCCESS)
		status = body_compose("publish", publish.id, publish.type, publish.payload,
			&publish.body, &publish.message);
	if (status != EXIT_SUCCESS)
		return status;
	_cleanup_(settings_freep) struct settings *settings = ctl_settings(ctl, &status);
	if (!settings)
		return status;
	interrupt_catch();
	return publish_all(&publish, settings);
}

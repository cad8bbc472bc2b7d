#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/uuid.h"
#include "ctl/body.h"
#include "ctl/ctl.h"
#include "ctl/follow.h"
#include "ctl/row.h"
#include "ctl/send.h"
#include "ctl/when.h"

const char ctl_publish_help[] =
	"Usage: nexusctl publish TYPE [PAYLOAD] [--job ID] [--wait] [--timeout DURATION]\n"
	"                        [--message-only]\n"
	"\n"
	"Publishes a job as the web application does: first a row, pending, and once\n"
	"that is committed the message. PAYLOAD is JSON ({} without one), @FILE, or -\n"
	"for stdin. Tells the job's id and its message's. Where the message cannot be\n"
	"sent the row stays, pending: 'nexusctl reconcile --resend' sends it later.\n"
	"\n"
	"  --job ID            the job's id (a random UUID)\n"
	"  --wait              follow the row to its end, and show it: completed, or\n"
	"                      failed as often as the queue gives a message\n"
	"  --timeout DURATION  how long to wait at most (10min)\n"
	"  --message-only      send a message without making a row\n"
	"\n"
	"With --json: job_id, type and message_id; with --wait the row as a second\n"
	"object, whose members are named as its columns.\n"
	"\n"
	"Examples: nexusctl publish test-echo --wait\n"
	"          nexusctl publish test-echo '{\"delayMs\": 50}' --job test-123\n"
	"          nexusctl --json publish generate-thumbnail @job.json | jq -r .job_id\n"
	"\n"
	"Exit status: 0 published (and completed, with --wait), 1 not, or not in time,\n"
	"64 usage, 78 configuration.\n";

struct publish {
	const char *type;
	const char *payload;
	const char *id;
	bool wait;
	bool message_only;
	usec_t timeout;
};

static int publish_row(struct desk *desk, const struct publish *publish, const struct strbuf *body,
	const struct message *message)
{
	_cleanup_free_ char *payload =
		strndup(body->data + message->payload_offset, message->payload_len);

	if (!payload)
		return ctl_fail(EXIT_FAILURE, "out of memory");
	return row_insert(desk->database, publish->id, publish->type, payload);
}

static int publish_job(struct desk *desk, const struct publish *publish, const struct strbuf *body,
	const struct message *message)
{
	const char *row_id = publish->message_only ? NULL : publish->id;
	struct follow job = {.id = publish->id, .timeout = publish->timeout};
	_cleanup_free_ char *message_id = NULL;
	int status = EXIT_SUCCESS;

	if (publish->wait)
		job.receives = follow_receives(desk->client, desk->settings->queue.url);
	if (row_id)
		status = publish_row(desk, publish, body, message);
	if (status == EXIT_SUCCESS)
		status = send_message(desk, body, row_id, &message_id);
	if (status != EXIT_SUCCESS)
		return status;
	send_show(desk->ctl, publish->id, publish->type, message_id);
	return publish->wait ? follow(desk->ctl, desk->database, &job) : EXIT_SUCCESS;
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
	struct publish publish = {.timeout = FOLLOW_TIMEOUT_USUAL};
	_cleanup_strbuf_ struct strbuf body = STRBUF_INIT;
	_cleanup_(desk_close) struct desk desk = {0};
	struct message message;
	char id[UUID_MAX];

	uuid_make(id);
	publish.id = id;
	int status = publish_parse(&publish, argc, argv);
	if (status == EXIT_SUCCESS)
		status = body_compose(
			"publish", publish.id, publish.type, publish.payload, &body, &message);
	if (status != EXIT_SUCCESS)
		return status;
	int wanted =
		publish.message_only && !publish.wait ? DESK_QUEUE : DESK_QUEUE | DESK_DATABASE;
	status = desk_open(&desk, ctl, wanted);
	return status == EXIT_SUCCESS ? publish_job(&desk, &publish, &body, &message) : status;
}

#include "ctl/client_parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "ctl/ctl.h"
#include "ctl/interrupt.h"

enum sqs_result client_note(
	struct client *client, enum sqs_result result, const char *code, const char *text)
{
	client->result = result;
	snprintf(client->code, sizeof client->code, "%s", code);
	snprintf(client->text, sizeof client->text, "%s", text);
	return result;
}

enum sqs_result client_fail(struct client *client, int r)
{
	return client_note(client, SQS_UNREACHABLE, "", strerrordesc_np(-r));
}

/* ---- A queue ---- */

static void line_tell_region(struct client *client, struct line *line)
{
	const char *region = identity_region(client->identity);

	sqs_set_region_complaint(line->sqs, identity_region_complaint(client->identity));
	if (region[0] && sqs_set_region(line->sqs, region) < 0)
		sqs_set_region_complaint(line->sqs, "out of memory");
}

static void on_identity(void *userdata)
{
	struct client *client = userdata;
	struct line *line;

	/* The first news may come before identity_new() has returned. */
	if (client->identity)
		LIST_FOREACH(line, &client->lines, link)
	line_tell_region(client, line);
}

static struct line *line_free(struct line *line)
{
	if (!line)
		return NULL;
	sqs_free(line->sqs);
	free(line->url);
	free(line);
	return NULL;
}
DEFINE_CLEANUP(struct line *, line_free)

static int line_new(struct client *client, const char *url, struct line **ret)
{
	const struct sqs_options options = {
		.queue_url = url,
		.endpoint = client->settings->queue.endpoint,
		.region = "",
		.plain = true, /* conf refuses it where nobody asked for it */
	};
	_cleanup_(line_freep) struct line *line = calloc(1, sizeof *line);

	if (!line || !(line->url = strdup(url)))
		return -ENOMEM;
	int r = sqs_new(client->http, identity_credentials(client->identity),
		identity_skew(client->identity), &options, &line->sqs);
	if (r < 0)
		return r;
	line_tell_region(client, line);
	LIST_INSERT_HEAD(&client->lines, line, link);
	*ret = TAKE_PTR(line);
	return 0;
}

/* ---- A question ---- */

int client_start(struct client *client, const char *url, struct sqs **ret)
{
	struct line *line;
	int r = 0;

	client->answered = false;
	client->call = NULL;
	LIST_FOREACH(line, &client->lines, link)
	if (strcmp(line->url, url) == 0)
		break;
	if (!line)
		r = line_new(client, url, &line);
	if (r == 0)
		*ret = line->sqs;
	return r;
}

enum sqs_result client_wait(struct client *client, int r)
{
	if (r < 0)
		return client_fail(client, r);
	while (!client->answered && !interrupted()) {
		r = sd_event_run(client->event, USEC_INFINITY);
		if (r < 0 && r != -EINTR)
			break;
	}
	if (client->answered)
		return client->result;
	sqs_cancel(client->call);
	return interrupted() ? client_note(client, SQS_UNREACHABLE, "", "interrupted")
			     : client_fail(client, r);
}

void client_end(struct client *client, const struct sqs_answer *answer)
{
	client->answered = true;
	client_note(client, answer->result, answer->code, answer->text);
}

/* ---- Its life ---- */

const char *client_region(const struct client *client)
{
	return identity_region(client->identity);
}

struct identity *client_identity(struct client *client)
{
	return client->identity;
}

bool client_clock(const struct client *client, int64_t *ret_usec)
{
	*ret_usec = client->clock_usec;
	return client->knows_clock;
}

const char *client_error(const struct client *client)
{
	return client->text;
}

const char *client_code(const struct client *client)
{
	return client->code;
}

static int client_build(struct client *client, char *complaint)
{
	const struct http_options http = {
		.user_agent = "nexusctl/" NEXUS_VERSION,
		.ca_bundle = credentials_getenv(getenv, "AWS_CA_BUNDLE"),
	};
	const struct identity_options identity = {
		.region = client->settings->queue.region,
		.complaint = complaint,
		.changed = on_identity,
		.userdata = client,
	};

	int r = sd_event_default(&client->event);
	if (r >= 0)
		r = http_new(client->event, &http, &client->http);
	if (r >= 0)
		r = identity_new(client->http, &identity, &client->identity);
	while (r >= 0 && !identity_is_settled(client->identity) && !interrupted()) {
		r = sd_event_run(client->event, USEC_INFINITY);
		r = r == -EINTR ? 0 : r;
	}
	return r;
}

int client_try_open(
	const struct settings *settings, struct client **ret, char ret_text[static CLIENT_TEXT_MAX])
{
	const struct log_options log = {
		.format = LOG_FORMAT_TEXT, .level = LOG_WARNING, .identifier = "nexusctl"};
	_cleanup_(client_closep) struct client *client = calloc(1, sizeof *client);
	char complaint[CREDENTIALS_TEXT_MAX] = "";

	log_open(&log);
	if (client)
		client->settings = settings;
	int r = client ? client_build(client, complaint) : -ENOMEM;
	if (r >= 0) {
		*ret = TAKE_PTR(client);
		return EXIT_SUCCESS;
	}
	snprintf(ret_text, CLIENT_TEXT_MAX, "%s", complaint[0] ? complaint : strerrordesc_np(-r));
	return EXIT_FAILURE;
}

int client_open(const struct settings *settings, struct client **ret)
{
	char text[CLIENT_TEXT_MAX];

	return client_try_open(settings, ret, text) == EXIT_SUCCESS
		       ? EXIT_SUCCESS
		       : ctl_fail(EXIT_FAILURE, "%s", text);
}

struct client *client_close(struct client *client)
{
	struct line *line;

	if (!client)
		return NULL;
	while ((line = LIST_FIRST(&client->lines))) {
		LIST_REMOVE(line, link);
		line_free(line);
	}
	identity_free(client->identity);
	http_free(client->http);
	sd_event_unref(client->event);
	free(client);
	return NULL;
}

#include "ctl/client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>
#include <systemd/sd-event.h>

#include "aws/queue_url.h"
#include "aws/sqs_fault.h"
#include "base/log.h"
#include "ctl/ctl.h"
#include "ctl/interrupt.h"
#include "daemon/identity.h"

/* A queue as somebody who receives and deletes there sees it. */
struct line {
	LIST_ENTRY(line) link;
	struct sqs *sqs;
	char *url;
};

struct client {
	const struct settings *settings;
	sd_event *event;
	struct http *http;
	struct identity *identity;
	LIST_HEAD(lines, line) lines;
	/* The question that is out. */
	struct sqs_call *call;
	bool answered;
	/* How the last one went. */
	enum sqs_result result;
	char text[SQS_FAULT_TEXT_MAX];
	char code[SQS_CODE_MAX];
	bool knows_clock;
	int64_t clock_usec;
};

static enum sqs_result client_note(
	struct client *client, enum sqs_result result, const char *code, const char *text)
{
	client->result = result;
	snprintf(client->code, sizeof client->code, "%s", code);
	snprintf(client->text, sizeof client->text, "%s", text);
	return result;
}

static enum sqs_result client_fail(struct client *client, int r)
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

static int client_line(struct client *client, const char *url, struct sqs **ret)
{
	struct line *line;
	int r = 0;

	LIST_FOREACH(line, &client->lines, link)
	if (strcmp(line->url, url) == 0)
		break;
	if (!line)
		r = line_new(client, url, &line);
	if (r == 0)
		*ret = line->sqs;
	return r;
}

/* ---- Waiting for an answer ---- */

/* r: of starting the call. Returns when its callback came, or never will. */
static enum sqs_result client_wait(struct client *client, int r)
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

static void client_start(struct client *client)
{
	client->answered = false;
	client->call = NULL;
}

static void client_end(struct client *client, const struct sqs_answer *answer)
{
	client->answered = true;
	client_note(client, answer->result, answer->code, answer->text);
}

/* ---- What operators ask for ---- */

struct asked {
	struct client *client;
	json_t *json;
};

static void on_asked(
	void *userdata, const struct sqs_answer *answer, const char *body, size_t body_len)
{
	struct asked *asked = userdata;
	struct client *client = asked->client;

	client_end(client, answer);
	client->knows_clock = answer->knows_clock;
	client->clock_usec = answer->clock_usec;
	/* Where there is nothing to tell SQS sends nothing. */
	if (body)
		asked->json = body_len ? json_loadb(body, body_len, 0, NULL) : json_object();
	if (body && !json_is_object(asked->json))
		client_note(client, SQS_GARBLED, "", "an answer that is not a JSON object");
}

enum sqs_result client_ask(struct client *client, enum sqs_action action, const char *queue,
	json_t *request, json_t **ret)
{
	_cleanup_free_ char *body = json_dumps(request, JSON_COMPACT);
	const struct sqs_ask what = {.action = action, .queue = queue, .body = body};
	struct asked asked = {.client = client};
	struct sqs *sqs;

	json_decref(request);
	if (!body)
		return client_fail(client, -ENOMEM);
	int r = client_line(client, client->settings->queue.url, &sqs);
	client_start(client);
	if (r == 0)
		r = sqs_ask(sqs, &what, on_asked, &asked, &client->call);
	enum sqs_result result = client_wait(client, r);
	if (result == SQS_OK && ret)
		*ret = json_incref(asked.json);
	json_decref(asked.json);
	return result;
}

enum sqs_result client_attributes(struct client *client, const char *url, json_t **ret)
{
	json_t *request = json_pack("{s:s, s:[s]}", "QueueUrl", url, "AttributeNames", "All");
	json_auto_t *answer = NULL;

	enum sqs_result result = client_ask(client, SQS_ALL_ATTRIBUTES, url, request, &answer);
	if (result != SQS_OK)
		return result;
	json_t *attributes = json_object_get(answer, "Attributes");
	if (!json_is_object(attributes))
		return client_note(client, SQS_GARBLED, "", "an answer without Attributes");
	*ret = json_incref(attributes);
	return SQS_OK;
}

struct policy {
	struct client *client;
	const char *url;
	char *dead_letters;
};

static void on_policy(void *userdata, const struct sqs_answer *answer,
	const struct sqs_queue_attributes *attributes)
{
	_cleanup_strbuf_ struct strbuf url = STRBUF_INIT;
	struct policy *policy = userdata;

	client_end(policy->client, answer);
	if (!attributes || !attributes->dead_letter_arn)
		return;
	if (queue_url_of_arn(policy->url, attributes->dead_letter_arn, &url) < 0)
		client_note(policy->client, SQS_GARBLED, "",
			"the queue's redrive policy names a dead letter queue that is none");
	else
		policy->dead_letters = strbuf_take(&url);
}

enum sqs_result client_dead_letters(struct client *client, const char *url, char **ret)
{
	struct policy policy = {.client = client, .url = url};
	struct sqs *sqs;

	int r = client_line(client, url, &sqs);
	client_start(client);
	if (r == 0)
		r = sqs_get_attributes(sqs, NULL, on_policy, &policy, &client->call);
	enum sqs_result result = client_wait(client, r);
	if (result == SQS_OK)
		*ret = policy.dead_letters;
	return result;
}

/* ---- What is done with messages ---- */

struct taking {
	struct client *client;
	client_take_fn *take;
	void *userdata;
};

static void on_messages(void *userdata, const struct sqs_answer *answer,
	const struct sqs_message *messages, size_t n_messages)
{
	struct taking *taking = userdata;

	client_end(taking->client, answer);
	for (size_t i = 0; i < n_messages; i++)
		if (taking->take(taking->userdata, &messages[i]) < 0)
			break;
}

enum sqs_result client_receive(struct client *client, const char *url,
	const struct sqs_receive *what, client_take_fn *take, void *userdata)
{
	struct taking taking = {client, take, userdata};
	struct sqs *sqs;

	int r = client_line(client, url, &sqs);
	client_start(client);
	if (r == 0)
		r = sqs_receive(sqs, what, on_messages, &taking, &client->call);
	return client_wait(client, r);
}

struct batch {
	struct client *client;
	enum sqs_result *entries; /* NULL: nobody asks */
	size_t n;
};

/* What befell the request befell all its entries. */
static void batch_set(struct batch *batch, enum sqs_result result)
{
	for (size_t i = 0; i < batch->n && batch->entries; i++)
		batch->entries[i] = result;
}

static void on_batch(void *userdata, const struct sqs_answer *answer,
	const struct sqs_entry_answer *entries, size_t n_entries)
{
	struct batch *batch = userdata;
	struct client *client = batch->client;

	client_end(client, answer);
	batch_set(batch, answer->result);
	for (size_t i = 0; i < n_entries; i++) {
		if (batch->entries)
			batch->entries[i] = entries[i].result;
		if (entries[i].result != SQS_OK && client->result == SQS_OK)
			client_note(client, entries[i].result, "", entries[i].text);
	}
}

static enum sqs_result client_wait_batch(struct batch *batch, int r)
{
	enum sqs_result result = client_wait(batch->client, r);

	if (!batch->client->answered)
		batch_set(batch, result);
	return result;
}

enum sqs_result client_delete(struct client *client, const char *url, const char *const *handles,
	size_t n, enum sqs_result *ret_entries)
{
	const struct sqs_delete what = {.handles = handles, .n_handles = n};
	struct batch batch = {client, ret_entries, n};
	struct sqs *sqs;

	int r = client_line(client, url, &sqs);
	client_start(client);
	if (r == 0)
		r = sqs_delete(sqs, &what, on_batch, &batch, &client->call);
	return client_wait_batch(&batch, r);
}

enum sqs_result client_change_visibility(struct client *client, const char *url,
	const struct sqs_visibility *entries, size_t n, enum sqs_result *ret_entries)
{
	const struct sqs_change what = {.entries = entries, .n_entries = n};
	struct batch batch = {client, ret_entries, n};
	struct sqs *sqs;

	int r = client_line(client, url, &sqs);
	client_start(client);
	if (r == 0)
		r = sqs_change_visibility(sqs, &what, on_batch, &batch, &client->call);
	return client_wait_batch(&batch, r);
}

struct sending {
	struct client *client;
	char *message_id;
};

static void on_sent(void *userdata, const struct sqs_answer *answer, const char *message_id)
{
	struct sending *sending = userdata;

	client_end(sending->client, answer);
	if (message_id)
		sending->message_id = strdup(message_id);
}

enum sqs_result client_send(
	struct client *client, const struct sqs_send *what, char **ret_message_id)
{
	struct sending sending = {.client = client};
	struct sqs *sqs;

	int r = client_line(client, client->settings->queue.url, &sqs);
	client_start(client);
	if (r == 0)
		r = sqs_send(sqs, what, on_sent, &sending, &client->call);
	enum sqs_result result = client_wait(client, r);
	if (result == SQS_OK && ret_message_id)
		*ret_message_id = sending.message_id;
	else
		free(sending.message_id);
	return result;
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

#include "ctl/client_parts.h"

#include <errno.h>

#include "aws/queue_url.h"

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
	int r = client_start(client, client->settings->queue.url, &sqs);
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

	int r = client_start(client, url, &sqs);
	if (r == 0)
		r = sqs_get_attributes(sqs, NULL, on_policy, &policy, &client->call);
	enum sqs_result result = client_wait(client, r);
	if (result == SQS_OK)
		*ret = policy.dead_letters;
	return result;
}

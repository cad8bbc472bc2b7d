#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/queue_url.h"
#include "ctl/interrupt.h"
#include "ctl/provision.h"
#include "ctl/site.h"

/* What was made a moment ago not all of SQS knows yet. */
#define SETTLE_TRIES 5
#define SETTLE_PAUSE USEC_PER_SEC

struct building {
	struct provision *p;
	struct client *client;
	struct blueprint blueprint;
	struct site jobs;
	struct site dead;
	bool dead_is_new;
};

static void building_done(struct building *b)
{
	site_done(&b->jobs);
	site_done(&b->dead);
}

static json_t *attributes_json(const struct blueprint_queue *queue)
{
	json_t *attributes = json_object();

	for (size_t i = 0; i < queue->n_attributes; i++)
		json_object_set_new(attributes, queue->attributes[i].name,
			json_string(queue->attributes[i].value));
	return attributes;
}

/* ---- One that is not there ---- */

static enum sqs_result create(
	const struct building *b, const struct blueprint_queue *queue, char **ret_url)
{
	json_auto_t *answer = NULL;

	enum sqs_result result = client_ask(b->client, SQS_CREATE_QUEUE, queue->name,
		json_pack("{s:s, s:o}", "QueueName", queue->name, "Attributes",
			attributes_json(queue)),
		&answer);
	const char *url = json_string_value(json_object_get(answer, "QueueUrl"));
	if (result == SQS_OK)
		*ret_url = strdup(url ? url : "");
	return result;
}

/* In the code of either protocol. */
static bool code_is(const struct client *client, const char *word)
{
	return strstr(client_code(client), word) != NULL;
}

static enum sqs_result create_patiently(
	const struct building *b, const struct blueprint_queue *queue, char **ret_url)
{
	enum sqs_result result = create(b, queue, ret_url);

	for (int i = 0; i < SETTLE_TRIES && b->dead_is_new && result == SQS_REFUSED &&
			code_is(b->client, "InvalidParameterValue") && !interrupted();
		i++) {
		interrupt_pause(SETTLE_PAUSE);
		result = create(b, queue, ret_url);
	}
	return result;
}

static int create_failed(const struct building *b, const struct blueprint_queue *queue)
{
	if (code_is(b->client, "QueueDeletedRecently"))
		return ctl_fail(EXIT_FAILURE,
			"queue %s was deleted less than a minute ago, and SQS makes none of that "
			"name until then: try again in a minute",
			queue->name);
	if (code_is(b->client, "QueueNameExists") || code_is(b->client, "QueueAlreadyExists"))
		return ctl_fail(EXIT_FAILURE,
			"queue %s was made by somebody else at this moment, with other attributes: "
			"try again, to be told which",
			queue->name);
	return ctl_fail(EXIT_FAILURE, "%s", client_error(b->client));
}

static int site_make(struct building *b, const struct blueprint_queue *queue, struct site *site)
{
	struct news news = {.kind = "queue", .name = queue->name};
	char *url = NULL;

	if (b->p->dry_run) {
		news.result = "would make";
		news_tell(b->p->ctl, &news);
		return EXIT_SUCCESS;
	}
	if (create_patiently(b, queue, &url) != SQS_OK)
		return create_failed(b, queue);
	free(site->url);
	site->url = url;
	news.result = "made";
	news_tell(b->p->ctl, &news);
	return EXIT_SUCCESS;
}

/* ---- One that is there ---- */

static int site_set(struct building *b, const struct site *site, json_t *differing)
{
	if (client_ask(b->client, SQS_SET_ATTRIBUTES, site->url,
		    json_pack("{s:s, s:O}", "QueueUrl", site->url, "Attributes", differing),
		    NULL) == SQS_OK)
		return EXIT_SUCCESS;
	return ctl_fail(EXIT_FAILURE, "%s", client_error(b->client));
}

static void tell_attribute(const struct building *b, const struct blueprint_queue *queue,
	const struct blueprint_attribute *attribute, const char *is)
{
	char was[BLUEPRINT_VALUE_MAX], wanted[BLUEPRINT_VALUE_MAX];
	char detail[2 * BLUEPRINT_VALUE_MAX + 16];
	struct news news = {.kind = "queue",
		.name = queue->name,
		.attribute = attribute->name,
		.detail = detail};

	blueprint_describe(attribute->name, is, was);
	blueprint_describe(attribute->name, attribute->value, wanted);
	if (b->p->fix) {
		news.result = b->p->dry_run ? "would set" : "set";
		snprintf(detail, sizeof detail, "was %s, is to be %s", was, wanted);
	} else {
		news.result = "differs";
		news.fix = "--fix sets it";
		snprintf(detail, sizeof detail, "is %s, not %s", was, wanted);
	}
	news_tell(b->p->ctl, &news);
}

static int site_compare(
	struct building *b, const struct blueprint_queue *queue, const struct site *site)
{
	const struct news there = {.result = "there", .kind = "queue", .name = queue->name};
	json_auto_t *differing = json_object();

	for (size_t i = 0; i < queue->n_attributes; i++)
		if (!blueprint_agrees(&queue->attributes[i], site->attributes))
			json_object_set_new(differing, queue->attributes[i].name,
				json_string(queue->attributes[i].value));
	news_tell(b->p->ctl, &there);
	if (json_object_size(differing) == 0)
		return EXIT_SUCCESS;
	if (b->p->fix && !b->p->dry_run) {
		int status = site_set(b, site, differing);
		if (status != EXIT_SUCCESS)
			return status;
	}
	b->p->differs |= !b->p->fix;
	for (size_t i = 0; i < queue->n_attributes; i++)
		if (json_object_get(differing, queue->attributes[i].name))
			tell_attribute(b, queue, &queue->attributes[i],
				site_attribute(site, queue->attributes[i].name));
	return EXIT_SUCCESS;
}

/* ---- Both ---- */

/* The one that is there, was made, or will be beside the queue. */
static void set_dead_letters(struct building *b)
{
	const char *arn = site_attribute(&b->dead, "QueueArn");
	const char *ours = site_attribute(&b->jobs, "QueueArn");
	_cleanup_strbuf_ struct strbuf put_together = STRBUF_INIT;

	if (!arn && !b->p->dry_run)
		queue_url_arn(b->dead.url, client_region(b->client), &put_together);
	else if (!arn && ours)
		strbuf_printf(&put_together, "%.*s%s", (int)(queue_url_name(ours) - ours), ours,
			b->blueprint.dead_letters.name);
	blueprint_set_dead_letters(&b->blueprint, arn ? arn : strbuf_str(&put_together));
}

/* Where dead letters go now, unless another queue was named. */
static void follow(struct building *b)
{
	struct blueprint_queue *dead = &b->blueprint.dead_letters;

	if (site_follow(&b->jobs, &b->dead))
		snprintf(dead->name, sizeof dead->name, "%s", queue_url_name(b->dead.url));
}

static int look(struct building *b, bool named)
{
	int status = site_find(b->client, &b->jobs);

	if (status == EXIT_SUCCESS && !named)
		follow(b);
	if (status == EXIT_SUCCESS)
		status = site_find(b->client, &b->dead);
	b->dead_is_new = !b->dead.attributes;
	return status;
}

static int build(struct building *b, const struct blueprint_queue *queue, struct site *site)
{
	if (interrupted())
		return ctl_fail(
			EXIT_FAILURE, "interrupted: queue %s was not looked after", queue->name);
	return site->attributes ? site_compare(b, queue, site) : site_make(b, queue, site);
}

static bool is_same_queue(const struct building *b, const char *url, const char *other)
{
	const char *region = client_region(b->client);
	_cleanup_strbuf_ struct strbuf one = STRBUF_INIT, two = STRBUF_INIT;

	return queue_url_arn(url, region, &one) == 0 && queue_url_arn(other, region, &two) == 0 &&
	       strcmp(strbuf_str(&one), strbuf_str(&two)) == 0;
}

static void tell_url(struct building *b, const char *configured)
{
	const struct news news = {
		.result = configured ? "differs" : "configure",
		.kind = "setting",
		.name = "[queue] url",
		.detail = b->jobs.url,
	};

	if (!b->jobs.url || (configured && is_same_queue(b, configured, b->jobs.url)))
		return;
	b->p->differs |= configured != NULL;
	news_tell(b->p->ctl, &news);
}

int provision_queues(
	struct provision *p, struct client *client, const struct provision_queues *what)
{
	_cleanup_(building_done) struct building b = {
		.p = p, .client = client, .blueprint = what->blueprint};

	b.jobs.name = b.blueprint.jobs.name;
	b.dead.name = b.blueprint.dead_letters.name;
	if (what->url && !(b.jobs.url = strdup(what->url)))
		return ctl_fail(EXIT_FAILURE, "out of memory");
	int status = look(&b, what->named);
	if (status == EXIT_SUCCESS)
		status = build(&b, &b.blueprint.dead_letters, &b.dead);
	if (status != EXIT_SUCCESS)
		return status;
	set_dead_letters(&b);
	status = build(&b, &b.blueprint.jobs, &b.jobs);
	tell_url(&b, what->url);
	return status;
}

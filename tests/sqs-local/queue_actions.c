/* The actions on queues as such: make, find, configure, empty and remove them. */

#include <string.h>

#include "actions.h"
#include "base/cleanup.h"
#include "input.h"
#include "tags.h"

/* Names that GetQueueAttributes knows, and FIFO queues only have. */
static const char *const fifo_attributes[] = {
	"FifoQueue",
	"ContentBasedDeduplication",
	"DeduplicationScope",
	"FifoThroughputLimit",
};

static bool queue_name_check(const char *name, struct failure *failure)
{
	if (input_is_name(name, LOCAL_QUEUE_NAME_MAX))
		return true;
	return failure_set(failure, FAILURE_INVALID_PARAMETER,
		"Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in "
		"length");
}

/* The dead letter queue must be there and take what comes from the queue of that ARN. */
static bool queue_redrive_check(const struct call *call, const struct settings *settings,
	const char *arn, struct failure *failure)
{
	const struct local_queue *to;

	if (!settings->dead_letter_arn)
		return true;
	to = account_find_arn(call->account, settings->dead_letter_arn);
	if (!to)
		return failure_set(failure, FAILURE_INVALID_PARAMETER,
			"Value %s for parameter RedrivePolicy is invalid. Reason: Dead letter "
			"target does not exist.",
			settings->dead_letter_arn);
	if (!settings_allow_source(&to->settings, arn))
		return failure_set(failure, FAILURE_INVALID_PARAMETER,
			"Value %s for parameter RedrivePolicy is invalid. Reason: Redrive "
			"permission to use this dead letter queue is denied.",
			settings->dead_letter_arn);
	return true;
}

/* Making the same queue again finds it; with other attributes it is refused. */
static bool queue_create_again(
	struct call *call, struct local_queue *queue, const json_t *attributes)
{
	struct settings settings;

	settings_copy(&settings, &queue->settings);
	bool ok = settings_read(&settings, attributes, &call->failure);
	bool same = ok && settings_equal(&settings, &queue->settings);
	settings_done(&settings);
	if (ok && !same)
		return failure_set(&call->failure, FAILURE_NAME_EXISTS,
			"A queue already exists with the same name and a different value for "
			"an attribute");
	return ok;
}

static struct local_queue *queue_create(
	struct call *call, const char *name, const json_t *attributes, const json_t *tags)
{
	struct local_queue *queue = NULL;
	struct settings settings;
	_cleanup_free_ char *arn = NULL;
	json_t *known_tags;

	if (account_deleted_recently(call->account, name, call->now)) {
		failure_set(&call->failure, FAILURE_DELETED_RECENTLY,
			"You must wait 60 seconds after deleting a queue before you can create "
			"another with the same name.");
		return NULL;
	}
	arn = account_arn(call->account, name);
	known_tags = json_object();
	settings_init(&settings);
	if (settings_read(&settings, attributes, &call->failure) &&
		queue_redrive_check(call, &settings, arn, &call->failure) &&
		tags_add(known_tags, tags, name, &call->failure)) {
		queue = account_create(call->account, name, &settings, call->now);
		json_object_update(queue->tags, known_tags);
	}
	settings_done(&settings);
	json_decref(known_tags);
	return queue;
}

static bool queue_is_fifo(const json_t *attributes)
{
	const char *fifo = json_string_value(json_object_get(attributes, "FifoQueue"));

	return fifo && strcmp(fifo, "true") == 0;
}

/* Lower case tags: so it is in the service's model. A queue that is there keeps those it has. */
bool action_create_queue(struct call *call)
{
	const char *name = "";
	const json_t *attributes = NULL, *tags = NULL;

	if (!input_string(call->input, "QueueName", &name, &call->failure) ||
		!input_member(
			call->input, "Attributes", JSON_OBJECT, &attributes, &call->failure) ||
		!input_member(call->input, "tags", JSON_OBJECT, &tags, &call->failure))
		return false;
	if (queue_is_fifo(attributes))
		return failure_set(
			&call->failure, FAILURE_UNSUPPORTED, "FIFO queues are not supported here.");
	if (!queue_name_check(name, &call->failure))
		return false;

	struct local_queue *queue = account_find(call->account, name);
	if (queue && !queue_create_again(call, queue, attributes))
		return false;
	if (!queue)
		queue = queue_create(call, name, attributes, tags);
	if (!queue)
		return false;
	call->output = json_pack("{s:o}", "QueueUrl", action_queue_url(call, queue));
	return true;
}

bool action_delete_queue(struct call *call)
{
	account_delete(call->account, call->queue, call->now);
	return true;
}

bool action_get_queue_url(struct call *call)
{
	const char *name = "", *owner = call->account->options.id;

	if (!input_string(call->input, "QueueName", &name, &call->failure) ||
		!input_string(call->input, "QueueOwnerAWSAccountId", &owner, &call->failure) ||
		!queue_name_check(name, &call->failure))
		return false;

	const struct local_queue *queue = account_find(call->account, name);
	if (!queue || strcmp(owner, call->account->options.id) != 0)
		return failure_set(
			&call->failure, FAILURE_NO_QUEUE, "The specified queue does not exist.");
	call->output = json_pack("{s:o}", "QueueUrl", action_queue_url(call, queue));
	return true;
}

/* Everything that GetQueueAttributes can show of a queue. */
static json_t *queue_show(const struct local_queue *queue)
{
	json_t *all = json_object();
	const size_t *n_in = queue->n_in;

	json_object_set_new(all, "QueueArn", json_string(queue->arn));
	json_object_set_new(
		all, "ApproximateNumberOfMessages", json_sprintf("%zu", n_in[MESSAGE_VISIBLE]));
	json_object_set_new(all, "ApproximateNumberOfMessagesNotVisible",
		json_sprintf("%zu", n_in[MESSAGE_IN_FLIGHT]));
	json_object_set_new(all, "ApproximateNumberOfMessagesDelayed",
		json_sprintf("%zu", n_in[MESSAGE_DELAYED]));
	json_object_set_new(all, "CreatedTimestamp",
		json_sprintf("%llu", (unsigned long long)(queue->created_at / USEC_PER_SEC)));
	json_object_set_new(all, "LastModifiedTimestamp",
		json_sprintf("%llu", (unsigned long long)(queue->modified_at / USEC_PER_SEC)));
	settings_show(&queue->settings, all);
	return all;
}

/* Known, though perhaps not set for this queue. */
static bool queue_attribute_known(const char *name)
{
	static const char *const unset[] = {
		"Policy",
		"RedrivePolicy",
		"RedriveAllowPolicy",
		"KmsMasterKeyId",
		"KmsDataKeyReusePeriodSeconds",
		"SqsManagedSseEnabled",
	};

	for (size_t i = 0; i < sizeof fifo_attributes / sizeof *fifo_attributes; i++) {
		if (strcmp(name, fifo_attributes[i]) == 0)
			return true;
	}
	for (size_t i = 0; i < sizeof unset / sizeof *unset; i++) {
		if (strcmp(name, unset[i]) == 0)
			return true;
	}
	return false;
}

/* Moves the wanted ones from all to shown. */
static bool queue_select(const json_t *names, json_t *all, json_t *shown, struct failure *failure)
{
	const json_t *one;
	size_t i;

	json_array_foreach (names, i, one) {
		const char *name = json_is_string(one) ? json_string_value(one) : "";
		json_t *value = json_object_get(all, name);
		if (strcmp(name, "All") == 0)
			json_object_update(shown, all);
		else if (value)
			json_object_set(shown, name, value);
		else if (!queue_attribute_known(name))
			return failure_set(failure, FAILURE_INVALID_ATTRIBUTE_NAME,
				"Unknown Attribute %.100s.", name);
	}
	return true;
}

bool action_get_queue_attributes(struct call *call)
{
	const json_t *names = NULL;

	if (!input_member(call->input, "AttributeNames", JSON_ARRAY, &names, &call->failure))
		return false;
	local_queue_settle(call->queue, call->now);

	json_t *all = queue_show(call->queue), *shown = json_object();
	bool ok = queue_select(names, all, shown, &call->failure);
	call->output = ok ? json_object() : NULL;
	if (ok && json_object_size(shown) > 0)
		json_object_set(call->output, "Attributes", shown);
	json_decref(shown);
	json_decref(all);
	return ok;
}

bool action_set_queue_attributes(struct call *call)
{
	struct settings settings;
	const json_t *attributes = NULL;

	if (!input_member(call->input, "Attributes", JSON_OBJECT, &attributes, &call->failure))
		return false;
	if (!attributes)
		return input_missing("Attributes", &call->failure);

	settings_copy(&settings, &call->queue->settings);
	if (!settings_read(&settings, attributes, &call->failure) ||
		!queue_redrive_check(call, &settings, call->queue->arn, &call->failure)) {
		settings_done(&settings);
		return false;
	}
	settings_done(&call->queue->settings);
	settings_move(&call->queue->settings, &settings);
	call->queue->modified_at = call->now;
	return true;
}

/* Appends a page of URLs to the output under that name, when there is any. */
typedef bool queue_wanted_fn(const struct local_queue *queue, const char *what);

static bool queue_list(
	struct call *call, const char *member, queue_wanted_fn *wanted, const char *what)
{
	unsigned n_max = 0, n_skip = 0, n_seen = 0;
	const char *token = NULL;
	struct local_queue *queue;
	json_t *urls = json_array();
	bool more = false;

	if (!input_number(call->input, "MaxResults", (struct input_range){1, 1000}, &n_max,
		    &call->failure) ||
		!input_string(call->input, "NextToken", &token, &call->failure)) {
		json_decref(urls);
		return false;
	}
	n_skip = token ? (unsigned)strtoul(token, NULL, 10) : 0;
	TAILQ_FOREACH(queue, &call->account->queues, others)
	{
		if (!wanted(queue, what) || n_seen++ < n_skip)
			continue;
		more = json_array_size(urls) == (n_max ? n_max : 1000);
		if (more)
			break;
		json_array_append_new(urls, action_queue_url(call, queue));
	}

	call->output = json_object();
	if (json_array_size(urls) > 0)
		json_object_set(call->output, member, urls);
	if (more && n_max > 0)
		json_object_set_new(call->output, "NextToken", json_sprintf("%u", n_skip + n_max));
	json_decref(urls);
	return true;
}

static bool queue_has_prefix(const struct local_queue *queue, const char *prefix)
{
	return strncmp(queue->name, prefix, strlen(prefix)) == 0;
}

bool action_list_queues(struct call *call)
{
	const char *prefix = "";

	return input_string(call->input, "QueueNamePrefix", &prefix, &call->failure) &&
	       queue_list(call, "QueueUrls", queue_has_prefix, prefix);
}

static bool queue_redrives_to(const struct local_queue *queue, const char *arn)
{
	const char *to = queue->settings.dead_letter_arn;

	return to && strcmp(to, arn) == 0;
}

/* Lower case queueUrls: so it is in the service's model. */
bool action_list_sources(struct call *call)
{
	return queue_list(call, "queueUrls", queue_redrives_to, call->queue->arn);
}

bool action_purge_queue(struct call *call)
{
	struct local_queue *queue = call->queue;

	if (queue->purged_at && call->now < queue->purged_at + LOCAL_QUEUE_PURGE_EVERY)
		return failure_set(&call->failure, FAILURE_PURGE_IN_PROGRESS,
			"Only one PurgeQueue operation on %s is allowed every 60 seconds.",
			queue->name);
	local_queue_purge(queue);
	queue->purged_at = call->now;
	return true;
}

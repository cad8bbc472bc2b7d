#include "ctl/blueprint.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/queue_url.h"
#include "base/clock.h"

#define JOBS      "nexus-jobs-"
#define DEAD      "nexus-jobs-dlq-"
#define RETENTION "1209600" /* the longest there is: 14 days */
#define RECEIVES  3

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

/* ---- Names and attributes ---- */

static void queue_add(struct blueprint_queue *queue, const char *name, const char *value)
{
	struct blueprint_attribute *attribute = &queue->attributes[queue->n_attributes++];

	attribute->name = name;
	snprintf(attribute->value, sizeof attribute->value, "%s", value);
}

static int queue_init(
	struct blueprint_queue *queue, const char *before, const char *name, const char *behind)
{
	int len = snprintf(queue->name, sizeof queue->name, "%s%s%s", before, name, behind);

	return len > 0 && (size_t)len < sizeof queue->name && name[0] &&
			       strspn(queue->name, LETTERS) == (size_t)len
		       ? 0
		       : -EINVAL;
}

static int blueprint_init(struct blueprint *ret, int r)
{
	queue_add(&ret->dead_letters, "MessageRetentionPeriod", RETENTION);
	queue_add(&ret->jobs, "VisibilityTimeout", "60");
	queue_add(&ret->jobs, "ReceiveMessageWaitTimeSeconds", "20");
	return r;
}

int blueprint_for_environment(const char *environment, struct blueprint *ret)
{
	*ret = (struct blueprint){0};
	int r = queue_init(&ret->jobs, JOBS, environment, "");
	if (r == 0)
		r = queue_init(&ret->dead_letters, DEAD, environment, "");
	return blueprint_init(ret, r);
}

int blueprint_for_queue(const char *name, struct blueprint *ret)
{
	size_t len = strlen(JOBS);
	bool usual = strncmp(name, JOBS, len) == 0 && name[len];

	*ret = (struct blueprint){0};
	int r = queue_init(&ret->jobs, "", name, "");
	if (r == 0)
		r = usual ? queue_init(&ret->dead_letters, DEAD, name + len, "")
			  : queue_init(&ret->dead_letters, "", name, "-dlq");
	return blueprint_init(ret, r);
}

void blueprint_set_dead_letters(struct blueprint *blueprint, const char *arn)
{
	char policy[BLUEPRINT_VALUE_MAX];

	snprintf(policy, sizeof policy, "{\"deadLetterTargetArn\":\"%s\",\"maxReceiveCount\":%d}",
		arn, RECEIVES);
	queue_add(&blueprint->jobs, "RedrivePolicy", policy);
}

/* ---- Comparing and showing ---- */

struct policy {
	char arn[BLUEPRINT_VALUE_MAX];
	json_int_t receives;
};

/* SQS gives the number as one, and takes it as text too. */
static bool policy_read(const char *text, struct policy *ret)
{
	json_auto_t *json = json_loads(text, 0, NULL);
	const char *arn = json_string_value(json_object_get(json, "deadLetterTargetArn"));
	const json_t *count = json_object_get(json, "maxReceiveCount");

	if (!arn || !count)
		return false;
	snprintf(ret->arn, sizeof ret->arn, "%s", arn);
	ret->receives =
		json_is_string(count) ? atoi(json_string_value(count)) : json_integer_value(count);
	return true;
}

bool blueprint_agrees(const struct blueprint_attribute *attribute, const json_t *attributes)
{
	const char *value = json_string_value(json_object_get(attributes, attribute->name));
	struct policy wanted, is;

	if (!value)
		return false;
	if (strcmp(value, attribute->value) == 0)
		return true;
	return policy_read(attribute->value, &wanted) && policy_read(value, &is) &&
	       strcmp(wanted.arn, is.arn) == 0 && wanted.receives == is.receives;
}

void blueprint_describe(
	const char *attribute, const char *value, char ret_text[static BLUEPRINT_VALUE_MAX])
{
	char duration[CLOCK_DURATION_MAX];
	struct policy policy;

	if (!value || !value[0])
		snprintf(ret_text, BLUEPRINT_VALUE_MAX, "not set");
	else if (strcmp(attribute, "RedrivePolicy") == 0 && policy_read(value, &policy))
		snprintf(ret_text, BLUEPRINT_VALUE_MAX,
			"%" JSON_INTEGER_FORMAT " receives, then to %s", policy.receives,
			queue_url_name(policy.arn));
	else
		snprintf(ret_text, BLUEPRINT_VALUE_MAX, "%s",
			clock_format_duration(strtoull(value, NULL, 10) * USEC_PER_SEC, duration));
}

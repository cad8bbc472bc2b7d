#include "settings.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#include "must.h"

struct settings_number {
	const char *name;
	size_t offset;
	unsigned min, max;
	unsigned initial;
};

#define NUMBER(name, member, min, max, initial)                                                    \
	{                                                                                          \
		name, offsetof(struct settings, member), min, max, initial                         \
	}

static const struct settings_number settings_numbers[] = {
	NUMBER("VisibilityTimeout", visibility_timeout, 0, 43200, 30),
	NUMBER("MaximumMessageSize", message_bytes_max, 1024, 1048576, 1048576),
	NUMBER("MessageRetentionPeriod", retention, 60, 1209600, 345600),
	NUMBER("DelaySeconds", delay, 0, 900, 0),
	NUMBER("ReceiveMessageWaitTimeSeconds", receive_wait, 0, 20, 0),
};

#define N_NUMBERS (sizeof settings_numbers / sizeof *settings_numbers)

static const char *const settings_texts[] = {
	"Policy",
	"RedriveAllowPolicy",
	"KmsMasterKeyId",
	"KmsDataKeyReusePeriodSeconds",
	"SqsManagedSseEnabled",
};

#define N_TEXTS (sizeof settings_texts / sizeof *settings_texts)

static unsigned *settings_at(struct settings *settings, const struct settings_number *number)
{
	return (unsigned *)(void *)((char *)settings + number->offset);
}

void settings_init(struct settings *settings)
{
	*settings = (struct settings){.texts = json_object()};
	for (size_t i = 0; i < N_NUMBERS; i++)
		*settings_at(settings, &settings_numbers[i]) = settings_numbers[i].initial;
	json_object_set_new(settings->texts, "SqsManagedSseEnabled", json_string("true"));
}

void settings_copy(struct settings *to, const struct settings *from)
{
	*to = *from;
	to->texts = json_copy(from->texts);
	if (from->dead_letter_arn)
		to->dead_letter_arn = must_strdup(from->dead_letter_arn);
}

void settings_move(struct settings *to, struct settings *from)
{
	*to = *from;
	from->texts = NULL;
	from->dead_letter_arn = NULL;
}

void settings_done(struct settings *settings)
{
	json_decref(settings->texts);
	free(settings->dead_letter_arn);
	*settings = (struct settings){0};
}

bool settings_equal(const struct settings *a, const struct settings *b)
{
	const char *x = a->dead_letter_arn, *y = b->dead_letter_arn;

	return a->visibility_timeout == b->visibility_timeout &&
	       a->message_bytes_max == b->message_bytes_max && a->retention == b->retention &&
	       a->delay == b->delay && a->receive_wait == b->receive_wait &&
	       a->max_receive_count == b->max_receive_count &&
	       strcmp(x ? x : "", y ? y : "") == 0 && json_equal(a->texts, b->texts);
}

static bool settings_bad_value(const char *name, struct failure *failure)
{
	return failure_set(failure, FAILURE_INVALID_ATTRIBUTE_VALUE,
		"Invalid value for the parameter %s.", name);
}

static bool settings_bad_policy(
	const char *name, const char *text, const char *reason, struct failure *failure)
{
	return failure_set(failure, FAILURE_INVALID_PARAMETER,
		"Value %s for parameter %s is invalid. Reason: %s", text, name, reason);
}

static bool settings_read_number(struct settings *settings, const struct settings_number *number,
	const char *text, struct failure *failure)
{
	char *end;

	errno = 0;
	unsigned long value = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text < '0' || *text > '9' || value < number->min ||
		value > number->max)
		return settings_bad_value(number->name, failure);
	*settings_at(settings, number) = (unsigned)value;
	return true;
}

/* NULL: taken over; otherwise what is wrong. */
static const char *settings_take_redrive(struct settings *settings, const json_t *policy)
{
	const char *arn = json_string_value(json_object_get(policy, "deadLetterTargetArn"));
	const json_t *count = json_object_get(policy, "maxReceiveCount");
	long n;

	if (!json_is_object(policy))
		return "Redrive policy is not a valid JSON map.";
	if (!arn || !count)
		return "Redrive policy must contain deadLetterTargetArn and maxReceiveCount.";
	if (json_is_string(count))
		n = strtol(json_string_value(count), NULL, 10);
	else
		n = (long)json_integer_value(count);
	if (n < 1 || n > 1000)
		return "Invalid value for maxReceiveCount. Minimum is 1 and maximum is 1000.";
	settings->dead_letter_arn = must_strdup(arn);
	settings->max_receive_count = (unsigned)n;
	return NULL;
}

static bool settings_read_redrive(
	struct settings *settings, const char *text, struct failure *failure)
{
	free(settings->dead_letter_arn);
	settings->dead_letter_arn = NULL;
	settings->max_receive_count = 0;
	if (!*text)
		return true;

	json_t *policy = json_loads(text, 0, NULL);
	const char *wrong = settings_take_redrive(settings, policy);
	json_decref(policy);
	return !wrong || settings_bad_policy("RedrivePolicy", text, wrong, failure);
}

/* NULL: fine; otherwise what is wrong. */
static const char *settings_check_allow(const json_t *policy)
{
	const char *permission = json_string_value(json_object_get(policy, "redrivePermission"));
	const json_t *arns = json_object_get(policy, "sourceQueueArns");

	if (!permission)
		return "RedriveAllowPolicy must be a JSON map with redrivePermission.";
	if (strcmp(permission, "byQueue") == 0)
		return json_array_size(arns) >= 1 && json_array_size(arns) <= 10
			       ? NULL
			       : "sourceQueueArns must hold 1 to 10 ARNs.";
	if (strcmp(permission, "allowAll") != 0 && strcmp(permission, "denyAll") != 0)
		return "redrivePermission must be allowAll, denyAll or byQueue.";
	return arns ? "sourceQueueArns goes with byQueue only." : NULL;
}

static bool settings_is_policy(const char *text)
{
	json_t *policy = json_loads(text, 0, NULL);
	bool is = json_is_array(json_object_get(policy, "Statement"));

	json_decref(policy);
	return is;
}

static bool settings_read_text(
	struct settings *settings, const char *name, const char *text, struct failure *failure)
{
	if (!*text) {
		json_object_del(settings->texts, name);
		return true;
	}
	if (strcmp(name, "Policy") == 0 && !settings_is_policy(text))
		return settings_bad_value(name, failure);
	if (strcmp(name, "RedriveAllowPolicy") == 0) {
		json_t *policy = json_loads(text, 0, NULL);
		const char *wrong = settings_check_allow(policy);
		json_decref(policy);
		if (wrong)
			return settings_bad_policy(name, text, wrong, failure);
	}
	json_object_set_new(settings->texts, name, json_string(text));
	return true;
}

static bool settings_read_one(
	struct settings *settings, const char *name, const char *text, struct failure *failure)
{
	for (size_t i = 0; i < N_NUMBERS; i++) {
		if (strcmp(name, settings_numbers[i].name) == 0)
			return settings_read_number(settings, &settings_numbers[i], text, failure);
	}
	for (size_t i = 0; i < N_TEXTS; i++) {
		if (strcmp(name, settings_texts[i]) == 0)
			return settings_read_text(settings, name, text, failure);
	}
	if (strcmp(name, "RedrivePolicy") == 0)
		return settings_read_redrive(settings, text, failure);
	return failure_set(failure, FAILURE_INVALID_ATTRIBUTE_NAME, "Unknown Attribute %s.", name);
}

bool settings_read(struct settings *settings, const json_t *attributes, struct failure *failure)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)attributes, name, value) {
		if (!json_is_string(value))
			return failure_set(failure, FAILURE_SERIALIZATION,
				"the values of Attributes must be strings");
		if (!settings_read_one(settings, name, json_string_value(value), failure))
			return false;
	}
	return true;
}

void settings_show(const struct settings *settings, json_t *attributes)
{
	for (size_t i = 0; i < N_NUMBERS; i++) {
		const unsigned *value =
			settings_at((struct settings *)settings, &settings_numbers[i]);
		json_object_set_new(
			attributes, settings_numbers[i].name, json_sprintf("%u", *value));
	}
	json_object_update(attributes, settings->texts);
	if (settings->dead_letter_arn)
		json_object_set_new(attributes, "RedrivePolicy",
			json_sprintf("{\"deadLetterTargetArn\":\"%s\",\"maxReceiveCount\":%u}",
				settings->dead_letter_arn, settings->max_receive_count));
}

bool settings_allow_source(const struct settings *settings, const char *arn)
{
	const char *text =
		json_string_value(json_object_get(settings->texts, "RedriveAllowPolicy"));
	json_t *policy = text ? json_loads(text, 0, NULL) : NULL;
	const char *permission = json_string_value(json_object_get(policy, "redrivePermission"));
	bool allowed = !permission || strcmp(permission, "allowAll") == 0;
	const json_t *one;
	size_t i;

	if (permission && strcmp(permission, "byQueue") == 0) {
		json_array_foreach (json_object_get(policy, "sourceQueueArns"), i, one) {
			if (json_is_string(one) && strcmp(json_string_value(one), arn) == 0)
				allowed = true;
		}
	}
	json_decref(policy);
	return allowed;
}

#include "ctl/attributes.h"

#include <stdlib.h>

uint64_t attributes_number(const json_t *attributes, const char *name)
{
	const char *text = json_string_value(json_object_get(attributes, name));

	return text ? strtoull(text, NULL, 10) : 0;
}

uint64_t attributes_messages(const json_t *attributes)
{
	return attributes_number(attributes, "ApproximateNumberOfMessages") +
	       attributes_number(attributes, "ApproximateNumberOfMessagesNotVisible") +
	       attributes_number(attributes, "ApproximateNumberOfMessagesDelayed");
}

int attributes_receives(const json_t *attributes)
{
	const char *text = json_string_value(json_object_get(attributes, "RedrivePolicy"));
	json_auto_t *policy = text ? json_loads(text, 0, NULL) : NULL;
	const json_t *count = json_object_get(policy, "maxReceiveCount");

	/* SQS takes it as either, and gives it back as it was taken. */
	return json_is_string(count) ? atoi(json_string_value(count))
				     : (int)json_integer_value(count);
}

#include "aws/sqs_details.h"

#include <errno.h>

int sqs_details_read_attribute(struct json_read *r, const struct json_string *name, void *details)
{
	struct sqs_details *d = details;
	struct sqs_attribute attribute = {0};

	int e = json_read_name(r, name, &attribute.name);
	e = e < 0 ? e : json_read_text(r, &attribute.value, NULL);
	if (e == 0 && d->n_attributes < SQS_SYSTEM_ATTRIBUTES_MAX)
		d->attributes[d->n_attributes++] = attribute;
	return e;
}

static int read_part(struct json_read *r, const struct json_string *name, void *userdata)
{
	struct sqs_message_attribute *attribute = userdata;

	if (json_string_is(name, "DataType"))
		return json_read_text(r, &attribute->data_type, NULL);
	if (json_string_is(name, "StringValue"))
		return json_read_text(r, &attribute->string_value, NULL);
	if (json_string_is(name, "BinaryValue"))
		return json_read_text(r, &attribute->binary_value, NULL);
	return json_read_skip(r);
}

int sqs_details_read_message_attribute(
	struct json_read *r, const struct json_string *name, void *details)
{
	struct sqs_details *d = details;
	struct sqs_message_attribute attribute = {0};

	int e = json_read_name(r, name, &attribute.name);
	e = e < 0 ? e : json_read_object(r, read_part, &attribute);
	if (e < 0)
		return e;
	if (!attribute.data_type || d->n_message_attributes == SQS_MESSAGE_ATTRIBUTES_MAX)
		return -EBADMSG;
	d->message_attributes[d->n_message_attributes++] = attribute;
	return 0;
}

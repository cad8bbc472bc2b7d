/*
 * What SQS says of a received message besides its body, read member by member. Pure; texts belong
 * to the json_read.
 *
 * Both are functions for json_read_object(), with the struct sqs_details as userdata.
 */
#pragma once

#include "aws/sqs.h"
#include "base/json_read.h"

/* Of Attributes. More than SQS_SYSTEM_ATTRIBUTES_MAX are left out: AWS adds some over the years. */
int sqs_details_read_attribute(struct json_read *r, const struct json_string *name, void *details);

/* Of MessageAttributes. More than SQS_MESSAGE_ATTRIBUTES_MAX are -EBADMSG: none are dropped. */
int sqs_details_read_message_attribute(
	struct json_read *r, const struct json_string *name, void *details);

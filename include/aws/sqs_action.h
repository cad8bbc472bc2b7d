/*
 * The actions of SQS that a consumer asks for, and what each is called where. Constants.
 */
#pragma once

#include <stdbool.h>

enum sqs_action {
	SQS_RECEIVE,
	SQS_DELETE,
	SQS_CHANGE_VISIBILITY,
	SQS_GET_ATTRIBUTES,
};

struct sqs_action_names {
	const char *name;
	const char *target;     /* X-Amz-Target */
	const char *permission; /* that of a batch is the single action's */
	bool has_handles;       /* requests hold receipt handles */
};

const struct sqs_action_names *sqs_action_names(enum sqs_action action);

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
	SQS_SEND,
};
#define SQS_N_ACTIONS (SQS_SEND + 1)

struct sqs_action_names {
	const char *name;
	const char *target;         /* X-Amz-Target */
	const char *permission;     /* that of a batch is the single action's */
	const char *key_permission; /* where a KMS key encrypts the messages */
	bool is_private;            /* requests hold receipt handles, or a body */
};

const struct sqs_action_names *sqs_action_names(enum sqs_action action);

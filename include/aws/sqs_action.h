/*
 * The actions of SQS that are asked for, and what each is called where. Constants.
 */
#pragma once

#include <stdbool.h>

enum sqs_action {
	SQS_RECEIVE,
	SQS_DELETE,
	SQS_CHANGE_VISIBILITY,
	SQS_GET_ATTRIBUTES,
	SQS_SEND,
	/* What only operators ask for, with sqs_ask(). */
	SQS_ALL_ATTRIBUTES, /* GetQueueAttributes too, of all there are */
	SQS_SET_ATTRIBUTES,
	SQS_GET_URL,
	SQS_CREATE_QUEUE,
	SQS_DELETE_QUEUE,
	SQS_LIST_SOURCES, /* the queues that have it as their dead letter queue */
	SQS_START_MOVE,
	SQS_LIST_MOVES,
	SQS_CANCEL_MOVE,
	/* Requests that SQS refuses whoever asks: only whether he may ask is learnt. */
	SQS_TRY_RECEIVE,
	SQS_TRY_SEND,
};
#define SQS_N_CONSUMER_ACTIONS (SQS_SEND + 1)
#define SQS_N_ACTIONS          (SQS_TRY_SEND + 1)

struct sqs_action_names {
	const char *name;
	const char *target;         /* X-Amz-Target */
	const char *permission;     /* that of a batch is the single action's */
	const char *key_permission; /* where a KMS key encrypts the messages */
	bool is_private;            /* requests hold receipt handles, or a body */
};

const struct sqs_action_names *sqs_action_names(enum sqs_action action);

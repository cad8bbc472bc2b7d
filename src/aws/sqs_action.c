#include "aws/sqs_action.h"

/* One whose name is its permission's too, and whose request holds nothing of a message. */
#define PLAIN(action)                                                                              \
	{                                                                                          \
		action, "AmazonSQS." action, "sqs:" action, "kms:Decrypt", false                   \
	}

static const struct sqs_action_names actions[] = {
	[SQS_RECEIVE] = PLAIN("ReceiveMessage"),
	[SQS_DELETE] = {"DeleteMessageBatch", "AmazonSQS.DeleteMessageBatch", "sqs:DeleteMessage",
		"kms:Decrypt", true},
	[SQS_CHANGE_VISIBILITY] = {"ChangeMessageVisibilityBatch",
		"AmazonSQS.ChangeMessageVisibilityBatch", "sqs:ChangeMessageVisibility",
		"kms:Decrypt", true},
	[SQS_GET_ATTRIBUTES] = PLAIN("GetQueueAttributes"),
	[SQS_SEND] = {"SendMessage", "AmazonSQS.SendMessage", "sqs:SendMessage",
		"kms:GenerateDataKey and kms:Decrypt", true},
	[SQS_ALL_ATTRIBUTES] = PLAIN("GetQueueAttributes"),
	[SQS_SET_ATTRIBUTES] = PLAIN("SetQueueAttributes"),
	[SQS_GET_URL] = PLAIN("GetQueueUrl"),
	[SQS_CREATE_QUEUE] = PLAIN("CreateQueue"),
	[SQS_DELETE_QUEUE] = PLAIN("DeleteQueue"),
	[SQS_LIST_SOURCES] = PLAIN("ListDeadLetterSourceQueues"),
	[SQS_START_MOVE] = PLAIN("StartMessageMoveTask"),
	[SQS_LIST_MOVES] = PLAIN("ListMessageMoveTasks"),
	[SQS_CANCEL_MOVE] = PLAIN("CancelMessageMoveTask"),
	[SQS_TRY_RECEIVE] = PLAIN("ReceiveMessage"),
	[SQS_TRY_SEND] = PLAIN("SendMessage"),
};

const struct sqs_action_names *sqs_action_names(enum sqs_action action)
{
	return &actions[action];
}

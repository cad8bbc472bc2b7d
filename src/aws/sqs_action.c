#include "aws/sqs_action.h"

static const struct sqs_action_names actions[] = {
	[SQS_RECEIVE] = {"ReceiveMessage", "AmazonSQS.ReceiveMessage", "sqs:ReceiveMessage", false},
	[SQS_DELETE] = {"DeleteMessageBatch", "AmazonSQS.DeleteMessageBatch", "sqs:DeleteMessage",
		true},
	[SQS_CHANGE_VISIBILITY] = {"ChangeMessageVisibilityBatch",
		"AmazonSQS.ChangeMessageVisibilityBatch", "sqs:ChangeMessageVisibility", true},
	[SQS_GET_ATTRIBUTES] = {"GetQueueAttributes", "AmazonSQS.GetQueueAttributes",
		"sqs:GetQueueAttributes", false},
};

const struct sqs_action_names *sqs_action_names(enum sqs_action action)
{
	return &actions[action];
}

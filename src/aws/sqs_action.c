#include "aws/sqs_action.h"

static const struct sqs_action_names actions[] = {
	[SQS_RECEIVE] = {"ReceiveMessage", "AmazonSQS.ReceiveMessage", "sqs:ReceiveMessage",
		"kms:Decrypt", false},
	[SQS_DELETE] = {"DeleteMessageBatch", "AmazonSQS.DeleteMessageBatch", "sqs:DeleteMessage",
		"kms:Decrypt", true},
	[SQS_CHANGE_VISIBILITY] = {"ChangeMessageVisibilityBatch",
		"AmazonSQS.ChangeMessageVisibilityBatch", "sqs:ChangeMessageVisibility",
		"kms:Decrypt", true},
	[SQS_GET_ATTRIBUTES] = {"GetQueueAttributes", "AmazonSQS.GetQueueAttributes",
		"sqs:GetQueueAttributes", "kms:Decrypt", false},
	[SQS_SEND] = {"SendMessage", "AmazonSQS.SendMessage", "sqs:SendMessage",
		"kms:GenerateDataKey and kms:Decrypt", true},
};

const struct sqs_action_names *sqs_action_names(enum sqs_action action)
{
	return &actions[action];
}

#include "failure.h"

#include <stdarg.h>
#include <stdio.h>

#define CORAL   "com.amazon.coral.service"
#define SERVICE "com.amazonaws.sqs"
#define STS     "com.amazonaws.sts"
#define OLD     "AWS.SimpleQueueService."

static const struct failure_kind failure_kinds[] = {
	[FAILURE_ACCESS_DENIED] = {CORAL, "AccessDeniedException", "AccessDenied", 403, false},
	[FAILURE_EXPIRED_TOKEN] = {CORAL, "ExpiredTokenException", "ExpiredToken", 403, false},
	[FAILURE_INCOMPLETE_SIGNATURE] = {CORAL, "IncompleteSignatureException",
		"IncompleteSignature", 400, false},
	[FAILURE_INTERNAL] = {CORAL, "InternalFailure", "InternalFailure", 500, true},
	[FAILURE_INVALID_PARAMETER] = {CORAL, "InvalidParameterValueException",
		"InvalidParameterValue", 400, false},
	[FAILURE_INVALID_SIGNATURE] = {CORAL, "InvalidSignatureException", "SignatureDoesNotMatch",
		403, false},
	[FAILURE_MISSING_PARAMETER] = {CORAL, "MissingRequiredParameterException",
		"MissingParameter", 400, false},
	[FAILURE_SERIALIZATION] = {CORAL, "SerializationException", "MalformedInput", 400, false},
	[FAILURE_TOO_LARGE] = {CORAL, "RequestEntityTooLargeException", "RequestEntityTooLarge",
		413, false},
	[FAILURE_UNKNOWN_KEY] = {CORAL, "UnrecognizedClientException", "InvalidClientTokenId", 403,
		false},
	[FAILURE_UNKNOWN_OPERATION] = {CORAL, "UnknownOperationException", "InvalidAction", 400,
		false},

	[FAILURE_BATCH_TOO_LONG] = {SERVICE, "BatchRequestTooLong", OLD "BatchRequestTooLong", 400,
		false},
	[FAILURE_DELETED_RECENTLY] = {SERVICE, "QueueDeletedRecently", OLD "QueueDeletedRecently",
		400, false},
	[FAILURE_EMPTY_BATCH] = {SERVICE, "EmptyBatchRequest", OLD "EmptyBatchRequest", 400, false},
	[FAILURE_ENTRY_ID_INVALID] = {SERVICE, "InvalidBatchEntryId", OLD "InvalidBatchEntryId",
		400, false},
	[FAILURE_ENTRY_ID_REPEATED] = {SERVICE, "BatchEntryIdsNotDistinct",
		OLD "BatchEntryIdsNotDistinct", 400, false},
	[FAILURE_INVALID_ADDRESS] = {SERVICE, "InvalidAddress", "InvalidAddress", 404, false},
	[FAILURE_INVALID_ATTRIBUTE_NAME] = {SERVICE, "InvalidAttributeName", "InvalidAttributeName",
		400, false},
	[FAILURE_INVALID_ATTRIBUTE_VALUE] = {SERVICE, "InvalidAttributeValue",
		"InvalidAttributeValue", 400, false},
	[FAILURE_INVALID_CONTENTS] = {SERVICE, "InvalidMessageContents", "InvalidMessageContents",
		400, false},
	[FAILURE_INVALID_HANDLE] = {SERVICE, "ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid",
		404, false},
	[FAILURE_NAME_EXISTS] = {SERVICE, "QueueNameExists", "QueueAlreadyExists", 400, false},
	[FAILURE_NO_QUEUE] = {SERVICE, "QueueDoesNotExist", OLD "NonExistentQueue", 400, false},
	[FAILURE_OVER_LIMIT] = {SERVICE, "OverLimit", "OverLimit", 403, false},
	[FAILURE_PURGE_IN_PROGRESS] = {SERVICE, "PurgeQueueInProgress", OLD "PurgeQueueInProgress",
		403, false},
	[FAILURE_RESOURCE_NOT_FOUND] = {SERVICE, "ResourceNotFoundException",
		"ResourceNotFoundException", 404, false},
	[FAILURE_TOO_MANY_ENTRIES] = {SERVICE, "TooManyEntriesInBatchRequest",
		OLD "TooManyEntriesInBatchRequest", 400, false},
	[FAILURE_UNSUPPORTED] = {SERVICE, "UnsupportedOperation", OLD "UnsupportedOperation", 400,
		false},

	[FAILURE_IDENTITY_TOKEN] = {STS, "InvalidIdentityTokenException", "InvalidIdentityToken",
		400, false},
	[FAILURE_IDENTITY_TOKEN_EXPIRED] = {STS, "ExpiredTokenException", "ExpiredTokenException",
		400, false},
	[FAILURE_UNSIGNED] = {STS, "MissingAuthenticationTokenException",
		"MissingAuthenticationToken", 403, false},
	[FAILURE_VALIDATION] = {STS, "ValidationException", "ValidationError", 400, false},
};

bool failure_set(struct failure *failure, enum failure_code code, const char *format, ...)
{
	va_list args;

	failure->code = code;
	va_start(args, format);
	vsnprintf(failure->text, sizeof failure->text, format, args);
	va_end(args);
	return false;
}

const struct failure_kind *failure_kind(enum failure_code code)
{
	return &failure_kinds[code];
}

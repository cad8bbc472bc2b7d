/*
 * The errors of SQS, of STS and of the front before them, as AWS words them: the JSON name and its
 * namespace, the code of the old Query protocol, and the HTTP status.
 */
#pragma once

#include <stdbool.h>

enum failure_code {
	FAILURE_NONE,
	/* From the common front ("coral"). */
	FAILURE_ACCESS_DENIED,
	FAILURE_EXPIRED_TOKEN,
	FAILURE_INCOMPLETE_SIGNATURE,
	FAILURE_INTERNAL,
	FAILURE_INVALID_PARAMETER,
	FAILURE_INVALID_SIGNATURE,
	FAILURE_MISSING_PARAMETER,
	FAILURE_SERIALIZATION,
	FAILURE_TOO_LARGE,
	FAILURE_UNKNOWN_KEY,
	FAILURE_UNKNOWN_OPERATION,
	/* From the service. */
	FAILURE_BATCH_TOO_LONG,
	FAILURE_DELETED_RECENTLY,
	FAILURE_EMPTY_BATCH,
	FAILURE_ENTRY_ID_INVALID,
	FAILURE_ENTRY_ID_REPEATED,
	FAILURE_INVALID_ADDRESS,
	FAILURE_INVALID_ATTRIBUTE_NAME,
	FAILURE_INVALID_ATTRIBUTE_VALUE,
	FAILURE_INVALID_CONTENTS,
	FAILURE_INVALID_HANDLE,
	FAILURE_NAME_EXISTS,
	FAILURE_NO_QUEUE,
	FAILURE_OVER_LIMIT,
	FAILURE_PURGE_IN_PROGRESS,
	FAILURE_RESOURCE_NOT_FOUND,
	FAILURE_TOO_MANY_ENTRIES,
	FAILURE_UNSUPPORTED,
	/* From STS, which knows the codes of the Query protocol only. */
	FAILURE_IDENTITY_TOKEN,
	FAILURE_IDENTITY_TOKEN_EXPIRED,
	FAILURE_UNSIGNED,
	FAILURE_VALIDATION,
};

struct failure_kind {
	const char *space;      /* what stands before the # of __type */
	const char *name;       /* what stands behind it */
	const char *query_code; /* for x-amzn-query-error, and for the entries of a batch */
	unsigned status;
	bool ours; /* the receiver's fault, not the sender's */
};

struct failure {
	enum failure_code code;
	char text[1280]; /* holds a receipt handle of the longest kind */
};

/* Always false, so that a check may end with: return failure_set(...). */
bool failure_set(struct failure *failure, enum failure_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A constant. */
const struct failure_kind *failure_kind(enum failure_code code);

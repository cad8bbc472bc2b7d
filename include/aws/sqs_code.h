/*
 * SQS's error codes, and those that all of AWS has: where an answer has its code, and what it
 * means. The codes become enum sqs_result here and nowhere else; whatever their spelling (JSON or
 * Query protocol), and by the HTTP status only where there is none: 403 alone is throttling,
 * denial, a wrong signature and more. The token service's answers are classed by it, too, once
 * sts_fault has looked for the codes that are that service's own.
 *
 * Pure, but for the memory to read XML with: without any, such an answer has no code.
 */
#pragma once

#include <stddef.h>

#include "aws/sqs.h"

#define SQS_CODE_MAX 64

/* The bare code of "ns#Code", "Code:http://..." and "Code;Sender"; "": NULL, or not a code. */
void sqs_code_read(const char *text, char ret[static SQS_CODE_MAX]);

/* Where an answer may have its code; all but body may be NULL. Borrowed. */
struct sqs_code_places {
	const char *type; /* of the body's JSON */
	const char *body; /* whole: XML has one, too; ends with a NUL */
	size_t body_len;
	const char *query_error; /* x-amzn-query-error */
	const char *error_type;  /* x-amzn-errortype */
};

/* The first one that is known; where none is, the first one that is there; else "". */
void sqs_code_find(const struct sqs_code_places *places, char ret[static SQS_CODE_MAX]);

enum sqs_result sqs_code_classify(const char *code, unsigned status);
/* And where the code stands for too much, by what the message says of a receipt handle. */
enum sqs_result sqs_code_judge(const char *code, const char *message, unsigned status);
/* In which way a receipt handle has no effect, by a message that may hold it; NULL: not said. */
const char *sqs_code_stale_meaning(const char *message);

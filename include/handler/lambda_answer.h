/*
 * What a Lambda function's answers mean for the one message that it was given. Pure.
 *
 * A response fails the message when it names it in batchItemFailures, or when that is not what
 * Lambda takes for it: a list of objects that each have an itemIdentifier, a text that is the id of
 * a message in the batch. Everything else is success: what a function returns is ignored, unless it
 * is an object that has this member. (AWS does this where ReportBatchItemFailures is switched on
 * in the event source mapping; here it always counts.)
 *
 * An error is an object with errorType and errorMessage. Its stack is not looked at: runtimes write
 * it to their stderr as well.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Text of an error, ended by NUL, cut where it is longer. */
#define LAMBDA_TEXT_MAX 4096

/* Whether the message is done; if not, why is in ret_text. */
bool lambda_answer_is_good(
	const char *body, size_t len, const char *message_id, char ret_text[LAMBDA_TEXT_MAX]);

/*
 * What an error says, in one text: "errorType: errorMessage", or the message alone where the type
 * is Error. header_type: of the header Lambda-Runtime-Function-Error-Type, for an error that says
 * nothing of its own; NULL: none.
 */
void lambda_answer_read_error(
	const char *body, size_t len, const char *header_type, char ret_text[LAMBDA_TEXT_MAX]);

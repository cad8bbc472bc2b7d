#include "handler/lambda_answer.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define MEMBER "batchItemFailures"

/*
 * Deeply nested answers are refused by jansson itself; whole numbers of any size are taken, which
 * some languages write.
 */
static json_t *load(const char *body, size_t len)
{
	return json_loadb(
		body, len, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
}

static bool not_as_lambda_takes_it(char text[LAMBDA_TEXT_MAX], const char *what)
{
	snprintf(text, LAMBDA_TEXT_MAX, "the handler's answer %s", what);
	return false;
}

/* A NUL in it is one of its bytes. */
static bool is_text(const json_t *string, const char *text)
{
	return json_string_length(string) == strlen(text) &&
	       strcmp(json_string_value(string), text) == 0;
}

static bool judge_failures(
	const json_t *failures, const char *message_id, char text[LAMBDA_TEXT_MAX])
{
	size_t i;
	json_t *failure;

	if (!json_is_array(failures))
		return not_as_lambda_takes_it(text, "has " MEMBER " that are no list");
	json_array_foreach (failures, i, failure) {
		const json_t *id = json_object_get(failure, "itemIdentifier");
		if (json_string_length(id) == 0)
			return not_as_lambda_takes_it(
				text, "has " MEMBER " without an itemIdentifier");
		if (is_text(id, message_id))
			return not_as_lambda_takes_it(text, "names the message in " MEMBER);
	}
	return json_array_size(failures) == 0 ||
	       not_as_lambda_takes_it(text, "names in " MEMBER " a message that it was not given");
}

bool lambda_answer_is_good(
	const char *body, size_t len, const char *message_id, char ret_text[LAMBDA_TEXT_MAX])
{
	if (len == 0 || !memmem(body, len, MEMBER, strlen(MEMBER)))
		return true;
	json_auto_t *answer = load(body, len);
	if (!answer)
		return not_as_lambda_takes_it(ret_text, "is not JSON");
	const json_t *failures = json_object_get(answer, MEMBER);
	return !failures || json_is_null(failures) ||
	       judge_failures(failures, message_id, ret_text);
}

void lambda_answer_read_error(
	const char *body, size_t len, const char *header_type, char ret_text[LAMBDA_TEXT_MAX])
{
	json_auto_t *error = load(body, len);
	const char *type = json_string_value(json_object_get(error, "errorType"));
	const char *message = json_string_value(json_object_get(error, "errorMessage"));

	if (!type || !*type)
		type = header_type && *header_type ? header_type : "Error";
	if (!message)
		message = "";
	if (*message && strcmp(type, "Error") == 0)
		snprintf(ret_text, LAMBDA_TEXT_MAX, "%s", message);
	else
		snprintf(ret_text, LAMBDA_TEXT_MAX, "%s%s%s", type, *message ? ": " : "", message);
}

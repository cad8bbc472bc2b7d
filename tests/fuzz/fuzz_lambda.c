/*
 * What programs ask of the Lambda Runtime API, and what they answer: handler/runtime_api,
 * handler/lambda_answer. An input is "METHOD PATH", a line with the type of an error, the body.
 */
#include <assert.h>
#include <jansson.h>

#include "base/cleanup.h"
#include "fuzz.h"
#include "handler/lambda_answer.h"
#include "handler/runtime_api.h"

#define MESSAGE_ID "5fea7756-0ea4-451a-a703-a558b933e274"
#define MEMBER     "batchItemFailures"

static void call(const char *method, const char *path)
{
	char id[RUNTIME_ID_MAX];

	memset(id, 'x', sizeof id);
	enum runtime_call what = runtime_api_call(method, path, id);
	assert(memchr(id, '\0', sizeof id) && strstr(path, id) && !strchr(id, '/'));
	assert(!*id || what == RUNTIME_CALL_RESPONSE || what == RUNTIME_CALL_ERROR);
	assert(what == RUNTIME_CALL_UNKNOWN || what == RUNTIME_CALL_RESTORE ||
		strcmp(method, what == RUNTIME_CALL_NEXT ? "GET" : "POST") == 0);
}

/* As lambda_answer.h says it, of a tree; in which names are not told from escaped ones. */
static bool is_good(const char *body, size_t len, const json_t *json)
{
	const json_t *failures = json_object_get(json, MEMBER);

	if (len == 0 || !memmem(body, len, MEMBER, strlen(MEMBER)))
		return true;
	return json && (!failures || json_is_null(failures) ||
			       (json_is_array(failures) && json_array_size(failures) == 0));
}

static void judge(const char *body, size_t len)
{
	char text[LAMBDA_TEXT_MAX] = "";

	bool good = lambda_answer_is_good(body, len, MESSAGE_ID, text);
	assert(good == !*text && strlen(text) < sizeof text);
	/* For jansson a NUL is an end, and some numbers and texts are none. */
	if (len == 0 || memchr(body, '\0', len) || memchr(body, '\\', len))
		return;
	json_error_t error;
	json_t *json = json_loadb(body, len, JSON_DECODE_ANY, &error);
	if (json || json_error_code(&error) != json_error_numeric_overflow)
		assert(good == is_good(body, len, json));
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = fuzz_input(data, size);
	_cleanup_free_ char *method = fuzz_take_line(&input);
	_cleanup_free_ char *type = fuzz_take_line(&input);
	char *path = strchr(method, ' '), text[LAMBDA_TEXT_MAX] = "";

	if (path)
		*path++ = '\0';
	call(method, path ? path : "");
	judge(input.at, input.len);
	lambda_answer_read_error(input.at, input.len, *type ? type : NULL, text);
	assert(*text && strlen(text) < sizeof text);
	return 0;
}

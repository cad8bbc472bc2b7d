#include "handler/runtime_api.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BASE "/2018-06-01/runtime/"

static bool begins(const char **path, const char *with)
{
	size_t len = strlen(with);

	if (strncmp(*path, with, len) != 0)
		return false;
	*path += len;
	return true;
}

/* "ID/response" or "ID/error". */
static enum runtime_call call_of_invocation(const char *rest, char ret_id[RUNTIME_ID_MAX])
{
	size_t len = strcspn(rest, "/");
	bool response = strcmp(rest + len, "/response") == 0;

	if (!response && strcmp(rest + len, "/error") != 0)
		return RUNTIME_CALL_UNKNOWN;
	if (len < RUNTIME_ID_MAX) {
		memcpy(ret_id, rest, len);
		ret_id[len] = '\0';
	}
	return response ? RUNTIME_CALL_RESPONSE : RUNTIME_CALL_ERROR;
}

enum runtime_call runtime_api_call(
	const char *method, const char *path, char ret_id[RUNTIME_ID_MAX])
{
	bool get = strcmp(method, "GET") == 0, post = strcmp(method, "POST") == 0;

	ret_id[0] = '\0';
	if (!begins(&path, BASE))
		return RUNTIME_CALL_UNKNOWN;
	if (get && strcmp(path, "invocation/next") == 0)
		return RUNTIME_CALL_NEXT;
	if (post && strcmp(path, "init/error") == 0)
		return RUNTIME_CALL_INIT_ERROR;
	if (begins(&path, "restore/"))
		return RUNTIME_CALL_RESTORE;
	return post && begins(&path, "invocation/") ? call_of_invocation(path, ret_id)
						    : RUNTIME_CALL_UNKNOWN;
}

void runtime_api_give(struct serve_request *next, const struct runtime_work *work)
{
	char deadline[24];
	struct http_header headers[5] = {
		{"Content-Type", "application/json"},
		{"Lambda-Runtime-Aws-Request-Id", work->request_id},
		{"Lambda-Runtime-Deadline-Ms", deadline},
		{"Lambda-Runtime-Invoked-Function-Arn", work->arn},
	};
	struct serve_answer answer = {
		.status = 200,
		.headers = headers,
		.n_headers = 4,
		.body = work->event,
		.body_len = work->event_len,
	};

	snprintf(deadline, sizeof deadline, "%" PRIu64, work->deadline / USEC_PER_MSEC);
	if (work->trace_id)
		headers[answer.n_headers++] =
			(struct http_header){"Lambda-Runtime-Trace-Id", work->trace_id};
	serve_answer(next, &answer);
}

static void answer_json(struct serve_request *request, unsigned status, const char *text)
{
	static const struct http_header json = {"Content-Type", "application/json"};
	const struct serve_answer answer = {
		.status = status,
		.headers = &json,
		.n_headers = 1,
		.body = text,
		.body_len = strlen(text),
	};

	serve_answer(request, &answer);
}

void runtime_api_accept(struct serve_request *request)
{
	answer_json(request, 202, "{\"status\":\"OK\"}");
}

void runtime_api_refuse(
	struct serve_request *request, unsigned status, const char *type, const char *message)
{
	char text[256];

	snprintf(
		text, sizeof text, "{\"errorMessage\":\"%s\",\"errorType\":\"%s\"}", message, type);
	answer_json(request, status, text);
}

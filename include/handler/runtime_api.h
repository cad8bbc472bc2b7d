/*
 * The Lambda Runtime API, version 2018-06-01, as its server has it: which call a request is, and
 * what each is answered. Knows nothing of processes or jobs. What answers a request is for the loop
 * thread, whose requests are; the rest is pure.
 * https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/uuid.h"
#include "net/http_serve.h"

/* What Lambda takes as an answer. */
#define RUNTIME_API_BODY_MAX (6u * 1024 * 1024 + 100)

enum runtime_call {
	RUNTIME_CALL_NEXT,
	RUNTIME_CALL_RESPONSE,
	RUNTIME_CALL_ERROR,
	RUNTIME_CALL_INIT_ERROR,
	RUNTIME_CALL_RESTORE, /* SnapStart's, which there is none of here */
	RUNTIME_CALL_UNKNOWN,
};

#define RUNTIME_ID_MAX UUID_MAX

/* ret_id: of the invocation that the call is about; "" for others, and for what cannot be one. */
enum runtime_call runtime_api_call(
	const char *method, const char *path, char ret_id[RUNTIME_ID_MAX]);

/* What a runtime is given to do. */
struct runtime_work {
	char request_id[RUNTIME_ID_MAX];
	const char *event; /* JSON */
	size_t event_len;
	usec_t deadline;      /* CLOCK_REALTIME */
	const char *arn;      /* of the function */
	const char *trace_id; /* NULL: none */
	const char *job_id;   /* for the log, as attempt */
	int attempt;
	const char *message_id;
};

/* Each answers the request, which is gone then. */
void runtime_api_give(struct serve_request *next, const struct runtime_work *work);
void runtime_api_accept(struct serve_request *request);
void runtime_api_refuse(
	struct serve_request *request, unsigned status, const char *type, const char *message);

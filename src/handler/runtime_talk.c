#include "handler/runtime_parts.h"

#include <stdio.h>
#include <string.h>

#include "net/peer.h"

/* After it has said that it cannot start it ends by itself. */
#define LAST_WORDS_LIMIT (2 * USEC_PER_SEC)
/* Clients tell of an error's cause in a header of up to a mebibyte. */
#define HEAD_MAX ((size_t)1100 << 10)

/* ---- Work: it asks, is given, and answers ---- */

/* The question before may be of a connection that it has closed, which can show later than this. */
static void runtime_asks_anew(struct runtime *r, struct serve_request *request)
{
	struct serve_request *before = r->asking;

	r->asking = request;
	runtime_api_refuse(
		before, 403, "InvalidStateTransition", "the runtime has asked again meanwhile");
}

static void runtime_asks(struct runtime *r, struct serve_request *request)
{
	if (r->ending || r->state == RUNTIME_BUSY) {
		runtime_api_refuse(request, 403, "InvalidStateTransition",
			r->ending ? "the runtime is to end"
				  : "the runtime asks for work while it has some");
		return;
	}
	if (r->asking) {
		runtime_asks_anew(r, request);
		return;
	}
	runtime_drain_all(r);
	/* What its start, or its last work, left behind is told as such. */
	output_begin(&r->output, NULL, 0);
	sd_event_source_set_enabled(r->timer, SD_EVENT_OFF);
	r->asking = request;
	r->state = RUNTIME_IDLE;
	r->events.ready(r->events.userdata, r);
}

void runtime_give(struct runtime *r, const struct runtime_work *work)
{
	r->work = work;
	r->state = RUNTIME_BUSY;
	r->n_given++;
	output_begin(&r->output, work->job_id, work->attempt);
	struct serve_request *asking = TAKE_PTR(r->asking);
	runtime_api_give(asking, work);
}

static void runtime_await_question(struct runtime *r)
{
	r->state = RUNTIME_ANSWERED;
	if (!r->ending)
		runtime_arm(r, r->ask_limit);
}

static void runtime_answers(struct runtime *r, bool good, const char *text)
{
	runtime_drain_all(r);
	output_end(&r->output);
	r->work = NULL;
	runtime_await_question(r);
	r->events.answered(r->events.userdata, r, good, text);
}

static bool runtime_is_about(const struct runtime *r, struct serve_request *request, const char *id)
{
	if (r->state == RUNTIME_BUSY && strcmp(id, r->work->request_id) == 0)
		return true;
	if (r->state == RUNTIME_BUSY)
		runtime_api_refuse(request, 400, "InvalidRequestID", "Invalid request ID");
	else
		runtime_api_refuse(request, 403, "InvalidStateTransition",
			"the runtime answers while it has no work");
	return false;
}

static void runtime_responds(struct runtime *r, struct serve_request *request, const char *id)
{
	char text[LAMBDA_TEXT_MAX] = "";
	size_t len;

	if (!runtime_is_about(r, request, id))
		return;
	const char *body = serve_body(request, &len);
	bool good = lambda_answer_is_good(body, len, r->work->message_id, text);
	runtime_api_accept(request);
	runtime_answers(r, good, text);
}

static void runtime_read_error(struct serve_request *request, char ret_text[LAMBDA_TEXT_MAX])
{
	size_t len;
	const char *body = serve_body(request, &len);

	lambda_answer_read_error(
		body, len, serve_header(request, "Lambda-Runtime-Function-Error-Type"), ret_text);
	runtime_api_accept(request);
}

static void runtime_fails(struct runtime *r, struct serve_request *request, const char *id)
{
	char text[LAMBDA_TEXT_MAX];

	if (!runtime_is_about(r, request, id))
		return;
	runtime_read_error(request, text);
	runtime_answers(r, false, text);
}

/* ---- Its calls ---- */

static void runtime_cannot_start(struct runtime *r, struct serve_request *request)
{
	if (r->state != RUNTIME_STARTING || r->ending) {
		runtime_api_refuse(
			request, 403, "InvalidStateTransition", "the runtime has started already");
		return;
	}
	runtime_read_error(request, r->text);
	r->ending = true;
	runtime_arm(r, LAST_WORDS_LIMIT);
}

static void on_request(void *userdata, struct serve_request *request)
{
	struct runtime *r = userdata;
	char id[RUNTIME_ID_MAX];

	switch (runtime_api_call(serve_method(request), serve_path(request), id)) {
	case RUNTIME_CALL_NEXT:
		runtime_asks(r, request);
		return;
	case RUNTIME_CALL_RESPONSE:
		runtime_responds(r, request, id);
		return;
	case RUNTIME_CALL_ERROR:
		runtime_fails(r, request, id);
		return;
	case RUNTIME_CALL_INIT_ERROR:
		runtime_cannot_start(r, request);
		return;
	case RUNTIME_CALL_RESTORE:
		runtime_api_refuse(request, 403, "InvalidStateTransition", "this is no snapshot");
		return;
	case RUNTIME_CALL_UNKNOWN:
		runtime_api_refuse(request, 404, "NotFound", "no such call in 2018-06-01");
		return;
	}
}

/* As on Lambda the end of what it was to answer: clients go on and ask for more. */
static void on_too_large(void *userdata, struct serve_request *request)
{
	static const char type[] = "Function.ResponseSizeTooLarge: ";
	static const char why[] = "the answer has more than 6291556 bytes";
	struct runtime *r = userdata;
	char id[RUNTIME_ID_MAX], text[sizeof type + sizeof why];

	enum runtime_call call = runtime_api_call(serve_method(request), serve_path(request), id);
	bool answers = call == RUNTIME_CALL_RESPONSE || call == RUNTIME_CALL_ERROR;
	if (answers && !runtime_is_about(r, request, id))
		return;
	runtime_api_refuse(request, 413, "RequestEntityTooLarge", why);
	if (!answers)
		return;
	snprintf(text, sizeof text, "%s%s", type, why);
	runtime_answers(r, false, text);
}

/* It hung up while it waited for work: it may ask again. */
static void on_hung_up(void *userdata, struct serve_request *request)
{
	struct runtime *r = userdata;

	if (request != r->asking)
		return;
	r->asking = NULL;
	if (r->state == RUNTIME_IDLE)
		runtime_await_question(r);
}

static bool on_admit(void *userdata, const struct sockaddr *client)
{
	const struct runtime *r = userdata;
	pid_t session;

	return r->child.pid > 0 &&
	       peer_session(client, http_serve_port(r->serve), r->child.pid, &session) == 0 &&
	       session == r->child.pid;
}

int runtime_listen(struct runtime *r)
{
	const struct http_serve_options options = {
		.max_head = HEAD_MAX,
		.max_body = RUNTIME_API_BODY_MAX,
		.max_connections = 4,
		.admit = on_admit,
		.request = on_request,
		.too_large = on_too_large,
		.gone = on_hung_up,
		.userdata = r,
	};

	return http_serve_new(r->event, &options, &r->serve);
}

#include "handler/sqsd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "handler/sqsd_answer.h"
#include "handler/sqsd_request.h"
#include "job/job.h"
#include "net/http_client.h"
#include "net/http_url.h"

/* Applications look for the name, and some for a version. */
#define USER_AGENT "aws-sqsd/3.0"

#define CONNECT_TIMEOUT (5 * USEC_PER_SEC)
/* A busy listener drops the first try, and the kernel makes another after a second. */
#define CHECK_TIMEOUT (2 * USEC_PER_SEC)

/* Of an answer, which does not matter, for the error's text; and what is read of it to its end. */
#define ANSWER_MAX  4096
#define IGNORED_MAX ((size_t)1 << 20)

#define URL_MAX 8192

struct sqsd {
	struct handler handler;
	char *url;
	struct http_url parts;
	struct http_client *client;
};

/* An answer's headers that matter. */
enum sqsd_wanted {
	SQSD_CONTENT_TYPE,
	SQSD_RETRY_AFTER,
	SQSD_N_WANTED
};

static const char *const wanted_headers[SQSD_N_WANTED] = {
	[SQSD_CONTENT_TYPE] = "Content-Type",
	[SQSD_RETRY_AFTER] = "Retry-After",
};

static const struct http_options http_options = {.user_agent = USER_AGENT};

/* A service of this very machine is not asked through a proxy. What the others share is here. */
static struct http_request sqsd_post(const char *url, const struct http_url *parts)
{
	return (struct http_request){
		.method = "POST",
		.url = url,
		.connect_timeout = CONNECT_TIMEOUT,
		.wanted = wanted_headers,
		.n_wanted = SQSD_N_WANTED,
		.max_answer = ANSWER_MAX,
		.max_ignored = IGNORED_MAX,
		.direct = http_url_is_loopback(parts),
	};
}

/* Why there is no answer, without the URL, which may hold a secret. */
static void sqsd_explain(
	const struct http_url *parts, int error, const char *why, char ret_text[SQSD_TEXT_MAX])
{
	const char *cure = error == -ECONNREFUSED ? ": start the service, or correct url"
			   : error == -EHOSTUNREACH || error == -ETIMEDOUT
				   ? ": look at the service, or correct url"
				   : "";

	snprintf(ret_text, SQSD_TEXT_MAX, "no answer from the service at %s: %s%s",
		parts->authority, why, cure);
}

/* ---- One job ---- */

static enum handler_result sqsd_refuse(struct handler_context *context, const char *text)
{
	handler_fails_for_good(context);
	return handler_fail(context, "%s", text);
}

static enum handler_result sqsd_judge(struct handler_context *context, const struct sqsd *sqsd,
	const struct http_response *response)
{
	char line[SQSD_ANSWER_LINE_MAX + 1], text[SQSD_TEXT_MAX];

	if (response->error < 0) {
		sqsd_explain(&sqsd->parts, response->error, response->error_text, text);
		return handler_fail(context, "%s", text);
	}
	if (response->status == 200)
		return HANDLER_DONE;
	handler_retry_in(context, sqsd_answer_retry_after(response->headers[SQSD_RETRY_AFTER]));
	sqsd_answer_line(
		response->headers[SQSD_CONTENT_TYPE], response->body, response->body_len, line);
	return handler_fail(context, "the service answered %u%s%s", response->status,
		line[0] ? ": " : "", line);
}

static enum handler_result sqsd_await(
	struct handler_context *context, const struct sqsd *sqsd, struct http_client_call *call)
{
	const struct http_response *response;

	while (!(response = http_client_advance(call))) {
		struct pollfd p = {.fd = http_client_fd(call), .events = POLLIN};
		int r = handler_poll(context, &p, 1, http_client_due_at(call));
		if (r == -ECANCELED || r == -ETIMEDOUT)
			return HANDLER_INTERRUPTED;
		if (r < 0)
			return handler_fail(context,
				"the service's answer cannot be waited for: %s", strerror(-r));
	}
	return sqsd_judge(context, sqsd, response);
}

static enum handler_result sqsd_send(
	struct handler_context *context, struct sqsd *sqsd, const struct http_request *request)
{
	_cleanup_(http_client_endp) struct http_client_call *call = NULL;

	int r = http_client_start(sqsd->client, request, &call);
	switch (r) {
	case 0:
		return sqsd_await(context, sqsd, call);
	case -ENOBUFS:
		return sqsd_refuse(context, "its message is not sent: its attributes are larger "
					    "than the headers of a request may be");
	case -EINVAL:
		return sqsd_refuse(context, "its message is not sent: its attribute "
					    "beanstalk.sqsd.path is no path");
	default:
		return handler_fail(context, "the service cannot be asked: %s", strerror(-r));
	}
}

static enum handler_result sqsd_run(struct handler_context *context)
{
	struct sqsd *sqsd = container_of(context->handler, struct sqsd, handler);
	const struct job *job = context->job;
	struct sqsd_request what;
	char text[SQSD_REQUEST_TEXT_MAX], url[URL_MAX];

	if (sqsd_request_build(&what, job->envelope, text) < 0)
		return sqsd_refuse(context, text);
	struct http_request request = sqsd_post(sqsd->url, &sqsd->parts);
	request.headers = what.headers;
	request.n_headers = what.n_headers;
	request.body = job->body;
	request.body_len = job->body_len;
	/* The deadline is the runner's, who tells what it means: this one never comes first. */
	request.timeout = usec_sub(context->deadline, clock_boottime()) + USEC_PER_MIN;
	if (what.path) {
		int len = snprintf(url, sizeof url, "%s://%s%s", sqsd->parts.scheme,
			sqsd->parts.authority, what.path);
		if (len >= (int)sizeof url)
			return sqsd_refuse(context, "its message is not sent: its attribute "
						    "beanstalk.sqsd.path is too long");
		request.url = url;
	}
	return sqsd_send(context, sqsd, &request);
}

/* ---- The handler ---- */

static void sqsd_free(struct handler *handler)
{
	struct sqsd *sqsd = container_of(handler, struct sqsd, handler);

	http_client_free(sqsd->client);
	free(sqsd->url);
	free(sqsd);
}

static int sqsd_parse(
	const struct sqsd_options *options, struct http_url *ret, char ret_text[SQSD_TEXT_MAX])
{
	int r = http_check_url(options->url, false);

	r = r < 0 ? r : http_url_parse(options->url, ret);
	switch (r) {
	case 0:
		return 0;
	case -ENOMEM:
		snprintf(ret_text, SQSD_TEXT_MAX, "out of memory");
		return -ENOMEM;
	case -EPERM:
		snprintf(ret_text, SQSD_TEXT_MAX,
			"url leads to another machine, and what is sent there could be read on the "
			"way: use https");
		return -EINVAL;
	default:
		snprintf(ret_text, SQSD_TEXT_MAX,
			"url is not a service's: http://HOST:PORT/PATH, without user and password");
		return -EINVAL;
	}
}

int sqsd_new(const struct sqsd_options *options, struct handler **ret, char ret_text[SQSD_TEXT_MAX])
{
	struct http_url parts;

	int r = sqsd_parse(options, &parts, ret_text);
	if (r < 0)
		return r;
	struct sqsd *sqsd = calloc(1, sizeof *sqsd);
	if (!sqsd)
		return -ENOMEM;
	sqsd->handler = (struct handler){
		.name = "http",
		.run = sqsd_run,
		.free = sqsd_free,
		.wants_envelope = true,
		.n_refs = 1,
	};
	sqsd->parts = parts;
	sqsd->url = strdup(options->url);
	r = sqsd->url ? http_client_new(&http_options, &sqsd->client) : -ENOMEM;
	if (r < 0) {
		sqsd_free(&sqsd->handler);
		return r;
	}
	*ret = &sqsd->handler;
	return 0;
}

int sqsd_check(const struct sqsd_options *options, char ret_text[SQSD_TEXT_MAX])
{
	char why[HTTP_FAILURE_MAX];
	struct http_url parts;

	int r = sqsd_parse(options, &parts, ret_text);
	if (r < 0)
		return r;
	struct http_request request = sqsd_post(options->url, &parts);
	request.timeout = request.connect_timeout = CHECK_TIMEOUT;
	r = http_client_try(&http_options, &request, why);
	if (r < 0)
		sqsd_explain(&parts, r, why, ret_text);
	return r;
}

#include "aws/imds.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#include "base/strbuf.h"
#include "net/http_url.h"

#define ENDPOINT_IPV4 "http://169.254.169.254"
#define ENDPOINT_IPV6 "http://[fd00:ec2::254]"

#define TOKEN_MAX         1024
#define TOKEN_LIFE        (6 * USEC_PER_HOUR)
#define TOKEN_LIFE_HEADER "21600"
#define TOKEN_AHEAD       (2 * USEC_PER_MIN)

#define TIMEOUT_SEC_MAX 60
#define ATTEMPTS_MAX    10

struct imds_call {
	TAILQ_ENTRY(imds_call) link;
	struct imds *imds;
	struct http_call *http;
	char *url;
	size_t max_answer;
	imds_done_fn *done;
	void *userdata;
	unsigned n_attempts; /* at the request that is out */
	bool renewed;        /* the token was refused once */
};

TAILQ_HEAD(imds_call_list, imds_call);

struct imds {
	struct http *http;
	char *endpoint; /* without a "/" at its end */
	usec_t timeout;
	unsigned max_attempts;
	int wrong; /* why nothing can be asked, as imds_get() says it; 0: it can */
	char wrong_text[CREDENTIALS_TEXT_MAX];

	struct strbuf token;
	usec_t token_until; /* CLOCK_BOOTTIME */
	bool was_there;     /* it has answered before: its silence is an outage */
	struct imds_call_list calls;
};

sd_event *imds_event(const struct imds *imds)
{
	return http_event(imds->http);
}

const char *imds_token(const struct imds *imds)
{
	return strbuf_str(&imds->token);
}

/* ---- The environment ---- */

/* What is not set is 1. */
static int imds_read_number(
	struct imds *imds, credentials_getenv_fn *getenv_fn, const char *name, unsigned max)
{
	const char *text = credentials_getenv(getenv_fn, name);
	unsigned long number = text ? strtoul(text, NULL, 10) : 1;

	if (text && (strspn(text, "0123456789") != strlen(text) || number < 1 || number > max))
		return credentials_failed(imds->wrong_text, -EINVAL,
			"%s is not a whole number from 1 to %u", name, max);
	return (int)number;
}

static int imds_read_endpoint(struct imds *imds, credentials_getenv_fn *getenv_fn)
{
	const char *given = credentials_getenv(getenv_fn, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
	const char *mode = credentials_getenv(getenv_fn, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
	bool ipv6 = mode && strcasecmp(mode, "IPv6") == 0;
	struct http_url url;

	if (mode && !ipv6 && strcasecmp(mode, "IPv4") != 0)
		return credentials_failed(imds->wrong_text, -EINVAL,
			"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE is neither IPv4 nor IPv6");
	if (given && (strpbrk(given, "?#") || http_url_parse(given, &url) < 0))
		return credentials_failed(imds->wrong_text, -EINVAL,
			"AWS_EC2_METADATA_SERVICE_ENDPOINT is not a URL like " ENDPOINT_IPV4);

	imds->endpoint = strdup(given ? given : ipv6 ? ENDPOINT_IPV6 : ENDPOINT_IPV4);
	if (!imds->endpoint)
		return -ENOMEM;
	for (size_t len = strlen(imds->endpoint); imds->endpoint[len - 1] == '/'; len--)
		imds->endpoint[len - 1] = '\0';
	return 0;
}

static int imds_read_environment(struct imds *imds, credentials_getenv_fn *getenv_fn)
{
	if (credentials_getenv_is_true(getenv_fn, "AWS_EC2_METADATA_DISABLED"))
		return credentials_failed(
			imds->wrong_text, -ENOENT, "AWS_EC2_METADATA_DISABLED is set");

	int r = imds_read_endpoint(imds, getenv_fn);
	if (r < 0)
		return r;
	r = imds_read_number(imds, getenv_fn, "AWS_METADATA_SERVICE_TIMEOUT", TIMEOUT_SEC_MAX);
	if (r < 0)
		return r;
	imds->timeout = (usec_t)r * USEC_PER_SEC;
	r = imds_read_number(imds, getenv_fn, "AWS_METADATA_SERVICE_NUM_ATTEMPTS", ATTEMPTS_MAX);
	if (r < 0)
		return r;
	imds->max_attempts = (unsigned)r;
	return 0;
}

/* ---- The end of a question ---- */

static void imds_call_free(struct imds_call *call)
{
	TAILQ_REMOVE(&call->imds->calls, call, link);
	free(call->url);
	free(call);
}

static void imds_end(struct imds_call *call, int r, const char *text, const char *body)
{
	call->done(call->userdata, r, text, body);
	imds_call_free(call);
}

__attribute__((format(printf, 3, 4))) static void imds_fail(
	struct imds_call *call, int r, const char *format, ...)
{
	char text[CREDENTIALS_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	imds_end(call, r, text, NULL);
}

/* No connection was made. */
static void imds_fail_unconnected(struct imds_call *call, const struct http_response *response)
{
	const struct imds *imds = call->imds;

	if (imds->was_there)
		imds_fail(call, -EHOSTUNREACH, "%s does not answer any more: %s", imds->endpoint,
			response->error_text);
	else
		imds_fail(call, -ENOENT,
			"nobody is at %s: this is no EC2 instance, or its metadata service does "
			"not reach into this container (%s)",
			imds->endpoint, response->error_text);
}

/* There is no answer, or one that says only that the service is in trouble. */
static void imds_fail_unanswered(
	struct imds_call *call, const struct http_response *response, bool token)
{
	const char *endpoint = call->imds->endpoint;

	if (response->error == 0)
		imds_fail(call, -EAGAIN, "%s is in trouble: HTTP %u", endpoint, response->status);
	else if (response->error == -ENOMEM)
		imds_fail(call, -ENOMEM, "out of memory");
	else if (response->sent_at == 0)
		imds_fail_unconnected(call, response);
	else if (token && response->first_byte_at == 0)
		imds_fail(call, response->error,
			"%s answers no request for a token: in a container, set the instance's "
			"HttpPutResponseHopLimit to 2 (%s)",
			endpoint, response->error_text);
	else
		imds_fail(call, response->error, "%s: %s", endpoint, response->error_text);
}

static void imds_fail_refused(struct imds_call *call, unsigned status, bool token)
{
	const char *endpoint = call->imds->endpoint;

	if (status == 403)
		imds_fail(call, -EACCES,
			"%s refuses (HTTP 403): the metadata service is switched off for this "
			"instance: set its HttpEndpoint to enabled",
			endpoint);
	else if (status == 401 && !token)
		imds_fail(call, -EAGAIN,
			"%s does not accept the token that it has just given (HTTP 401)", endpoint);
	else if (token)
		imds_fail(call, -EPROTO,
			"%s gives no token (HTTP %u): it is not EC2's metadata service, or one "
			"without IMDSv2",
			endpoint, status);
	else if (status == 404)
		imds_fail(call, -ENODATA, "%s has nothing there", endpoint);
	else
		imds_fail(call, -EPROTO, "%s refuses: HTTP %u", endpoint, status);
}

/* ---- The requests ---- */

static void on_answer(void *userdata, const struct http_response *response);
static void on_token(void *userdata, const struct http_response *response);

static int imds_send(struct imds_call *call, const char *method, const char *url,
	const struct http_header *header, size_t max_answer, http_done_fn *done)
{
	struct imds *imds = call->imds;
	const struct http_request request = {
		.method = method,
		.url = url,
		.headers = header,
		.n_headers = 1,
		.timeout = 2 * imds->timeout,
		.connect_timeout = imds->timeout,
		.max_answer = max_answer,
		.direct = true,
		.plain = true,
		.secret = true,
	};

	return http_start(imds->http, &request, done, call, &call->http);
}

static int imds_ask_for_token(struct imds_call *call)
{
	static const struct http_header header = {
		"X-aws-ec2-metadata-token-ttl-seconds", TOKEN_LIFE_HEADER};
	_cleanup_free_ char *url = NULL;

	if (asprintf(&url, "%s/latest/api/token", call->imds->endpoint) < 0)
		return -ENOMEM;
	return imds_send(call, "PUT", url, &header, TOKEN_MAX, on_token);
}

static int imds_ask(struct imds_call *call)
{
	const struct http_header header = {
		"X-aws-ec2-metadata-token", strbuf_str(&call->imds->token)};

	return imds_send(call, "GET", call->url, &header, call->max_answer, on_answer);
}

/* With a token that is good for the time of a request. */
static int imds_begin(struct imds_call *call)
{
	call->n_attempts++;
	return clock_boottime() < call->imds->token_until ? imds_ask(call)
							  : imds_ask_for_token(call);
}

static void imds_go_on(struct imds_call *call)
{
	int r = imds_begin(call);

	if (r < 0)
		imds_fail(call, r == -EINVAL ? -EPROTO : r, "%s cannot be asked: %s",
			call->imds->endpoint, strerrordesc_np(-r));
}

/* Whether the service did say something; if not, the question was asked again or is over. */
static bool imds_has_answered(
	struct imds_call *call, const struct http_response *response, bool token)
{
	call->http = NULL;
	if (response->error == 0)
		call->imds->was_there = true;
	if (response->error == 0 && response->status < 500)
		return true;
	if (call->n_attempts < call->imds->max_attempts)
		imds_go_on(call);
	else
		imds_fail_unanswered(call, response, token);
	return false;
}

/* ---- The token ---- */

static void imds_forget_token(struct imds *imds)
{
	strbuf_wipe(&imds->token);
	imds->token_until = 0;
}

static bool imds_is_token(const struct http_response *response)
{
	for (const char *c = response->body; *c; c++)
		if (*c <= ' ' || *c > '~')
			return false;
	return response->body_len > 0 && strlen(response->body) == response->body_len;
}

static void on_token(void *userdata, const struct http_response *response)
{
	struct imds_call *call = userdata;
	struct imds *imds = call->imds;

	if (!imds_has_answered(call, response, true))
		return;
	if (response->status != 200) {
		imds_fail_refused(call, response->status, true);
		return;
	}
	if (!imds_is_token(response)) {
		imds_fail(call, -EPROTO, "%s gives something else than a token", imds->endpoint);
		return;
	}
	strbuf_wipe(&imds->token);
	if (strbuf_puts(&imds->token, response->body) < 0) {
		imds_fail(call, -ENOMEM, "out of memory");
		return;
	}
	imds->token_until = clock_boottime() + TOKEN_LIFE - TOKEN_AHEAD;
	call->n_attempts = 0;
	imds_go_on(call);
}

static void on_answer(void *userdata, const struct http_response *response)
{
	struct imds_call *call = userdata;

	if (!imds_has_answered(call, response, false))
		return;
	if (response->status == 401)
		imds_forget_token(call->imds);
	if (response->status == 401 && !call->renewed) {
		call->renewed = true;
		call->n_attempts = 0;
		imds_go_on(call);
	} else if (response->status != 200) {
		imds_fail_refused(call, response->status, false);
	} else if (strlen(response->body) != response->body_len) {
		imds_fail(call, -EBADMSG, "%s answers with what is no text", call->imds->endpoint);
	} else {
		imds_end(call, 0, "", response->body);
	}
}

/* ---- From outside ---- */

int imds_get(struct imds *imds, const struct imds_request *request,
	char ret_text[static CREDENTIALS_TEXT_MAX], struct imds_call **ret_call)
{
	if (imds->wrong < 0) {
		memcpy(ret_text, imds->wrong_text, CREDENTIALS_TEXT_MAX);
		return imds->wrong;
	}

	struct imds_call *call = calloc(1, sizeof *call);
	if (!call)
		return credentials_failed(ret_text, -ENOMEM, "out of memory");
	assert(request->path[0] == '/');
	call->imds = imds;
	call->max_answer = request->max_answer;
	call->done = request->done;
	call->userdata = request->userdata;
	TAILQ_INSERT_TAIL(&imds->calls, call, link);

	if (asprintf(&call->url, "%s%s", imds->endpoint, request->path) < 0)
		call->url = NULL;
	int r = call->url ? imds_begin(call) : -ENOMEM;
	if (r < 0) {
		imds_call_free(call);
		return credentials_failed(
			ret_text, r, "%s cannot be asked: %s", imds->endpoint, strerrordesc_np(-r));
	}
	*ret_call = call;
	return 0;
}

void imds_cancel(struct imds_call *call)
{
	assert(call->http);
	http_cancel(call->http);
	imds_call_free(call);
}

int imds_new(struct http *http, credentials_getenv_fn *getenv_fn, struct imds **ret)
{
	_cleanup_(imds_freep) struct imds *imds = calloc(1, sizeof *imds);

	if (!imds)
		return -ENOMEM;
	TAILQ_INIT(&imds->calls);
	strbuf_init(&imds->token, TOKEN_MAX);
	imds->http = http;
	imds->wrong = imds_read_environment(imds, getenv_fn);
	if (imds->wrong == -ENOMEM)
		return -ENOMEM;
	*ret = TAKE_PTR(imds);
	return 0;
}

struct imds *imds_free(struct imds *imds)
{
	struct imds_call *call;

	if (!imds)
		return NULL;
	while ((call = TAILQ_FIRST(&imds->calls)))
		imds_cancel(call);
	strbuf_wipe(&imds->token);
	free(imds->endpoint);
	free(imds);
	return NULL;
}

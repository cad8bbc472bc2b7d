#include "aws/sts.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "aws/endpoint.h"
#include "aws/signer.h"
#include "aws/sts_codec.h"
#include "aws/sts_endpoint.h"
#include "aws/sts_fault.h"

#define TIMEOUT         (5 * USEC_PER_SEC)
#define CONNECT_TIMEOUT (3 * USEC_PER_SEC)
#define ANSWER_MAX      ((size_t)256 << 10)

/* What is kept of an answer's headers. */
enum {
	DATE,
	AGE,
	N_WANTED
};
static const char *const wanted[N_WANTED] = {[DATE] = "Date", [AGE] = "Age"};

struct sts_call {
	const struct credential_means *means;
	/* What still counts once the form is written; its texts are ours. */
	struct sts_request request;
	struct strbuf role_arn, token, source;
	struct strbuf form;
	struct endpoint endpoint;
	struct signer *signer; /* NULL: nothing is signed */
	struct http_call *http;
	bool sent_again;
	sts_done_fn *done;
	void *userdata;
};

static struct sts_call *sts_call_free(struct sts_call *call)
{
	credentials_unref(call->request.signed_by);
	signer_free(call->signer);
	strbuf_done(&call->role_arn);
	strbuf_wipe(&call->token);
	strbuf_done(&call->source);
	strbuf_wipe(&call->form);
	free(call);
	return NULL;
}
DEFINE_CLEANUP(struct sts_call *, sts_call_free)

static void on_answer(void *userdata, const struct http_response *response);

static int sts_send(struct sts_call *call)
{
	static const struct http_header form = {
		"Content-Type", "application/x-www-form-urlencoded"};
	struct http_header room[HTTP_HEADERS_MAX];
	struct http_request request = {
		.method = "POST",
		.url = call->endpoint.url,
		.headers = &form,
		.n_headers = 1,
		.body = call->form.data,
		.body_len = call->form.len,
		.wanted = wanted,
		.n_wanted = N_WANTED,
		.timeout = TIMEOUT,
		.connect_timeout = CONNECT_TIMEOUT,
		.max_answer = ANSWER_MAX,
		.secret = true,
	};

	int r = 0;
	if (call->signer)
		r = signer_sign(call->signer, call->request.signed_by,
			call->endpoint.parts.authority, &request, room);
	return r < 0 ? r : http_start(call->means->http, &request, on_answer, call, &call->http);
}

static void sts_judge(const struct sts_call *call, const struct http_response *response,
	struct sts_fault *fault, struct credentials **ret)
{
	struct sts_fault_place place = {
		.host = call->endpoint.parts.host, .request = &call->request};
	char what[CREDENTIALS_TEXT_MAX] = "";

	skew_read(response->headers[DATE], response->headers[AGE], &place.clock_usec);
	if (response->error < 0 || response->status != 200) {
		sts_fault_of_answer(&place, response, fault);
		return;
	}
	int r = sts_codec_read(response->body, response->body_len, call->request.source, what, ret);
	if (r < 0)
		sts_fault_of_shape(&place, r, what, fault);
}

/* Whether the refusal has taught the right time, and the question is out once more. */
static bool sts_tries_again(
	struct sts_call *call, const struct http_response *response, const struct sts_fault *fault)
{
	if (!fault->bad_signature || call->sent_again || !call->means->skew)
		return false;
	call->sent_again = true;
	return skew_learn(call->means->skew, response->headers[DATE], response->headers[AGE]) &&
	       sts_send(call) == 0;
}

static void on_answer(void *userdata, const struct http_response *response)
{
	struct sts_call *call = userdata;
	struct sts_fault fault = {.error = 0};
	struct credentials *found = NULL;

	call->http = NULL;
	sts_judge(call, response, &fault, &found);
	if (sts_tries_again(call, response, &fault))
		return;
	call->done(call->userdata, fault.error, fault.text, found);
	sts_call_free(call);
}

/* ---- From outside ---- */

static int sts_find_endpoint(struct sts_call *call, char text[static CREDENTIALS_TEXT_MAX])
{
	const struct credential_means *means = call->means;
	const char *source = call->request.source;
	_cleanup_strbuf_ struct strbuf url = STRBUF_INIT;

	int r = sts_endpoint_find(means, &url, text);
	if (r < 0)
		return r;
	r = endpoint_read(strbuf_str(&url), false, &call->endpoint);
	if (r == -ENOMEM)
		return credentials_failed(text, r, "out of memory");
	if (r == -EPERM)
		return credentials_failed(text, -EINVAL,
			"%s: the token service is asked over https only, but its endpoint's URL "
			"begins with http: correct AWS_ENDPOINT_URL_STS or AWS_ENDPOINT_URL",
			source);
	if (r < 0)
		return credentials_failed(text, -EINVAL,
			"%s: the token service's endpoint is no URL like "
			"https://sts.eu-west-1.amazonaws.com: correct AWS_ENDPOINT_URL_STS or "
			"AWS_ENDPOINT_URL",
			source);
	return 0;
}

static int sts_write_form(struct sts_call *call, const struct sts_request *request)
{
	char host[HOST_NAME_MAX + 1] = "", made[STS_SESSION_NAME_MAX + 1];

	gethostname(host, sizeof host - 1);
	sts_codec_name_session(host, made);
	sts_codec_write(request, request->session_name ? request->session_name : made, &call->form);
	return call->form.error;
}

static int sts_copy_request(struct sts_call *call, const struct sts_request *request)
{
	call->role_arn = call->token = call->source = call->form = STRBUF_INIT;
	strbuf_puts(&call->role_arn, request->role_arn);
	strbuf_puts(&call->source, request->source);
	call->request.role_arn = strbuf_str(&call->role_arn);
	call->request.source = strbuf_str(&call->source);
	call->request.signed_by = credentials_ref(request->signed_by);
	if (request->web_identity_token) {
		strbuf_puts(&call->token, request->web_identity_token);
		call->request.web_identity_token = strbuf_str(&call->token);
	}
	return call->role_arn.error || call->token.error || call->source.error ? -ENOMEM : 0;
}

static int sts_prepare(struct sts_call *call, const struct sts_request *request)
{
	int r = sts_write_form(call, request);
	if (r == 0 && request->signed_by)
		r = signer_new(
			call->means->skew, sts_endpoint_region(call->means), "sts", &call->signer);
	return r < 0 ? r : sts_send(call);
}

int sts_start(const struct credential_means *means, const struct sts_request *request,
	sts_done_fn *done, void *userdata, struct sts_call **ret_call,
	char ret_text[static CREDENTIALS_TEXT_MAX])
{
	_cleanup_(sts_call_freep) struct sts_call *call = calloc(1, sizeof *call);

	if (!call || sts_copy_request(call, request) < 0)
		return credentials_failed(ret_text, -ENOMEM, "out of memory");
	call->means = means;
	call->done = done;
	call->userdata = userdata;

	int r = sts_codec_check(request, ret_text);
	r = r < 0 ? r : sts_find_endpoint(call, ret_text);
	if (r < 0)
		return r;
	r = sts_prepare(call, request);
	if (r < 0)
		return credentials_failed(ret_text, r, "%s: the token service cannot be asked: %s",
			request->source, strerrordesc_np(-r));
	*ret_call = TAKE_PTR(call);
	return 0;
}

void sts_cancel(struct sts_call *call)
{
	http_cancel(call->http);
	sts_call_free(call);
}

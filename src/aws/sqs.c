#include "aws/sqs.h"

#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>
#include <systemd/sd-event.h>

#include "aws/queue_url.h"
#include "aws/signer.h"
#include "aws/sqs_codec.h"
#include "aws/sqs_fault.h"
#include "base/strbuf.h"
#include "net/http_url.h"

#define RECEIVE_MARGIN (8 * USEC_PER_SEC)
#define OTHERS_TIMEOUT (10 * USEC_PER_SEC)

/* Ten bodies of 1 MiB, each of their bytes escaped as \u00XX, and their wrapping. */
#define MESSAGE_MAX       ((size_t)6 << 20)
#define OTHER_ANSWERS_MAX ((size_t)1 << 20)

enum action {
	RECEIVE,
	DELETE,
	CHANGE_VISIBILITY,
	GET_ATTRIBUTES
};

static const struct {
	const char *name;
	const char *target;
	const char *permission;
} actions[] = {
	[RECEIVE] = {"ReceiveMessage", "AmazonSQS.ReceiveMessage", "sqs:ReceiveMessage"},
	[DELETE] = {"DeleteMessageBatch", "AmazonSQS.DeleteMessageBatch", "sqs:DeleteMessage"},
	[CHANGE_VISIBILITY] = {"ChangeMessageVisibilityBatch",
		"AmazonSQS.ChangeMessageVisibilityBatch", "sqs:ChangeMessageVisibility"},
	[GET_ATTRIBUTES] = {"GetQueueAttributes", "AmazonSQS.GetQueueAttributes",
		"sqs:GetQueueAttributes"},
};

/* What is kept of an answer's headers. */
enum {
	CONTENT_TYPE,
	QUERY_ERROR,
	ERROR_TYPE,
	DATE,
	N_WANTED
};
static const char *const wanted[N_WANTED] = {
	[CONTENT_TYPE] = "Content-Type",
	[QUERY_ERROR] = "x-amzn-query-error",
	[ERROR_TYPE] = "x-amzn-errortype",
	[DATE] = "Date",
};

struct sqs_call {
	TAILQ_ENTRY(sqs_call) link; /* in `out`, `unsigned_calls` or `idle` */
	struct sqs *sqs;
	enum action action;
	struct http_call *http; /* NULL: it cannot be signed */
	/* What it was signed with, held so that it can be compared with what is current later. */
	struct credentials *credentials;
	struct strbuf body;
	char *other_url;     /* owned; NULL: it is about the consumer's own queue */
	unsigned n_expected; /* messages at most, or entries */
	union {
		sqs_receive_fn *receive;
		sqs_batch_fn *batch;
		sqs_attributes_fn *attributes;
	} done;
	void *userdata;
};

TAILQ_HEAD(call_list, sqs_call);

struct sqs {
	struct http *http;
	struct credential_store *credentials;
	struct skew *skew;
	struct signer *signer; /* NULL: the region is not known */
	char region_complaint[SQS_FAULT_TEXT_MAX];
	EVP_MD *md5; /* NULL: the library refuses it */
	struct http_url endpoint;
	char *url;
	char *queue_url;
	const char *queue; /* its name, within queue_url */
	struct call_list out;
	struct call_list unsigned_calls;
	struct call_list idle;
	sd_event_source *on_unsigned;
};

static struct sqs_fault_place sqs_place(const struct sqs_call *call)
{
	const struct sqs *sqs = call->sqs;

	return (struct sqs_fault_place){
		.action = actions[call->action].name,
		.permission = actions[call->action].permission,
		.has_handles = call->action == DELETE || call->action == CHANGE_VISIBILITY,
		.host = sqs->endpoint.host,
		.queue = call->other_url ? queue_url_name(call->other_url) : sqs->queue,
		.region = sqs->signer ? signer_region(sqs->signer) : "",
	};
}

static struct sqs_fault_answer sqs_answer_of(const struct http_response *response)
{
	return (struct sqs_fault_answer){
		.status = response->status,
		.content_type = response->headers[CONTENT_TYPE],
		.query_error = response->headers[QUERY_ERROR],
		.error_type = response->headers[ERROR_TYPE],
		.body = response->body,
		.body_len = response->body_len,
	};
}

/* r and reason: what the codec made of the body of an answer that was good until then. */
static void sqs_judge_body(const struct sqs_call *call, const struct http_response *response, int r,
	const char *reason, struct sqs_fault *fault)
{
	struct sqs_fault_place place = sqs_place(call);
	struct sqs_fault_answer answer = sqs_answer_of(response);

	if (r == -ENOMEM)
		sqs_fault_of_transport(&place, r, "out of memory", fault);
	else if (r < 0)
		sqs_fault_of_shape(&place, &answer, reason, fault);
}

static struct sqs_answer sqs_answer(
	const struct sqs_fault *fault, const struct http_response *response)
{
	return (struct sqs_answer){
		.result = fault->result,
		.text = fault->text,
		.code = fault->code,
		.sent_at = response->sent_at,
		.first_byte_at = response->first_byte_at,
	};
}

static void sqs_end_receive(
	struct sqs_call *call, const struct http_response *response, struct sqs_fault *fault)
{
	struct sqs_codec_messages m = {0};
	const char *reason = "";

	if (fault->result == SQS_OK) {
		int r = sqs_codec_read_messages(response->body, response->body_len,
			call->n_expected, call->sqs->md5, &m, &reason);
		sqs_judge_body(call, response, r, reason, fault);
	}

	struct sqs_answer answer = sqs_answer(fault, response);
	call->done.receive(call->userdata, &answer, m.messages, m.n_messages);
	sqs_codec_messages_done(&m);
}

static void sqs_end_batch(
	struct sqs_call *call, const struct http_response *response, struct sqs_fault *fault)
{
	struct sqs_codec_entries e;
	const char *reason = "";

	if (fault->result == SQS_OK) {
		int r = sqs_codec_read_entries(
			response->body, response->body_len, call->n_expected, &e, &reason);
		sqs_judge_body(call, response, r, reason, fault);
	}

	bool ok = fault->result == SQS_OK;
	struct sqs_answer answer = sqs_answer(fault, response);
	call->done.batch(call->userdata, &answer, ok ? e.entries : NULL, ok ? call->n_expected : 0);
}

static void sqs_end_attributes(
	struct sqs_call *call, const struct http_response *response, struct sqs_fault *fault)
{
	struct sqs_codec_attributes a = {0};
	const char *reason = "";

	if (fault->result == SQS_OK) {
		int r = sqs_codec_read_attributes(response->body, response->body_len, &a, &reason);
		sqs_judge_body(call, response, r, reason, fault);
	}

	bool ok = fault->result == SQS_OK;
	struct sqs_answer answer = sqs_answer(fault, response);
	call->done.attributes(call->userdata, &answer, ok ? &a.attributes : NULL);
	sqs_codec_attributes_done(&a);
}

static void sqs_call_free(struct sqs_call *call)
{
	credentials_unref(call->credentials);
	free(call->other_url);
	strbuf_wipe(&call->body);
	free(call);
}

static void sqs_call_put(struct sqs_call *call)
{
	call->credentials = credentials_unref(call->credentials);
	free(call->other_url);
	call->other_url = NULL;
	TAILQ_INSERT_HEAD(&call->sqs->idle, call, link);
}

/* The callback, and the end of the call. */
static void sqs_end(
	struct sqs_call *call, const struct http_response *response, struct sqs_fault *fault)
{
	switch (call->action) {
	case RECEIVE:
		sqs_end_receive(call, response, fault);
		break;
	case DELETE:
	case CHANGE_VISIBILITY:
		sqs_end_batch(call, response, fault);
		break;
	case GET_ATTRIBUTES:
		sqs_end_attributes(call, response, fault);
		break;
	}
	sqs_call_put(call);
}

static void on_answer(void *userdata, const struct http_response *response)
{
	struct sqs_call *call = userdata;
	struct sqs *sqs = call->sqs;
	struct sqs_fault_place place = sqs_place(call);
	struct sqs_fault fault;

	TAILQ_REMOVE(&sqs->out, call, link);
	call->http = NULL;
	fault.result = SQS_OK;
	fault.code[0] = fault.text[0] = '\0';
	if (response->error < 0) {
		sqs_fault_of_transport(&place, response->error, response->error_text, &fault);
	} else if (response->status != 200) {
		struct sqs_fault_answer answer = sqs_answer_of(response);
		sqs_fault_of_answer(&place, &answer, &fault);
	}

	if (fault.result == SQS_BAD_SIGNATURE && skew_learn(sqs->skew, response->headers[DATE]))
		;
	else if (fault.result == SQS_BAD_TOKEN || fault.result == SQS_BAD_SIGNATURE)
		credential_store_want(sqs->credentials, call->credentials);
	sqs_end(call, response, &fault);
}

/* One that could not be signed; what its callback starts waits for another turn. */
static int on_unsigned(sd_event_source *source, void *userdata)
{
	static const struct http_response nothing = {.error_text = "", .body = ""};
	struct sqs *sqs = userdata;
	struct sqs_call *call = TAILQ_FIRST(&sqs->unsigned_calls);
	struct sqs_fault fault;

	if (!call)
		return 0;
	if (TAILQ_NEXT(call, link))
		sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	TAILQ_REMOVE(&sqs->unsigned_calls, call, link);

	struct sqs_fault_place place = sqs_place(call);
	if (sqs->signer)
		sqs_fault_of_credentials(
			&place, credential_store_complaint(sqs->credentials), &fault);
	else
		sqs_fault_of_region(&place, sqs->region_complaint, &fault);
	sqs_end(call, &nothing, &fault);
	return 0;
}

static int sqs_sign(struct sqs_call *call, struct sigv4_signed *ret)
{
	struct sqs *sqs = call->sqs;
	const struct sigv4_header headers[] = {
		{"Content-Type", "application/x-amz-json-1.0"},
		{"Host", sqs->endpoint.authority},
		{"X-Amz-Target", actions[call->action].target},
		{"x-amzn-query-mode", "true"},
	};
	const struct sigv4_request request = {
		.method = "POST",
		.path = "/",
		.headers = headers,
		.n_headers = sizeof headers / sizeof *headers,
		.body = call->body.data,
		.body_len = call->body.len,
	};
	return signer_sign(sqs->signer, call->credentials, &request, ret);
}

static int sqs_send(struct sqs_call *call, usec_t timeout, size_t max_answer)
{
	struct sqs *sqs = call->sqs;
	struct http_header headers[8] = {
		{"Content-Type", "application/x-amz-json-1.0"},
		{"X-Amz-Target", actions[call->action].target},
		{"x-amzn-query-mode", "true"},
	};
	size_t n_headers = 3;
	struct sigv4_signed signed_headers;

	int r = sqs_sign(call, &signed_headers);
	if (r < 0)
		return r;
	for (size_t i = 0; i < signed_headers.n_headers; i++)
		headers[n_headers++] = (struct http_header){
			signed_headers.headers[i].name, signed_headers.headers[i].value};

	const struct http_request request = {
		.method = "POST",
		.url = sqs->url,
		.headers = headers,
		.n_headers = n_headers,
		.body = call->body.data,
		.body_len = call->body.len,
		.wanted = wanted,
		.n_wanted = N_WANTED,
		.timeout = timeout,
		.max_answer = max_answer,
	};
	return http_start(sqs->http, &request, on_answer, call, &call->http);
}

/* A call whose body can be written. */
static int sqs_call_get(struct sqs *sqs, enum action action, struct sqs_call **ret)
{
	struct sqs_call *call = TAILQ_FIRST(&sqs->idle);

	if (call) {
		TAILQ_REMOVE(&sqs->idle, call, link);
	} else {
		call = calloc(1, sizeof *call);
		if (!call)
			return -ENOMEM;
		call->sqs = sqs;
		call->body = STRBUF_INIT;
	}
	strbuf_reset(&call->body);
	call->action = action;
	*ret = call;
	return 0;
}

/* Signs and sends the call, whose body is written; on failure it is gone. */
static int sqs_start(
	struct sqs_call *call, usec_t timeout, size_t max_answer, struct sqs_call **ret_call)
{
	struct sqs *sqs = call->sqs;
	int r = call->body.error;

	if (!credential_store_current(sqs->credentials))
		credential_store_want(sqs->credentials, NULL);
	if (sqs->signer)
		call->credentials = credentials_ref(credential_store_current(sqs->credentials));
	if (r == 0 && call->credentials)
		r = sqs_send(call, timeout, max_answer);
	else if (r == 0)
		r = sd_event_source_set_enabled(sqs->on_unsigned, SD_EVENT_ONESHOT);
	if (r < 0) {
		sqs_call_put(call);
		return r;
	}

	if (call->credentials)
		TAILQ_INSERT_TAIL(&sqs->out, call, link);
	else
		TAILQ_INSERT_TAIL(&sqs->unsigned_calls, call, link);
	if (ret_call)
		*ret_call = call;
	return 0;
}

int sqs_receive(struct sqs *sqs, const struct sqs_receive *what, sqs_receive_fn *done,
	void *userdata, struct sqs_call **ret_call)
{
	struct sqs_call *call;
	int r = sqs_call_get(sqs, RECEIVE, &call);
	if (r < 0)
		return r;

	sqs_codec_write_receive(&call->body, sqs->queue_url, what);
	call->n_expected = what->max_messages;
	call->done.receive = done;
	call->userdata = userdata;
	return sqs_start(call, what->wait + RECEIVE_MARGIN,
		what->max_messages * MESSAGE_MAX + OTHER_ANSWERS_MAX, ret_call);
}

int sqs_delete(struct sqs *sqs, const char *const *handles, size_t n_handles, sqs_batch_fn *done,
	void *userdata, struct sqs_call **ret_call)
{
	struct sqs_call *call;
	int r = sqs_call_get(sqs, DELETE, &call);
	if (r < 0)
		return r;

	sqs_codec_write_delete(&call->body, sqs->queue_url, handles, n_handles);
	call->n_expected = (unsigned)n_handles;
	call->done.batch = done;
	call->userdata = userdata;
	return sqs_start(call, OTHERS_TIMEOUT, OTHER_ANSWERS_MAX, ret_call);
}

int sqs_change_visibility(struct sqs *sqs, const char *const *handles, size_t n_handles,
	usec_t visibility, sqs_batch_fn *done, void *userdata, struct sqs_call **ret_call)
{
	/* A late extension is none: it had better fail in time to be asked again. */
	usec_t timeout = visibility > 0 ? usec_min(OTHERS_TIMEOUT, visibility / 6) : OTHERS_TIMEOUT;
	struct sqs_call *call;
	int r = sqs_call_get(sqs, CHANGE_VISIBILITY, &call);
	if (r < 0)
		return r;

	sqs_codec_write_visibility(&call->body, sqs->queue_url, handles, n_handles, visibility);
	call->n_expected = (unsigned)n_handles;
	call->done.batch = done;
	call->userdata = userdata;
	return sqs_start(call, timeout, OTHER_ANSWERS_MAX, ret_call);
}

int sqs_get_attributes(struct sqs *sqs, const char *queue_url, sqs_attributes_fn *done,
	void *userdata, struct sqs_call **ret_call)
{
	struct sqs_call *call;
	int r = sqs_call_get(sqs, GET_ATTRIBUTES, &call);
	if (r < 0)
		return r;

	if (queue_url && !(call->other_url = strdup(queue_url))) {
		sqs_call_put(call);
		return -ENOMEM;
	}
	sqs_codec_write_attributes(&call->body, queue_url ? queue_url : sqs->queue_url);
	call->done.attributes = done;
	call->userdata = userdata;
	return sqs_start(call, OTHERS_TIMEOUT, OTHER_ANSWERS_MAX, ret_call);
}

void sqs_cancel(struct sqs_call *call)
{
	struct sqs *sqs = call->sqs;

	if (call->http) {
		http_cancel(call->http);
		call->http = NULL;
		TAILQ_REMOVE(&sqs->out, call, link);
	} else {
		TAILQ_REMOVE(&sqs->unsigned_calls, call, link);
	}
	sqs_call_put(call);
}

static int sqs_copy_options(struct sqs *sqs, const struct sqs_options *options)
{
	int r = http_check_url(sqs->http, options->endpoint);
	r = r < 0 ? r : http_url_parse(options->endpoint, &sqs->endpoint);
	if (r < 0)
		return r;

	sqs->queue_url = strdup(options->queue_url);
	if (!sqs->queue_url ||
		asprintf(&sqs->url, "%s://%s/", sqs->endpoint.scheme, sqs->endpoint.authority) < 0)
		return -ENOMEM;
	sqs->queue = queue_url_name(sqs->queue_url);
	return 0;
}

int sqs_set_region(struct sqs *sqs, const char *region)
{
	struct signer *signer;

	int r = signer_new(sqs->skew, region, "sqs", &signer);
	if (r < 0)
		return r;
	signer_free(sqs->signer);
	sqs->signer = signer;
	return 0;
}

void sqs_set_region_complaint(struct sqs *sqs, const char *text)
{
	snprintf(sqs->region_complaint, sizeof sqs->region_complaint, "%s", text);
}

int sqs_new(struct http *http, struct credential_store *credentials, struct skew *skew,
	const struct sqs_options *options, struct sqs **ret)
{
	_cleanup_(sqs_freep) struct sqs *sqs = calloc(1, sizeof *sqs);
	if (!sqs)
		return -ENOMEM;
	TAILQ_INIT(&sqs->out);
	TAILQ_INIT(&sqs->unsigned_calls);
	TAILQ_INIT(&sqs->idle);
	sqs->http = http;
	sqs->credentials = credentials;
	sqs->skew = skew;
	sqs->md5 = EVP_MD_fetch(NULL, "MD5", NULL);

	int r = sqs_copy_options(sqs, options);
	if (r == 0 && options->region[0])
		r = sqs_set_region(sqs, options->region);
	r = r < 0 ? r : sd_event_add_defer(http_event(http), &sqs->on_unsigned, on_unsigned, sqs);
	r = r < 0 ? r : sd_event_source_set_enabled(sqs->on_unsigned, SD_EVENT_OFF);
	if (r < 0)
		return r;
	sd_event_source_set_description(sqs->on_unsigned, "sqs-unsigned");
	*ret = TAKE_PTR(sqs);
	return 0;
}

struct sqs *sqs_free(struct sqs *sqs)
{
	struct sqs_call *call;

	if (!sqs)
		return NULL;
	while ((call = TAILQ_FIRST(&sqs->out)) || (call = TAILQ_FIRST(&sqs->unsigned_calls)))
		sqs_cancel(call);
	while ((call = TAILQ_FIRST(&sqs->idle))) {
		TAILQ_REMOVE(&sqs->idle, call, link);
		sqs_call_free(call);
	}
	sd_event_source_disable_unref(sqs->on_unsigned);
	signer_free(sqs->signer);
	EVP_MD_free(sqs->md5);
	free(sqs->url);
	free(sqs->queue_url);
	free(sqs);
	return NULL;
}

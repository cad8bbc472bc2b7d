#include "aws/sqs_call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aws/queue_url.h"
#include "aws/sqs_codec_write.h"
#include "base/loop.h"

#define SEARCH_PATIENCE (4 * USEC_PER_SEC)
#define SENDS_MAX       2

static struct sqs_fault_place sqs_call_place(const struct sqs_call *call)
{
	const struct sqs *sqs = call->sqs;
	const struct sqs_action_names *names = sqs_action_names(call->goal.action);

	return (struct sqs_fault_place){
		.action = names->name,
		.permission = names->permission,
		.key_permission = names->key_permission,
		.is_private = names->is_private,
		.sent = names->is_private ? sqs_codec_past_queue(&call->body) : NULL,
		.host = sqs->endpoint.parts.host,
		.queue = call->other_url ? queue_url_name(call->other_url) : sqs->queue,
		.region = sqs->signer ? signer_region(sqs->signer) : "",
		.credentials = call->credentials,
		.renewal = credential_store_complaint(sqs->credentials),
	};
}

/* ---- Where a call is: in one list, or in none ---- */

static void sqs_call_detach(struct sqs_call *call)
{
	if (call->in)
		TAILQ_REMOVE(call->in, call, link);
	call->in = NULL;
}

static void sqs_call_move(struct sqs_call *call, struct call_list *to)
{
	sqs_call_detach(call);
	call->in = to;
	TAILQ_INSERT_TAIL(to, call, link);
}

static void sqs_call_free(struct sqs_call *call)
{
	sqs_call_detach(call);
	credentials_unref(call->credentials);
	free(call->other_url);
	strbuf_wipe(&call->body);
	free(call);
}

/* One that is not started after all, or has ended. */
static void sqs_call_put(struct sqs_call *call)
{
	call->credentials = credentials_unref(call->credentials);
	/* A message may be large, and is no more of anybody's business. */
	if (call->goal.action == SQS_SEND)
		strbuf_wipe(&call->body);
	free(call->other_url);
	call->other_url = NULL;
	sqs_call_move(call, &call->sqs->idle);
}

/* Whether the name may lead to somebody else, who would be asked as long as he answers. */
static bool sqs_call_met_a_stranger(const struct sqs_call *call)
{
	enum sqs_result result = call->fault.result;
	bool codeless = call->fault.code[0] == '\0';

	/* That another queue than ours is gone says nothing about the server. */
	return (result == SQS_NO_QUEUE && !call->other_url) || result == SQS_GARBLED ||
	       (result == SQS_UNAVAILABLE && codeless);
}

/* The callback, and the end of the call. */
static void sqs_call_end(struct sqs_call *call, const struct http_response *response)
{
	struct sqs_fault_place place = sqs_call_place(call);
	struct sqs *sqs = call->sqs;

	sqs_call_detach(call);
	sqs_answer_tell(&call->goal, &place, sqs->md5, response, &call->fault);
	sqs->n_ended[call->goal.action][call->fault.result]++;
	if (sqs_call_met_a_stranger(call))
		http_distrust(sqs->http, sqs->endpoint.url);
	sqs_call_put(call);
}

static void sqs_call_explain_want(struct sqs_call *call)
{
	const struct sqs *sqs = call->sqs;
	const char *complaint = credential_store_complaint(sqs->credentials);

	/* What the last search failed of tells more than that another one is under way. */
	if (!sqs->signer)
		sqs_fault_of_region(sqs->region_complaint, &call->fault);
	else if (!complaint[0] && credential_store_is_searching(sqs->credentials))
		sqs_fault_of_credentials("their source has not answered yet", &call->fault);
	else
		sqs_fault_of_credentials(complaint, &call->fault);
}

/* One that is not sent any more: how it went before, or why it never was; error: of sending. */
static void sqs_call_end_unsent(struct sqs_call *call, int error)
{
	struct sqs_fault_place place = sqs_call_place(call);
	const struct http_response response = {
		.error_text = "",
		.body = "",
		.sent_at = call->sent_at,
		.first_byte_at = call->first_byte_at,
	};

	if (call->fault.result == SQS_OK && error < 0)
		sqs_fault_of_transport(&place, error, strerrordesc_np(-error), &call->fault);
	else if (call->fault.result == SQS_OK)
		sqs_call_explain_want(call);
	sqs_call_end(call, &response);
}

/* ---- Signing and sending ---- */

static int sqs_call_sign(struct sqs_call *call, struct http_request *request,
	struct http_header room[static HTTP_HEADERS_MAX])
{
	struct sqs *sqs = call->sqs;

	credentials_unref(call->credentials);
	call->credentials = credentials_ref(credential_store_current(sqs->credentials));
	call->skew_usec = sqs->skew->usec;
	return signer_sign(
		sqs->signer, call->credentials, sqs->endpoint.parts.authority, request, room);
}

static void on_answer(void *userdata, const struct http_response *response);

static int sqs_call_send(struct sqs_call *call)
{
	struct sqs *sqs = call->sqs;
	const struct http_header headers[] = {
		{"Content-Type", "application/x-amz-json-1.0"},
		{"X-Amz-Target", sqs_action_names(call->goal.action)->target},
		{"x-amzn-query-mode", "true"},
	};
	struct http_header room[HTTP_HEADERS_MAX];
	struct http_request request = {
		.method = "POST",
		.url = sqs->endpoint.url,
		.headers = headers,
		.n_headers = sizeof headers / sizeof *headers,
		.body = call->body.data,
		.body_len = call->body.len,
		.wanted = sqs_answer_headers,
		.n_wanted = SQS_ANSWER_N_HEADERS,
		.timeout = usec_sub(call->deadline, clock_monotonic()),
		.max_answer = call->max_answer,
		.plain = sqs->endpoint.plain,
	};

	int r = sqs_call_sign(call, &request, room);
	r = r < 0 ? r : http_start(sqs->http, &request, on_answer, call, &call->http);
	if (r < 0)
		return r;
	call->n_sent++;
	sqs_call_move(call, &sqs->out);
	return 0;
}

/* Whether there is something to sign with that it was not signed with before, and time. */
static bool sqs_call_may_send(const struct sqs_call *call)
{
	const struct sqs *sqs = call->sqs;
	const struct credentials *current = credential_store_current(sqs->credentials);
	bool other = current != call->credentials || sqs->skew->usec != call->skew_usec;

	return sqs->signer && current && other && call->n_sent < SENDS_MAX &&
	       clock_monotonic() <= call->send_by;
}

/* ---- Waiting for credentials ---- */

static bool sqs_call_may_wait(const struct sqs_call *call)
{
	const struct sqs *sqs = call->sqs;

	return sqs->signer && credential_store_is_searching(sqs->credentials) &&
	       call->n_sent < SENDS_MAX && clock_monotonic() < call->send_by;
}

static void sqs_call_arm_patience(struct sqs *sqs)
{
	const struct sqs_call *call;
	usec_t first = USEC_INFINITY;

	TAILQ_FOREACH(call, &sqs->waiting, link)
	first = usec_min(first, call->wait_until);
	loop_set_timer(sqs->on_patience, first);
}

static void sqs_call_make_due(struct sqs_call *call)
{
	sqs_call_move(call, &call->sqs->due);
	loop_set_turn(call->sqs->on_due);
}

/* Those that have waited until then go on. */
static void sqs_call_end_waits(struct sqs *sqs, usec_t until)
{
	struct sqs_call *call, *next;

	for (call = TAILQ_FIRST(&sqs->waiting); call; call = next) {
		next = TAILQ_NEXT(call, link);
		if (call->wait_until <= until)
			sqs_call_make_due(call);
	}
	sqs_call_arm_patience(sqs);
}

static void on_search_ended(void *userdata, int r, const char *text)
{
	(void)r;
	(void)text;
	sqs_call_end_waits(userdata, USEC_INFINITY);
}

static int on_patience(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	sqs_call_end_waits(userdata, usec);
	return 0;
}

/* One at a time: what its callback starts waits for another turn. */
static int on_due(sd_event_source *source, void *userdata)
{
	struct sqs *sqs = userdata;
	struct sqs_call *call = TAILQ_FIRST(&sqs->due);

	if (!call)
		return 0;
	if (TAILQ_NEXT(call, link))
		loop_set_turn(source);
	bool may_send = sqs_call_may_send(call);
	int r = may_send ? sqs_call_send(call) : 0;
	if (r < 0 || !may_send)
		sqs_call_end_unsent(call, r);
	return 0;
}

/* Sends it, lets it wait, or has it ended in the next turn. */
static int sqs_call_go_on(struct sqs_call *call)
{
	struct sqs *sqs = call->sqs;

	if (sqs_call_may_send(call))
		return sqs_call_send(call);
	if (sqs_call_may_wait(call)) {
		call->wait_until = usec_min(clock_monotonic() + SEARCH_PATIENCE, call->send_by);
		sqs_call_move(call, &sqs->waiting);
		sqs_call_arm_patience(sqs);
	} else {
		sqs_call_make_due(call);
	}
	return 0;
}

/* ---- Answers ---- */

/* What an answer that refused a call's signature or credentials teaches. */
static void sqs_call_learn(const struct sqs_call *call, const struct http_response *response)
{
	struct sqs *sqs = call->sqs;

	/* Another call's answer may have taught it already. */
	if (sqs_call_may_send(call))
		return;
	if (call->fault.result == SQS_BAD_SIGNATURE &&
		skew_learn(sqs->skew, response->headers[SQS_ANSWER_DATE],
			response->headers[SQS_ANSWER_AGE]))
		return;
	credential_store_want(sqs->credentials, call->credentials);
}

static void on_answer(void *userdata, const struct http_response *response)
{
	struct sqs_call *call = userdata;
	struct sqs_fault_place place = sqs_call_place(call);

	sqs_call_detach(call);
	call->http = NULL;
	call->sent_at = response->sent_at;
	call->first_byte_at = response->first_byte_at;
	sqs_answer_judge(&place, response, &call->fault);
	if (call->fault.result == SQS_BAD_TOKEN || call->fault.result == SQS_BAD_SIGNATURE) {
		sqs_call_learn(call, response);
		if (sqs_call_go_on(call) == 0)
			return;
	}
	sqs_call_end(call, response);
}

/* ---- Calls ---- */

int sqs_call_get(
	struct sqs *sqs, enum sqs_action action, const char *other_url, struct sqs_call **ret)
{
	struct sqs_call *call = TAILQ_FIRST(&sqs->idle);

	if (call) {
		sqs_call_detach(call);
	} else {
		call = calloc(1, sizeof *call);
		if (!call)
			return -ENOMEM;
		call->sqs = sqs;
		call->body = STRBUF_INIT;
	}
	strbuf_reset(&call->body);
	call->goal.action = action;
	call->n_sent = 0;
	call->fault.result = SQS_OK;
	call->sent_at = call->first_byte_at = 0;
	if (other_url && !(call->other_url = strdup(other_url))) {
		sqs_call_put(call);
		return -ENOMEM;
	}
	*ret = call;
	return 0;
}

int sqs_call_start(struct sqs_call *call, usec_t wait, usec_t margin, size_t max_answer,
	struct sqs_call **ret_call)
{
	struct sqs *sqs = call->sqs;
	usec_t now = clock_monotonic();
	int r = call->body.error;

	call->deadline = now + wait + margin;
	/* Later no answer would come in time. */
	call->send_by = now + margin / 4 * 3;
	call->max_answer = max_answer;
	if (!credential_store_current(sqs->credentials))
		credential_store_want(sqs->credentials, NULL);
	r = r < 0 ? r : sqs_call_go_on(call);
	if (r < 0)
		sqs_call_put(call);
	else if (ret_call)
		*ret_call = call;
	return r;
}

void sqs_call_cancel(struct sqs_call *call)
{
	if (call->http)
		http_cancel(call->http);
	call->http = NULL;
	sqs_call_put(call);
}

/* ---- All of them ---- */

int sqs_call_init(struct sqs *sqs)
{
	sd_event *event = http_event(sqs->http);

	int r = loop_add_turn(event, "sqs-due", on_due, sqs, &sqs->on_due);
	if (r == 0)
		r = loop_add_timer(event, CLOCK_MONOTONIC, "sqs-patience", on_patience, sqs,
			&sqs->on_patience);
	if (r < 0)
		return r;
	sqs->watcher = (struct credential_watcher){.ended = on_search_ended, .userdata = sqs};
	credential_store_watch(sqs->credentials, &sqs->watcher);
	return 0;
}

void sqs_call_done(struct sqs *sqs)
{
	struct sqs_call *call;

	if (sqs->watcher.ended)
		credential_store_unwatch(sqs->credentials, &sqs->watcher);
	while ((call = TAILQ_FIRST(&sqs->out)) || (call = TAILQ_FIRST(&sqs->waiting)) ||
		(call = TAILQ_FIRST(&sqs->due)))
		sqs_call_cancel(call);
	while ((call = TAILQ_FIRST(&sqs->idle)))
		sqs_call_free(call);
	sd_event_source_disable_unref(sqs->on_due);
	sd_event_source_disable_unref(sqs->on_patience);
}

#include "service.h"

#include <stdio.h>
#include <string.h>

#include "control.h"
#include "damage.h"
#include "must.h"

#define SERVICE_TARGET "AmazonSQS."
#define SERVICE_TYPE   "application/x-amz-json-1.0"

#define SERVICE_TOO_LARGE (128 << 20)

void service_init(
	struct service *service, const struct account_options *options, struct key_list *keys)
{
	*service = (struct service){.stats = json_object(), .keys = keys};
	account_init(&service->account, options);
	TAILQ_INIT(&service->faults);
	identity_init(&service->identity);
}

void service_done(struct service *service)
{
	account_done(&service->account);
	faults_clear(&service->faults);
	identity_done(&service->identity);
	heap_done(&service->held);
	json_decref(service->stats);
}

usec_t service_wall_clock(const struct service *service)
{
	return clock_realtime() + (usec_t)service->skew;
}

void service_reply(struct exchange *exchange, unsigned status, json_t *body)
{
	struct answer *answer = &exchange->answer;

	answer->status = status;
	answer->content_type = SERVICE_TYPE;
	if (body) {
		answer->body = json_dumps(body, JSON_COMPACT);
		assert(answer->body);
		answer->body_len = strlen(answer->body);
		json_decref(body);
	}
}

static void service_count(struct service *service, struct exchange *exchange, const char *result)
{
	json_t *results = json_object_get(service->stats, exchange->name);

	if (!results) {
		results = json_object();
		json_object_set_new(service->stats, exchange->name, results);
	}
	json_int_t n = json_integer_value(json_object_get(results, result));
	json_object_set_new(results, result, json_integer(n + 1));
}

static void service_reply_error(struct exchange *exchange, unsigned status, json_t *type,
	const char *text, char *query_error)
{
	json_t *message = json_string(text);

	/* What is quoted in it may have been cut inside a character, or be no text at all. */
	if (!message)
		message = json_string("what is wrong cannot be shown as text");
	exchange->answer.query_error = query_error;
	service_reply(
		exchange, status, json_pack("{s:o, s:o}", "__type", type, "message", message));
}

static void service_hold(
	struct service *service, struct exchange *exchange, enum exchange_stage stage, usec_t until)
{
	exchange->state = EXCHANGE_HELD;
	exchange->stage = stage;
	heap_set(&service->held, &exchange->held_until, until);
}

void service_pause(struct service *service, struct exchange *exchange, usec_t pause)
{
	service_hold(service, exchange, STAGE_ANSWER, account_now(&service->account) + pause);
}

/* The answer is there: send it, unless a fault wants it late, lost or damaged. */
static void service_finish(struct service *service, struct exchange *exchange, const char *result)
{
	const struct fault_hit *fault = &exchange->fault;

	service_count(service, exchange, result);
	exchange->state = EXCHANGE_ANSWERED;
	if (fault->kind == FAULT_CUT_AFTER)
		exchange->state = EXCHANGE_CUT;
	else if (fault->kind == FAULT_LATE)
		service_pause(service, exchange, fault->delay);
	else
		damage_answer(exchange);
}

static void service_refuse(struct service *service, struct exchange *exchange)
{
	const struct failure *failure = &exchange->call.failure;
	const struct failure_kind *kind = failure_kind(failure->code);
	char *query_error;

	int len = asprintf(
		&query_error, "%s;%s", kind->query_code, kind->ours ? "Receiver" : "Sender");
	assert(len > 0);
	service_reply_error(exchange, kind->status, json_sprintf("%s#%s", kind->space, kind->name),
		failure->text, query_error);
	service_finish(service, exchange, kind->name);
}

/* Runs the action, which may end in an answer or in (further) waiting. */
static void service_act(struct service *service, struct exchange *exchange)
{
	struct call *call = &exchange->call;

	call->now = account_now(&service->account);
	if (!action_run(exchange->action, call)) {
		service_refuse(service, exchange);
	} else if (call->wait_until) {
		account_unwait(&exchange->waiter);
		account_wait(call->queue, &exchange->waiter);
		service_hold(service, exchange, STAGE_POLL, call->wait_until);
	} else {
		service_reply(exchange, 200, TAKE_PTR(call->output));
		if (call->text) {
			exchange->answer.body = TAKE_PTR(call->text);
			exchange->answer.body_len = strlen(exchange->answer.body);
		}
		service_finish(service, exchange, "OK");
	}
}

static bool service_check_permission(
	struct service *service, struct exchange *exchange, const struct key *key)
{
	const struct action *action = exchange->action;
	const struct account_options *account = &service->account.options;
	const char *queue = action_queue_name(&service->account, exchange->input);
	_cleanup_free_ char *arn = key_arn(key, account->id);
	char permission[64];
	size_t i;

	if (key_allows(key, action->permission))
		return true;
	/* AWS names the action in lower case here. */
	for (i = 0; i < sizeof permission - 1 && action->permission[i]; i++)
		permission[i] = (char)(action->permission[i] | 0x20);
	permission[i] = '\0';
	return failure_set(&exchange->call.failure, FAILURE_ACCESS_DENIED,
		"User: %s is not authorized to perform: sqs:%s on resource: arn:aws:sqs:%s:%s:%s "
		"because no identity-based policy allows the sqs:%s action",
		arn, permission, account->region, account->id, queue, permission);
}

static bool service_parse(struct exchange *exchange)
{
	const struct wire *wire = &exchange->wire;

	exchange->input = json_loadb(wire->body ? wire->body : "", wire->body_len,
		JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
	if (json_is_object(exchange->input))
		return true;
	return failure_set(
		&exchange->call.failure, FAILURE_SERIALIZATION, "the body is not a JSON object");
}

/* All that stands between a request and its action. */
static bool service_admit(struct service *service, struct exchange *exchange)
{
	struct call *call = &exchange->call;
	const struct auth auth = {
		.keys = service->keys,
		.region = service->account.options.region,
		.service = "sqs",
		.clock = call->begun_at,
	};
	struct key *key = NULL;

	if (!auth_check(&auth, &exchange->wire, service_wall_clock(service), &key, &call->failure))
		return false;
	if (!exchange->action)
		return failure_set(&call->failure, FAILURE_UNKNOWN_OPERATION,
			"The requested operation is not recognized by the service.");
	if (!service_parse(exchange) || !service_check_permission(service, exchange, key))
		return false;
	call->sender = key->id;
	call->input = exchange->input;
	return true;
}

static void service_handle_identity(struct service *service, struct exchange *exchange)
{
	const struct answer *answer = &exchange->answer;
	char status[16];

	exchange->identity->handle(service, exchange);
	if (answer->status == 0) {
		service_count(service, exchange, "silence");
		service_hold(service, exchange, STAGE_NOTHING, USEC_INFINITY);
		return;
	}
	snprintf(status, sizeof status, "%u", answer->status);
	service_finish(service, exchange,
		answer->result          ? answer->result
		: answer->status == 200 ? "OK"
					: status);
}

static void service_handle(struct service *service, struct exchange *exchange)
{
	struct call *call = &exchange->call;

	if (exchange->identity) {
		service_handle_identity(service, exchange);
		return;
	}
	call->account = &service->account;
	call->base_url = service->base_url;
	call->begun_at = account_now(&service->account);
	damage_batch(exchange);
	if (service_admit(service, exchange))
		service_act(service, exchange);
	else
		service_refuse(service, exchange);
}

static void service_fault_status(struct service *service, struct exchange *exchange)
{
	const struct fault_hit *fault = &exchange->fault;
	const char *code = fault_text(fault, "code", "InternalFailure");
	const char *given = fault_text(fault, "query_error", NULL);
	const char *message = fault_text(fault, "message", FAULT_MESSAGE);
	unsigned status = (unsigned)fault_number(fault, "status", 500);
	char *query_error = NULL;

	if (exchange->identity) {
		exchange->identity->refuse(exchange, status, code, message);
		service_finish(service, exchange, "fault:status");
		return;
	}
	if (given && *given)
		query_error = must_strdup(given);
	else if (!given &&
		 asprintf(&query_error, "%s;%s", code, status < 500 ? "Sender" : "Receiver") < 0)
		query_error = NULL;
	service_reply_error(
		exchange, status, json_sprintf("com.amazonaws.sqs#%s", code), message, query_error);
	service_finish(service, exchange, "fault:status");
}

static void service_fault_raw(struct service *service, struct exchange *exchange)
{
	const struct fault_hit *fault = &exchange->fault;
	const char *body = fault_text(fault, "body", "");
	const char *type = fault_text(fault, "content_type", "text/html");

	exchange->answer = (struct answer){
		.status = (unsigned)fault_number(fault, "status", 200),
		.content_type = type,
		.body = must_strdup(body),
		.body_len = strlen(body),
	};
	service_finish(service, exchange, "fault:raw");
}

static void service_fault_too_large(struct service *service, struct exchange *exchange)
{
	const struct fault_hit *fault = &exchange->fault;

	service_reply(exchange, 200, NULL);
	exchange->answer.body_len = (size_t)fault_number(fault, "bytes", SERVICE_TOO_LARGE);
	exchange->answer.manner = ANSWER_PADDED;
	exchange->answer.chunked = json_is_true(json_object_get(fault->terms, "chunked"));
	service_finish(service, exchange, "fault:too-large");
}

/* Begins a request that no control is for, as a fault would have it. */
static void service_begin_with(struct service *service, struct exchange *exchange)
{
	switch (exchange->fault.kind) {
	case FAULT_STATUS:
		service_fault_status(service, exchange);
		return;
	case FAULT_RAW:
		service_fault_raw(service, exchange);
		return;
	case FAULT_TOO_LARGE:
		service_fault_too_large(service, exchange);
		return;
	case FAULT_CUT_BEFORE:
		service_count(service, exchange, "fault:cut-before");
		exchange->state = EXCHANGE_CUT;
		return;
	case FAULT_BLACK_HOLE:
		service_count(service, exchange, "fault:black-hole");
		service_hold(service, exchange, STAGE_NOTHING, USEC_INFINITY);
		return;
	case FAULT_DELAY:
		service_hold(service, exchange, STAGE_BEGIN,
			account_now(&service->account) + exchange->fault.delay);
		return;
	case FAULT_NONE:
	case FAULT_LATE:
	case FAULT_CUT_AFTER:
	case FAULT_TRUNCATE:
	case FAULT_GARBLE:
	case FAULT_DRIP:
	case FAULT_DATE:
	case FAULT_TWICE:
	case FAULT_DUPLICATE:
	case FAULT_FAIL_ENTRIES:
	case FAULT_N_KINDS:
		service_handle(service, exchange);
		return;
	}
}

/* Whose request it is, and as what it counts. */
static void service_sort(struct exchange *exchange)
{
	const char *target = wire_value(&exchange->wire, "x-amz-target");

	if (target && strncmp(target, SERVICE_TARGET, strlen(SERVICE_TARGET)) == 0)
		exchange->action = action_find(target + strlen(SERVICE_TARGET));
	exchange->name = exchange->action ? exchange->action->name : "unknown";
	if (!target)
		exchange->identity = identity_find(exchange, &exchange->name);
}

void service_begin(struct service *service, struct exchange *exchange)
{
	move_tasks_settle(&service->account, account_now(&service->account));
	if (control_is_for(&exchange->wire)) {
		control_handle(service, exchange);
		exchange->state = EXCHANGE_ANSWERED;
		return;
	}
	service_sort(exchange);
	exchange->fault = faults_take(&service->faults, exchange->name);
	service_begin_with(service, exchange);
}

void service_end(struct service *service, struct exchange *exchange)
{
	heap_remove(&service->held, &exchange->held_until);
	account_unwait(&exchange->waiter);
	json_decref(exchange->input);
	json_decref(exchange->fault.terms);
	json_decref(exchange->call.output);
	free(exchange->call.text);
	free(exchange->answer.body);
	free(exchange->answer.query_error);
}

/* Something changed for a held exchange: goes on with it. */
static void service_resume(struct service *service, struct exchange *exchange)
{
	heap_remove(&service->held, &exchange->held_until);
	switch (exchange->stage) {
	case STAGE_BEGIN:
		service_handle(service, exchange);
		break;
	case STAGE_POLL:
		account_unwait(&exchange->waiter);
		service_act(service, exchange);
		break;
	case STAGE_ANSWER:
		exchange->state = EXCHANGE_ANSWERED;
		break;
	case STAGE_NOTHING:
		break;
	}
	if (exchange->state != EXCHANGE_HELD)
		service->front->ready(exchange);
}

static void service_cut(struct service *service, struct exchange *exchange)
{
	heap_remove(&service->held, &exchange->held_until);
	account_unwait(&exchange->waiter);
	exchange->state = EXCHANGE_CUT;
	service->front->ready(exchange);
}

/* Gives the waiting receives of a queue what there is. */
static void service_serve(struct service *service, struct local_queue *queue, usec_t now)
{
	struct waiter *waiter;

	local_queue_settle(queue, now);
	while (account_can_take(&service->account, queue) &&
		(waiter = TAILQ_FIRST(&queue->waiters))) {
		struct exchange *exchange = container_of(waiter, struct exchange, waiter);
		if (!service->strand && service->front->gone(exchange)) {
			service_count(service, exchange, "gone");
			service_cut(service, exchange);
		} else {
			service_resume(service, exchange);
		}
	}
}

/* Those whose queue was deleted learn it. */
static void service_serve_orphans(struct service *service)
{
	struct waiter *waiter;

	while ((waiter = TAILQ_FIRST(&service->account.orphans)))
		service_resume(service, container_of(waiter, struct exchange, waiter));
}

usec_t service_turn(struct service *service)
{
	usec_t now = account_now(&service->account), next;
	struct local_queue *queue;
	struct deadline *due;

	move_tasks_settle(&service->account, now);
	while ((due = heap_take_due(&service->held, now)))
		service_resume(service, container_of(due, struct exchange, held_until));
	service_serve_orphans(service);
	TAILQ_FOREACH(queue, &service->account.queues, others)
	{
		if (!TAILQ_EMPTY(&queue->waiters))
			service_serve(service, queue, now);
	}

	next = move_tasks_next(&service->account);
	due = heap_first(&service->held);
	if (due)
		next = usec_min(next, due->at);
	TAILQ_FOREACH(queue, &service->account.queues, others)
	{
		if (TAILQ_EMPTY(&queue->waiters))
			continue;
		/* Dead letters that just arrived are for the next turn, which is now. */
		next = account_can_take(&service->account, queue)
			       ? now
			       : usec_min(next, local_queue_next(queue));
	}
	return next == USEC_INFINITY ? next : usec_sub(next, account_now(&service->account));
}

void service_release(struct service *service)
{
	struct deadline *held;

	while ((held = heap_first(&service->held)))
		service_cut(service, container_of(held, struct exchange, held_until));
}

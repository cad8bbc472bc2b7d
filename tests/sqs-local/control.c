#include "control.h"

#include <string.h>

#include "must.h"
#include "service.h"

#define CONTROL_PREFIX      "/_control/"
#define CONTROL_SECONDS_MAX 1e9

bool control_is_for(const struct wire *wire)
{
	return strncmp(wire->target, CONTROL_PREFIX, strlen(CONTROL_PREFIX)) == 0;
}

static const char *control_get_stats(
	struct service *service, const char *query, const json_t *input, json_t **ret)
{
	(void)query;
	(void)input;
	*ret = json_incref(service->stats);
	return NULL;
}

static const char *control_delete_stats(
	struct service *service, const char *query, const json_t *input, json_t **ret)
{
	(void)query;
	(void)input;
	(void)ret;
	json_object_clear(service->stats);
	return NULL;
}

static const char *control_post_journal(
	struct service *service, const char *query, const json_t *input, json_t **ret)
{
	int on;

	(void)query;
	(void)ret;
	if (json_unpack((json_t *)input, "{s:b !}", "on", &on) < 0)
		return "on is a boolean";
	journal_switch(&service->account.journal, on);
	return NULL;
}

static const char *control_get_journal(
	struct service *service, const char *query, const json_t *input, json_t **ret)
{
	(void)query;
	(void)input;
	*ret = journal_take(&service->account.journal);
	return NULL;
}

static const char *control_get_faults(
	struct service *service, const char *query, const json_t *input, json_t **ret)
{
	(void)query;
	(void)input;
	*ret = faults_show(&service->faults);
	return NULL;
}

static const char *control_post_faults(
	struct service *service, const char *query, const json_t *input, json_t **ret)
{
	const char *wrong = NULL;
	const json_t *one;
	size_t i;

	(void)query;
	(void)ret;
	if (!json_is_array(input))
		return faults_add(&service->faults, input);
	json_array_foreach (input, i, one)
		wrong = wrong ? wrong : faults_add(&service->faults, one);
	return wrong;
}

static const char *control_delete_faults(
	struct service *service, const char *query, const json_t *input, json_t **ret)
{
	(void)query;
	(void)input;
	(void)ret;
	faults_clear(&service->faults);
	return NULL;
}

static const char *control_post_clock(
	struct service *service, const char *query, const json_t *input, json_t **ret)
{
	double advance = 0, skew = (double)service->skew / USEC_PER_SEC;
	int stopped = service->account.stopped_at > 0;

	(void)query;
	(void)ret;
	if (json_unpack((json_t *)input, "{s?F, s?F, s?b !}", "advance", &advance, "skew", &skew,
		    "stopped", &stopped) < 0 ||
		!(advance >= 0 && advance <= CONTROL_SECONDS_MAX) ||
		!(skew >= -CONTROL_SECONDS_MAX && skew <= CONTROL_SECONDS_MAX))
		return "advance (not negative) and skew are seconds, at most 1e9; stopped is a "
		       "boolean";
	account_stop_clock(&service->account, stopped);
	account_advance(&service->account, (usec_t)(advance * USEC_PER_SEC));
	service->skew = (int64_t)(skew * USEC_PER_SEC);
	return NULL;
}

static const char *control_post_keys(
	struct service *service, const char *query, const json_t *input, json_t **ret)
{
	_cleanup_free_ char *joined = NULL;
	struct key_terms terms = {0};
	json_t *actions = NULL;
	int expired = 0;

	(void)query;
	(void)ret;
	if (json_unpack((json_t *)input, "{s:s, s:s, s?s, s?o, s?b !}", "id", &terms.id, "secret",
		    &terms.secret, "token", &terms.token, "actions", &actions, "expired",
		    &expired) < 0)
		return "a key is an object with id, secret, token, actions, expired";
	if (actions) {
		joined = keys_join(actions);
		if (!joined)
			return "actions is a list of names";
	}
	terms.actions = joined;
	terms.expired = expired;
	keys_set(service->keys, &terms);
	return NULL;
}

static const char *control_state_name(enum message_state state)
{
	switch (state) {
	case MESSAGE_DELAYED:
		return "delayed";
	case MESSAGE_VISIBLE:
		return "visible";
	case MESSAGE_IN_FLIGHT:
		return "in flight";
	case MESSAGE_N_STATES:
		break;
	}
	return NULL;
}

static json_t *control_show_message(const struct local_message *message, usec_t now)
{
	json_t *out = json_pack("{s:s, s:s, s:s%, s:I, s:f}", "message_id", message->id, "state",
		control_state_name(message->state), "body", message->body, message->body_len,
		"receives", (json_int_t)message->receive_count, "age",
		(double)(now - message->sent_at) / USEC_PER_SEC);

	if (message->state != MESSAGE_VISIBLE)
		json_object_set_new(out, "hidden_for",
			json_real((double)usec_sub(message->hidden_until.at, now) / USEC_PER_SEC));
	if (message->attributes)
		json_object_set(out, "attributes", message->attributes);
	if (message->system)
		json_object_set(out, "system", message->system);
	return out;
}

static json_t *control_show_counts(const struct local_queue *queue)
{
	const struct queue_counts *counts = &queue->counts;

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "visible",
		(json_int_t)queue->n_in[MESSAGE_VISIBLE], "delayed",
		(json_int_t)queue->n_in[MESSAGE_DELAYED], "in_flight",
		(json_int_t)queue->n_in[MESSAGE_IN_FLIGHT], "sent", (json_int_t)counts->sent,
		"received", (json_int_t)counts->received, "deleted", (json_int_t)counts->deleted,
		"deleted_stale", (json_int_t)counts->deleted_stale, "dead_lettered",
		(json_int_t)counts->dead_lettered, "expired", (json_int_t)counts->expired);
}

static json_int_t control_n_waiting(const struct service *service, const struct local_queue *queue)
{
	const struct waiter *waiter;
	json_int_t n = 0;

	TAILQ_FOREACH(waiter, &queue->waiters, next)
	n += !service->front->gone(container_of(waiter, struct exchange, waiter));
	return n;
}

static const char *control_get_queue(
	struct service *service, const char *query, const json_t *input, json_t **ret)
{
	usec_t now = account_now(&service->account);
	const struct local_message *message;
	struct local_queue *queue = NULL;
	json_t *messages = json_array(), *settings = json_object();

	(void)input;
	if (strncmp(query, "name=", 5) == 0)
		queue = account_find(&service->account, query + 5);
	if (!queue) {
		json_decref(messages);
		json_decref(settings);
		return "no queue of that name; ask for queue?name=NAME";
	}
	local_queue_settle(queue, now);
	TAILQ_FOREACH(message, &queue->by_age, by_age)
	json_array_append_new(messages, control_show_message(message, now));
	settings_show(&queue->settings, settings);
	*ret = json_pack("{s:s, s:o, s:o, s:I, s:o}", "name", queue->name, "settings", settings,
		"counts", control_show_counts(queue), "waiting", control_n_waiting(service, queue),
		"messages", messages);
	return NULL;
}

static const char *control_post_redeliver(
	struct service *service, const char *query, const json_t *input, json_t **ret)
{
	const char *name, *id;
	struct local_queue *queue;
	struct local_message *message;
	usec_t now = account_now(&service->account);

	(void)query;
	(void)ret;
	if (json_unpack((json_t *)input, "{s:s, s:s !}", "queue", &name, "message_id", &id) < 0)
		return "give queue and message_id";
	queue = account_find(&service->account, name);
	if (!queue)
		return "no queue of that name";
	TAILQ_FOREACH(message, &queue->by_age, by_age)
	{
		if (strcmp(message->id, id) != 0)
			continue;
		local_queue_hide(message, now, now);
		return NULL;
	}
	return "no message of that id in the queue";
}

static const struct {
	const char *method;
	const char *path;
	control_fn *handle;
} controls[] = {
	{"GET", "stats", control_get_stats},
	{"DELETE", "stats", control_delete_stats},
	{"GET", "queue", control_get_queue},
	{"POST", "journal", control_post_journal},
	{"GET", "journal", control_get_journal},
	{"GET", "faults", control_get_faults},
	{"POST", "faults", control_post_faults},
	{"DELETE", "faults", control_delete_faults},
	{"POST", "clock", control_post_clock},
	{"POST", "keys", control_post_keys},
	{"POST", "redeliver", control_post_redeliver},
	{"POST", "roles", sts_post_roles},
	{"DELETE", "roles", sts_delete_roles},
	{"POST", "metadata", metadata_post},
	{"DELETE", "metadata", metadata_delete},
	{"POST", "container", container_post},
	{"DELETE", "container", container_delete},
};

static control_fn *control_find(const char *method, const char *path, size_t path_len)
{
	for (size_t i = 0; i < sizeof controls / sizeof *controls; i++) {
		if (strcmp(controls[i].method, method) == 0 &&
			strlen(controls[i].path) == path_len &&
			memcmp(controls[i].path, path, path_len) == 0)
			return controls[i].handle;
	}
	return NULL;
}

void control_handle(struct service *service, struct exchange *exchange)
{
	const struct wire *wire = &exchange->wire;
	const char *path = wire->target + strlen(CONTROL_PREFIX);
	size_t path_len = strcspn(path, "?");
	const char *query = path[path_len] ? path + path_len + 1 : "";
	const char *wrong = "no such control, or not with this method";
	control_fn *handle = control_find(wire->method, path, path_len);
	json_t *input = json_loadb(wire->body ? wire->body : "", wire->body_len, 0, NULL);
	json_t *output = NULL;

	if (handle)
		wrong = handle(service, query, input, &output);
	if (wrong)
		service_reply(exchange, 400, json_pack("{s:s}", "error", wrong));
	else
		service_reply(exchange, 200, output ? output : json_object());
	json_decref(input);
}

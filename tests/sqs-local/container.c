#include "container.h"

#include <string.h>

#include "must.h"
#include "service.h"
#include "terms.h"

#define CONTAINER_ECS      "/v2/credentials"
#define CONTAINER_EKS      "/v1/credentials"
#define CONTAINER_LIFETIME (6 * USEC_PER_HOUR)

struct container {
	LIST_ENTRY(container) next;
	json_t *terms; /* owns: as ordered */
	struct issued issued;
};

void containers_clear(struct container_list *containers)
{
	struct container *container;

	while ((container = LIST_FIRST(containers))) {
		LIST_REMOVE(container, next);
		json_decref(container->terms);
		issuer_forget(&container->issued);
		free(container);
	}
}

/* The first whose term is that; NULL: none. */
static struct container *container_find(
	const struct container_list *containers, const char *term, const char *value)
{
	struct container *container;

	LIST_FOREACH(container, containers, next)
	{
		if (strcmp(terms_text(container->terms, term, ""), value) == 0)
			return container;
	}
	return NULL;
}

static const char *container_claim(struct exchange *exchange)
{
	const char *target = exchange->wire.target;

	if (strcmp(target, CONTAINER_EKS) == 0 || strcmp(target, CONTAINER_ECS) == 0 ||
		strncmp(target, CONTAINER_ECS "/", strlen(CONTAINER_ECS "/")) == 0)
		return "container";
	return NULL;
}

static void container_reply_json(struct exchange *exchange, unsigned status, json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);

	assert(text);
	json_decref(object);
	identity_reply(exchange, status, "application/json", text);
}

/* As the agent of ECS has it. */
static void container_refuse(
	struct exchange *exchange, unsigned status, const char *code, const char *message)
{
	container_reply_json(exchange, status,
		json_pack("{s:s, s:s, s:i}", "code", code, "message", message, "HTTPErrorCode",
			(int)status));
}

/* The agent of EKS says it in plain words. */
static void container_refuse_plainly(struct exchange *exchange, unsigned status, const char *words)
{
	identity_reply(exchange, status, "text/plain; charset=utf-8", must_strdup(words));
}

static void container_reply_keys(
	struct service *service, struct exchange *exchange, struct container *container)
{
	const char *account = service->account.options.id;
	const char *id = terms_text(container->terms, "id", "");
	const struct issued *issued = &container->issued;
	json_t *arn = json_sprintf("arn:aws:iam::%s:role/%s", account, id);
	const struct grant grant = {
		.role_arn = json_string_value(arn),
		.session = id,
		.actions = json_object_get(container->terms, "actions"),
		.lifetime = terms_seconds(container->terms, "seconds", CONTAINER_LIFETIME),
	};

	issuer_refresh(service, &grant, false, &container->issued);
	json_t *answer =
		json_pack("{s:s, s:s, s:s, s:s}", "AccessKeyId", issued->id, "SecretAccessKey",
			issued->secret, "Token", issued->token, "Expiration", issued->expiration);
	if (strcmp(exchange->wire.target, CONTAINER_EKS) == 0)
		json_object_set_new(answer, "AccountId", json_string(account));
	else
		json_object_set(answer, "RoleArn", arn);
	json_decref(arn);
	container_reply_json(exchange, 200, answer);
}

static void container_answer(
	struct service *service, struct exchange *exchange, struct container *container)
{
	const char *body = terms_text(container->terms, "body", NULL);
	unsigned status = terms_status(container->terms);

	if (body)
		identity_reply(
			exchange, status ? status : 200, "application/json", must_strdup(body));
	else if (status)
		container_refuse(exchange, status, "OrderedByATest", "ordered by a test");
	else
		container_reply_keys(service, exchange, container);
}

static void container_handle_eks(struct service *service, struct exchange *exchange)
{
	const char *token = wire_value(&exchange->wire, "authorization");
	struct container *container;

	if (!token || !*token) {
		container_refuse_plainly(exchange, 400, "Service account token cannot be empty\n");
		return;
	}
	container = container_find(&service->identity.containers, "token", token);
	if (container)
		container_answer(service, exchange, container);
	else
		container_refuse_plainly(exchange, 400, "Service account token cannot be parsed\n");
}

static void container_handle_ecs(struct service *service, struct exchange *exchange)
{
	const char *token = wire_value(&exchange->wire, "authorization");
	const char *id = exchange->wire.target + strlen(CONTAINER_ECS);
	struct container *container;
	const char *expected;

	id += *id == '/';
	if (!*id) {
		container_refuse(exchange, 400, "NoIdInRequest",
			"CredentialsV2Request: No ID in the request");
		return;
	}
	container = container_find(&service->identity.containers, "id", id);
	if (!container) {
		container_refuse(exchange, 400, "InvalidIdInRequest",
			"CredentialsV2Request: Credentials not found");
		return;
	}
	expected = terms_text(container->terms, "token", NULL);
	if (expected && strcmp(expected, token ? token : "") != 0)
		container_refuse(exchange, 401, "AccessDenied",
			"CredentialsV2Request: Authorization token missing or invalid");
	else
		container_answer(service, exchange, container);
}

static void container_handle(struct service *service, struct exchange *exchange)
{
	if (strcmp(exchange->wire.method, "GET") != 0)
		container_refuse(exchange, 405, "MethodNotAllowed", "only GET");
	else if (strcmp(exchange->wire.target, CONTAINER_EKS) == 0)
		container_handle_eks(service, exchange);
	else
		container_handle_ecs(service, exchange);
}

const struct identity_service container_service = {
	container_claim, container_handle, container_refuse};

static const struct term container_terms[] = {
	{"id", TERM_TEXT, false},
	{"token", TERM_TEXT, false},
	{"actions", TERM_NAMES, true},
	{"seconds", TERM_SECONDS, true},
	{"status", TERM_STATUS, false},
	{"body", TERM_TEXT, false},
	{NULL, TERM_TEXT, false},
};

const char *container_post(
	struct service *service, const char *query, const json_t *input, json_t **ret)
{
	struct container_list *containers = &service->identity.containers;
	const char *id = terms_text(input, "id", ""), *wrong;
	struct container *container = container_find(containers, "id", id);
	json_t *terms = container ? json_incref(container->terms) : json_object();

	(void)query;
	(void)ret;
	wrong = *id ? terms_change(terms, container_terms, input) : "a container has an id";
	if (!wrong && !container) {
		container = must_zalloc(sizeof *container);
		container->terms = json_incref(terms);
		LIST_INSERT_HEAD(containers, container, next);
	}
	if (!wrong && terms_renews(container_terms, input))
		issuer_forget(&container->issued);
	json_decref(terms);
	return wrong;
}

const char *container_delete(
	struct service *service, const char *query, const json_t *input, json_t **ret)
{
	(void)query;
	(void)input;
	(void)ret;
	containers_clear(&service->identity.containers);
	return NULL;
}

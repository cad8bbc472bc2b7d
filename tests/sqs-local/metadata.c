#include "metadata.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "must.h"
#include "service.h"
#include "terms.h"

#define METADATA_PREFIX      "/latest/"
#define METADATA_TOKEN_PATH  "/latest/api/token"
#define METADATA_CREDENTIALS "/latest/meta-data/iam/security-credentials"
#define METADATA_INSTANCE    "i-0123456789abcdef0"
#define METADATA_TTL_MAX     21600
#define METADATA_LIFETIME    (6 * USEC_PER_HOUR)
#define METADATA_TOKEN_SIZE  (56 + 1)

struct metadata_token {
	TAILQ_ENTRY(metadata_token) next;
	char text[METADATA_TOKEN_SIZE];
	usec_t until; /* the account's clock */
};

static void metadata_forget_tokens(struct metadata *metadata, usec_t until)
{
	struct metadata_token *token, *after;

	for (token = TAILQ_FIRST(&metadata->tokens); token; token = after) {
		after = TAILQ_NEXT(token, next);
		if (token->until > until)
			continue;
		TAILQ_REMOVE(&metadata->tokens, token, next);
		free(token);
	}
}

void metadata_init(struct metadata *metadata)
{
	*metadata = (struct metadata){.terms = json_object()};
	TAILQ_INIT(&metadata->tokens);
}

void metadata_done(struct metadata *metadata)
{
	metadata_forget_tokens(metadata, USEC_INFINITY);
	issuer_forget(&metadata->issued);
	json_decref(metadata->terms);
}

/* As the web server on the instance words it. */
static void metadata_refuse(
	struct exchange *exchange, unsigned status, const char *code, const char *message)
{
	char *text;
	int len = asprintf(&text,
		"<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>\n<html><head><title>%u - %s"
		"</title></head><body><h1>%u - %s</h1>%s</body></html>\n",
		status, code, status, code, message);

	assert(len > 0);
	identity_reply(exchange, status, "text/html", text);
}

static void metadata_reply(struct exchange *exchange, const char *text)
{
	identity_reply(exchange, 200, "text/plain", must_strdup(text));
}

/* Takes the object. */
static void metadata_reply_json(struct exchange *exchange, json_t *object)
{
	char *text = json_dumps(object, JSON_INDENT(2));

	assert(text);
	json_decref(object);
	identity_reply(exchange, 200, "text/plain", text);
}

static void metadata_get_token(struct metadata *metadata, struct exchange *exchange, usec_t now)
{
	const char *text = wire_value(&exchange->wire, "x-aws-ec2-metadata-token-ttl-seconds");
	unsigned long ttl = text && isdigit((unsigned char)*text) ? strtoul(text, NULL, 10) : 0;
	struct metadata_token *token;

	if (wire_value(&exchange->wire, "x-forwarded-for")) {
		metadata_refuse(exchange, 403, "Forbidden", "");
		return;
	}
	if (ttl < 1 || ttl > METADATA_TTL_MAX || text[strspn(text, "0123456789")]) {
		metadata_refuse(exchange, 400, "Bad Request", "");
		return;
	}
	metadata_forget_tokens(metadata, now);
	token = must_zalloc(sizeof *token);
	issuer_text(token->text, sizeof token->text);
	token->until =
		now + usec_min(ttl * USEC_PER_SEC, terms_seconds(metadata->terms, "token_seconds",
							   METADATA_TTL_MAX * USEC_PER_SEC));
	TAILQ_INSERT_TAIL(&metadata->tokens, token, next);
	metadata_reply(exchange, token->text);
	exchange->answer.token_ttl = (unsigned)ttl;
}

static bool metadata_is_known(const struct metadata *metadata, const char *text, usec_t now)
{
	const struct metadata_token *token;

	TAILQ_FOREACH(token, &metadata->tokens, next)
	{
		if (text && strcmp(token->text, text) == 0)
			return token->until > now;
	}
	return false;
}

static void metadata_get_role(struct service *service, struct exchange *exchange)
{
	const char *role = terms_text(service->identity.metadata.terms, "role", NULL);

	if (role)
		metadata_reply(exchange, role);
	else
		metadata_refuse(exchange, 404, "Not Found", "");
}

static void metadata_reply_keys(
	struct service *service, struct exchange *exchange, const char *role)
{
	struct metadata *metadata = &service->identity.metadata;
	const struct issued *issued = &metadata->issued;
	char arn[256];
	const struct grant grant = {
		.role_arn = arn,
		.session = METADATA_INSTANCE,
		.actions = json_object_get(metadata->terms, "actions"),
		.lifetime = terms_seconds(metadata->terms, "seconds", METADATA_LIFETIME),
	};

	snprintf(arn, sizeof arn, "arn:aws:iam::%s:role/%s", service->account.options.id, role);
	issuer_refresh(
		service, &grant, terms_flag(metadata->terms, "same_keys"), &metadata->issued);
	metadata_reply_json(
		exchange, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "Code", "Success",
				  "LastUpdated", issued->issued, "Type", "AWS-HMAC", "AccessKeyId",
				  issued->id, "SecretAccessKey", issued->secret, "Token",
				  issued->token, "Expiration", issued->expiration));
}

static void metadata_get_keys(struct service *service, struct exchange *exchange)
{
	const json_t *terms = service->identity.metadata.terms;
	const char *asked = exchange->wire.target + strlen(METADATA_CREDENTIALS "/");
	const char *role = terms_text(terms, "role", NULL);
	const char *code = terms_text(terms, "code", "Success");
	char now[ISSUER_MOMENT_SIZE];

	if (!role || strcmp(asked, role) != 0) {
		metadata_refuse(exchange, 404, "Not Found", "");
		return;
	}
	if (strcmp(code, "Success") == 0) {
		metadata_reply_keys(service, exchange, role);
		return;
	}
	issuer_moment(service_wall_clock(service), now);
	metadata_reply_json(exchange,
		json_pack("{s:s, s:s, s:s}", "Code", code, "Message",
			terms_text(terms, "message", "ordered by a test"), "LastUpdated", now));
}

static void metadata_get_region(struct service *service, struct exchange *exchange)
{
	metadata_reply(exchange, service->account.options.region);
}

static void metadata_get_zone(struct service *service, struct exchange *exchange)
{
	char *zone;
	int len = asprintf(&zone, "%sa", service->account.options.region);

	assert(len > 0);
	identity_reply(exchange, 200, "text/plain", zone);
}

static void metadata_get_document(struct service *service, struct exchange *exchange)
{
	const struct account_options *account = &service->account.options;

	metadata_reply_json(exchange,
		json_pack("{s:s, s:s, s:o, s:s, s:s, s:s, s:s, s:s, s:s}", "accountId", account->id,
			"architecture", "x86_64", "availabilityZone",
			json_sprintf("%sa", account->region), "imageId", "ami-0123456789abcdef0",
			"instanceId", METADATA_INSTANCE, "instanceType", "t3.small", "privateIp",
			"192.0.2.10", "region", account->region, "version", "2017-09-30"));
}

static const struct metadata_path {
	const char *path;
	const char *name;
	void (*get)(struct service *service, struct exchange *exchange);
	bool begins; /* more follows */
} metadata_paths[] = {
	{METADATA_CREDENTIALS "/", "metadata:role", metadata_get_role, false},
	{METADATA_CREDENTIALS, "metadata:role", metadata_get_role, false},
	{METADATA_CREDENTIALS "/", "metadata:credentials", metadata_get_keys, true},
	{"/latest/meta-data/placement/region", "metadata:region", metadata_get_region, false},
	{"/latest/meta-data/placement/availability-zone", "metadata:zone", metadata_get_zone,
		false},
	{"/latest/dynamic/instance-identity/document", "metadata:document", metadata_get_document,
		false},
};

static const struct metadata_path *metadata_find(const char *target)
{
	for (size_t i = 0; i < sizeof metadata_paths / sizeof *metadata_paths; i++) {
		const struct metadata_path *path = &metadata_paths[i];
		size_t len = strlen(path->path);
		if (strncmp(target, path->path, len) == 0 && (path->begins || !target[len]))
			return path;
	}
	return NULL;
}

static const char *metadata_claim(struct exchange *exchange)
{
	const char *target = exchange->wire.target;
	const struct metadata_path *path = metadata_find(target);

	if (path)
		return path->name;
	if (strcmp(target, METADATA_TOKEN_PATH) == 0)
		return "metadata:token";
	if (strncmp(target, METADATA_PREFIX, strlen(METADATA_PREFIX)) == 0)
		return "metadata:other";
	return NULL;
}

static void metadata_get(struct service *service, struct exchange *exchange, usec_t now)
{
	const struct metadata_path *path = metadata_find(exchange->wire.target);
	const char *token = wire_value(&exchange->wire, "x-aws-ec2-metadata-token");

	if (!metadata_is_known(&service->identity.metadata, token, now))
		metadata_refuse(exchange, 401, "Unauthorized", "");
	else if (path)
		path->get(service, exchange);
	else
		metadata_refuse(exchange, 404, "Not Found", "");
}

static void metadata_handle(struct service *service, struct exchange *exchange)
{
	struct metadata *metadata = &service->identity.metadata;
	unsigned status = terms_status(metadata->terms);
	bool for_token = strcmp(exchange->wire.target, METADATA_TOKEN_PATH) == 0;
	usec_t now = account_now(&service->account);

	if (for_token && terms_flag(metadata->terms, "hop_limit_exceeded"))
		identity_reply(exchange, 0, NULL, NULL);
	else if (status)
		metadata_refuse(exchange, status, "ordered by a test", "");
	else if (strcmp(exchange->wire.method, for_token ? "PUT" : "GET") != 0)
		metadata_refuse(exchange, 405, "Method Not Allowed", "");
	else if (for_token)
		metadata_get_token(metadata, exchange, now);
	else
		metadata_get(service, exchange, now);
}

const struct identity_service metadata_service = {metadata_claim, metadata_handle, metadata_refuse};

static const struct term metadata_terms[] = {
	{"role", TERM_TEXT, true},
	{"actions", TERM_NAMES, true},
	{"seconds", TERM_SECONDS, true},
	{"code", TERM_TEXT, false},
	{"message", TERM_TEXT, false},
	{"status", TERM_STATUS, false},
	{"hop_limit_exceeded", TERM_FLAG, false},
	{"same_keys", TERM_FLAG, false},
	{"token_seconds", TERM_SECONDS, false},
	{NULL, TERM_TEXT, false},
};

const char *metadata_post(
	struct service *service, const char *query, const json_t *input, json_t **ret)
{
	struct metadata *metadata = &service->identity.metadata;
	const char *wrong = terms_change(metadata->terms, metadata_terms, input);

	(void)query;
	(void)ret;
	if (!wrong && terms_renews(metadata_terms, input))
		issuer_forget(&metadata->issued);
	return wrong;
}

const char *metadata_delete(
	struct service *service, const char *query, const json_t *input, json_t **ret)
{
	(void)query;
	(void)input;
	(void)ret;
	metadata_done(&service->identity.metadata);
	metadata_init(&service->identity.metadata);
	return NULL;
}

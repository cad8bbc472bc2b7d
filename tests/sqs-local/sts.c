#include "sts.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "form.h"
#include "must.h"
#include "service.h"

#define STS_FORM      "application/x-www-form-urlencoded"
#define STS_NAMESPACE "https://sts.amazonaws.com/doc/2011-06-15/"
#define STS_VERSION   "2011-06-15"
#define STS_HOUR      3600u

struct sts_call {
	struct service *service;
	const json_t *form;
	const struct key *caller; /* NULL: unsigned */
	struct strbuf result;     /* the XML inside ...Result */
	struct failure *failure;
};

typedef bool sts_fn(struct sts_call *call);

struct sts_action {
	const char *name;
	sts_fn *run;
	bool is_signed;
};

static sts_fn sts_assume_role, sts_assume_role_with_web_identity, sts_get_caller_identity;

static const struct sts_action sts_actions[] = {
	{"AssumeRole", sts_assume_role, true},
	{"AssumeRoleWithWebIdentity", sts_assume_role_with_web_identity, false},
	{"GetCallerIdentity", sts_get_caller_identity, true},
};

static const struct sts_action *sts_find(const char *name)
{
	for (size_t i = 0; i < sizeof sts_actions / sizeof *sts_actions; i++) {
		if (strcmp(sts_actions[i].name, name) == 0)
			return &sts_actions[i];
	}
	return NULL;
}

static const char *sts_claim(struct exchange *exchange)
{
	const struct wire *wire = &exchange->wire;
	const char *type = wire_value(wire, "content-type");
	const struct sts_action *action;

	if (strcmp(wire->method, "POST") != 0 || strcmp(wire->target, "/") != 0 || !type ||
		strncasecmp(type, STS_FORM, strlen(STS_FORM)) != 0 ||
		wire_value(wire, "x-amz-target"))
		return NULL;
	exchange->input = form_parse(wire->body, wire->body_len);
	action = sts_find(identity_text(exchange->input, "Action", ""));
	return action ? action->name : "unknown";
}

/* As character data; what XML cannot hold becomes a question mark. */
static void sts_escape(struct strbuf *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("&<>\"", *text))
			strbuf_printf(out, "&#%d;", *text);
		else
			strbuf_putc(out, iscntrl((unsigned char)*text) ? '?' : *text);
	}
}

static void sts_element(struct strbuf *out, const char *name, const char *text)
{
	strbuf_printf(out, "<%s>", name);
	sts_escape(out, text);
	strbuf_printf(out, "</%s>", name);
}

struct sts_rule {
	const char *name;
	size_t min, max;
	bool required;
	const char *pattern; /* only letters, digits and these of it; NULL: anything */
};

static const struct sts_rule sts_role_arn = {"RoleArn", 20, 2048, true, NULL};
static const struct sts_rule sts_session = {"RoleSessionName", 2, 64, true, "_+=,.@-"};
static const struct sts_rule sts_external_id = {"ExternalId", 2, 1224, false, "_+=,.@:/-"};
static const struct sts_rule sts_identity_token = {"WebIdentityToken", 4, 20000, true, NULL};

static bool sts_invalid(
	struct sts_call *call, const char *name, const char *value, const char *constraint)
{
	const char *quote = value ? "'" : "";

	return failure_set(call->failure, FAILURE_VALIDATION,
		"1 validation error detected: Value %s%.200s%s at '%c%s' failed to satisfy "
		"constraint: Member must %s",
		quote, value ? value : "null", quote, tolower((unsigned char)*name), name + 1,
		constraint);
}

static bool sts_fits(const char *text, const char *pattern)
{
	for (; *text; text++) {
		if (!isalnum((unsigned char)*text) && !strchr(pattern, *text))
			return false;
	}
	return true;
}

/* A parameter; *ret stays as it is when it is absent and may be. Borrowed. */
static bool sts_read(struct sts_call *call, const struct sts_rule *rule, const char **ret)
{
	const char *text = identity_text(call->form, rule->name, NULL);
	char constraint[96];

	if (!text)
		return !rule->required || sts_invalid(call, rule->name, NULL, "not be null");
	size_t len = strlen(text);
	if (len < rule->min || len > rule->max) {
		snprintf(constraint, sizeof constraint, "have length %s than or equal to %zu",
			len < rule->min ? "greater" : "less",
			len < rule->min ? rule->min : rule->max);
		return sts_invalid(call, rule->name, text, constraint);
	}
	if (rule->pattern && !sts_fits(text, rule->pattern)) {
		snprintf(constraint, sizeof constraint,
			"satisfy regular expression pattern: [\\w%s]*", rule->pattern + 1);
		return sts_invalid(call, rule->name, text, constraint);
	}
	*ret = text;
	return true;
}

static bool sts_read_duration(struct sts_call *call, unsigned *ret)
{
	const char *text = identity_text(call->form, "DurationSeconds", NULL);
	unsigned long value;
	char *end;

	if (!text)
		return true;
	value = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end)
		return sts_invalid(call, "DurationSeconds", text, "be an integer");
	if (value < 900)
		return sts_invalid(
			call, "DurationSeconds", text, "have value greater than or equal to 900");
	if (value > 43200)
		return sts_invalid(
			call, "DurationSeconds", text, "have value less than or equal to 43200");
	*ret = (unsigned)value;
	return true;
}

struct sts_wish {
	const char *role_arn, *session;
	unsigned duration; /* seconds */
};

static bool sts_read_wish(struct sts_call *call, struct sts_wish *ret)
{
	ret->duration = STS_HOUR;
	return sts_read(call, &sts_role_arn, &ret->role_arn) &&
	       sts_read(call, &sts_session, &ret->session) &&
	       sts_read_duration(call, &ret->duration);
}

/* <Credentials> and <AssumedRoleUser>, of keys that are good from now on. */
static void sts_issue(struct sts_call *call, const json_t *role, const struct sts_wish *wish)
{
	const struct grant grant = {
		.role_arn = wish->role_arn,
		.session = wish->session,
		.actions = json_object_get(role, "actions"),
		.lifetime = identity_seconds(role, "seconds", wish->duration * USEC_PER_SEC),
	};
	_cleanup_free_ char *arn = issuer_session_arn(&grant), *id = issuer_user_id(&grant);
	struct strbuf *out = &call->result;
	struct issued issued;

	issuer_issue(call->service, &grant, &issued);
	strbuf_puts(out, "<Credentials>");
	sts_element(out, "AccessKeyId", issued.id);
	sts_element(out, "SecretAccessKey", issued.secret);
	sts_element(out, "SessionToken", issued.token);
	sts_element(out, "Expiration", issued.expiration);
	strbuf_puts(out, "</Credentials><AssumedRoleUser>");
	sts_element(out, "AssumedRoleId", id);
	sts_element(out, "Arn", arn);
	strbuf_puts(out, "</AssumedRoleUser>");
}

/* Does the role let the caller have it? */
static bool sts_trusts(const json_t *role, const struct key *caller, const char *external_id)
{
	const char *principal = identity_text(role, "principal", NULL);
	const char *expected = identity_text(role, "external_id", NULL);

	if (!role || (expected && strcmp(expected, external_id) != 0))
		return false;
	if (principal)
		return strcmp(principal, caller->id) == 0;
	return !json_object_get(role, "web_identity_token") && key_allows(caller, "AssumeRole");
}

static bool sts_assume_role(struct sts_call *call)
{
	const char *account = call->service->account.options.id, *external_id = "";
	struct sts_wish wish;

	if (!sts_read_wish(call, &wish) || !sts_read(call, &sts_external_id, &external_id))
		return false;
	if (call->caller->token && wish.duration > STS_HOUR)
		return failure_set(call->failure, FAILURE_VALIDATION,
			"The requested DurationSeconds exceeds the 1 hour session limit for roles "
			"assumed by role chaining");

	const json_t *role = json_object_get(call->service->identity.roles, wish.role_arn);
	if (!sts_trusts(role, call->caller, external_id)) {
		_cleanup_free_ char *arn = key_arn(call->caller, account);
		return failure_set(call->failure, FAILURE_ACCESS_DENIED,
			"User: %s is not authorized to perform: sts:AssumeRole on resource: %s",
			arn, wish.role_arn);
	}
	sts_issue(call, role, &wish);
	return true;
}

/* Whom a web identity token is for; it is compared as a whole, so that this is the same for all. */
static void sts_describe_identity(struct sts_call *call)
{
	_cleanup_strbuf_ struct strbuf provider = STRBUF_INIT;

	strbuf_printf(&provider, "arn:aws:iam::%s:oidc-provider/oidc.eks.%s.amazonaws.com/id/LOCAL",
		call->service->account.options.id, call->service->account.options.region);
	sts_element(&call->result, "SubjectFromWebIdentityToken",
		"system:serviceaccount:default:worker");
	sts_element(&call->result, "Audience", "sts.amazonaws.com");
	sts_element(&call->result, "Provider", strbuf_str(&provider));
}

static bool sts_assume_role_with_web_identity(struct sts_call *call)
{
	const char *token, *accepted;
	struct sts_wish wish;

	if (!sts_read_wish(call, &wish) || !sts_read(call, &sts_identity_token, &token))
		return false;

	const json_t *role = json_object_get(call->service->identity.roles, wish.role_arn);
	accepted = identity_text(role, "web_identity_token", NULL);
	if (strcmp(token, identity_text(role, "expired_web_identity_token", "")) == 0)
		return failure_set(call->failure, FAILURE_IDENTITY_TOKEN_EXPIRED,
			"Token expired: current date/time must be before the expiration date/time");
	if (!accepted)
		return failure_set(call->failure, FAILURE_ACCESS_DENIED,
			"Not authorized to perform sts:AssumeRoleWithWebIdentity");
	if (strcmp(token, accepted) != 0)
		return failure_set(call->failure, FAILURE_IDENTITY_TOKEN,
			"The ID Token provided is not a valid JWT. (You may see this error if you "
			"sent an Access Token)");
	sts_issue(call, role, &wish);
	sts_describe_identity(call);
	return true;
}

static bool sts_get_caller_identity(struct sts_call *call)
{
	const char *account = call->service->account.options.id;
	const struct key *caller = call->caller;
	_cleanup_free_ char *arn = key_arn(caller, account);

	sts_element(&call->result, "Arn", arn);
	sts_element(&call->result, "UserId", caller->user_id ? caller->user_id : caller->id);
	sts_element(&call->result, "Account", account);
	return true;
}

static void sts_reply(struct exchange *exchange, unsigned status, struct strbuf *text)
{
	identity_reply(exchange, status, "text/xml", strbuf_take(text));
}

static void sts_refuse(
	struct exchange *exchange, unsigned status, const char *code, const char *message)
{
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;

	strbuf_puts(&out, "<ErrorResponse xmlns=\"" STS_NAMESPACE "\"><Error>");
	sts_element(&out, "Type", status < 500 ? "Sender" : "Receiver");
	sts_element(&out, "Code", code);
	sts_element(&out, "Message", message);
	strbuf_puts(&out, "</Error>");
	sts_element(&out, "RequestId", exchange->request_id);
	strbuf_puts(&out, "</ErrorResponse>\n");
	sts_reply(exchange, status, &out);
}

static bool sts_authenticate(struct sts_call *call, const struct wire *wire)
{
	struct service *service = call->service;
	const struct auth auth = {
		.keys = service->keys,
		.region = service->account.options.region,
		.service = "sts",
		.clock = account_now(&service->account),
	};
	struct key *caller = NULL;

	if (!wire_value(wire, "authorization"))
		return failure_set(
			call->failure, FAILURE_UNSIGNED, "Request is missing Authentication Token");
	if (!auth_check(&auth, wire, service_wall_clock(service), &caller, call->failure))
		return false;
	call->caller = caller;
	return true;
}

static bool sts_run(struct sts_call *call, const struct wire *wire)
{
	const char *name = identity_text(call->form, "Action", NULL);
	const char *version = identity_text(call->form, "Version", "NO_VERSION_SPECIFIED");
	const struct sts_action *action = name ? sts_find(name) : NULL;

	if (!action || strcmp(version, STS_VERSION) != 0)
		return failure_set(call->failure, FAILURE_UNKNOWN_OPERATION,
			"Could not find operation %.100s for version %.100s",
			name ? name : "NO_OPERATION_SPECIFIED", version);
	if (action->is_signed && !sts_authenticate(call, wire))
		return false;
	return action->run(call);
}

static void sts_handle(struct service *service, struct exchange *exchange)
{
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	struct failure *failure = &exchange->call.failure;
	struct sts_call call = {
		.service = service,
		.form = exchange->input,
		.result = STRBUF_INIT,
		.failure = failure,
	};

	if (sts_run(&call, &exchange->wire)) {
		const char *name = exchange->name;
		strbuf_printf(&out,
			"<%sResponse xmlns=\"" STS_NAMESPACE "\"><%sResult>%s</%sResult>", name,
			name, strbuf_str(&call.result), name);
		strbuf_puts(&out, "<ResponseMetadata>");
		sts_element(&out, "RequestId", exchange->request_id);
		strbuf_printf(&out, "</ResponseMetadata></%sResponse>\n", name);
		sts_reply(exchange, 200, &out);
	} else {
		const struct failure_kind *kind = failure_kind(failure->code);
		sts_refuse(exchange, kind->status, kind->query_code, failure->text);
		exchange->answer.result = kind->query_code;
	}
	strbuf_done(&call.result);
}

const struct identity_service sts_service = {sts_claim, sts_handle, sts_refuse};

static const struct identity_term sts_terms[] = {
	{"arn", IDENTITY_TEXT, false},
	{"actions", IDENTITY_NAMES, false},
	{"external_id", IDENTITY_TEXT, false},
	{"web_identity_token", IDENTITY_TEXT, false},
	{"expired_web_identity_token", IDENTITY_TEXT, false},
	{"seconds", IDENTITY_SECONDS, false},
	{"principal", IDENTITY_TEXT, false},
	{NULL, IDENTITY_TEXT, false},
};

const char *sts_post_roles(
	struct service *service, const char *query, const json_t *input, json_t **ret)
{
	json_t *roles = service->identity.roles;
	const char *arn = identity_text(input, "arn", NULL), *wrong;
	json_t *role;

	(void)query;
	(void)ret;
	if (!arn)
		return "a role has an arn";
	role = json_object_get(roles, arn);
	role = role ? json_incref(role) : json_object();
	wrong = identity_change(role, sts_terms, input);
	if (!wrong)
		json_object_set(roles, arn, role);
	json_decref(role);
	return wrong;
}

const char *sts_delete_roles(
	struct service *service, const char *query, const json_t *input, json_t **ret)
{
	(void)query;
	(void)input;
	(void)ret;
	json_object_clear(service->identity.roles);
	return NULL;
}

#include "sts.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "form.h"
#include "service.h"
#include "sts_actions.h"
#include "terms.h"

#define STS_FORM      "application/x-www-form-urlencoded"
#define STS_NAMESPACE "https://sts.amazonaws.com/doc/2011-06-15/"
#define STS_VERSION   "2011-06-15"

static const char *sts_claim(struct exchange *exchange)
{
	const struct wire *wire = &exchange->wire;
	const char *type = wire_value(wire, "content-type");
	const struct sts_action *action;
	const char *name;

	if (strcmp(wire->method, "POST") != 0 || strcmp(wire->target, "/") != 0 || !type ||
		strncasecmp(type, STS_FORM, strlen(STS_FORM)) != 0)
		return NULL;
	exchange->input = form_parse(wire->body, wire->body_len);
	name = form_value(exchange->input, "Action");
	action = name ? sts_action_find(name) : NULL;
	return action ? action->name : "unknown";
}

/* As character data; what is no printable ASCII becomes a question mark. */
static void sts_escape(struct strbuf *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("&<>\"", *text))
			strbuf_printf(out, "&#%d;", *text);
		else
			strbuf_putc(out, isprint((unsigned char)*text) ? *text : '?');
	}
}

void sts_element(struct strbuf *out, const char *name, const char *text)
{
	strbuf_printf(out, "<%s>", name);
	sts_escape(out, text);
	strbuf_printf(out, "</%s>", name);
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
		return failure_set(&call->failure, FAILURE_UNSIGNED,
			"Request is missing Authentication Token");
	if (!auth_check(&auth, wire, service_wall_clock(service), &caller, &call->failure))
		return false;
	call->caller = caller;
	return true;
}

static bool sts_run(struct sts_call *call, const struct wire *wire)
{
	const char *name = form_value(call->form, "Action");
	const char *version = form_value(call->form, "Version");
	const struct sts_action *action = name ? sts_action_find(name) : NULL;

	if (!action || !version || strcmp(version, STS_VERSION) != 0)
		return failure_set(&call->failure, FAILURE_UNKNOWN_OPERATION,
			"Could not find operation %.100s for version %.100s",
			name ? name : "NO_OPERATION_SPECIFIED",
			version ? version : "NO_VERSION_SPECIFIED");
	if (action->is_signed && !sts_authenticate(call, wire))
		return false;
	return action->run(call);
}

static void sts_handle(struct service *service, struct exchange *exchange)
{
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	struct sts_call call = {
		.service = service,
		.form = exchange->input,
		.result = STRBUF_INIT,
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
		const struct failure_kind *kind = failure_kind(call.failure.code);
		sts_refuse(exchange, kind->status, kind->query_code, call.failure.text);
		exchange->answer.result = kind->query_code;
	}
	strbuf_done(&call.result);
}

const struct identity_service sts_service = {sts_claim, sts_handle, sts_refuse};

static const struct term sts_terms[] = {
	{"arn", TERM_TEXT, false},
	{"actions", TERM_NAMES, false},
	{"external_id", TERM_TEXT, false},
	{"web_identity_token", TERM_TEXT, false},
	{"expired_web_identity_token", TERM_TEXT, false},
	{"seconds", TERM_SECONDS, false},
	{"principal", TERM_TEXT, false},
	{NULL, TERM_TEXT, false},
};

const char *sts_post_roles(
	struct service *service, const char *query, const json_t *input, json_t **ret)
{
	json_t *roles = service->identity.roles;
	const char *arn = terms_text(input, "arn", NULL), *wrong;
	json_t *role;

	(void)query;
	(void)ret;
	if (!arn)
		return "a role has an arn";
	role = json_object_get(roles, arn);
	role = role ? json_incref(role) : json_object();
	wrong = terms_change(role, sts_terms, input);
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

#include "sts_actions.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "form.h"
#include "service.h"
#include "terms.h"

#define STS_HOUR 3600u

struct sts_rule {
	const char *name;
	size_t min, max;
	bool required;
	const char *pattern; /* only letters, digits and these of it; NULL: anything */
	bool is_secret;      /* not quoted in an error */
};

static const struct sts_rule sts_role_arn = {"RoleArn", 20, 2048, true, NULL, false};
static const struct sts_rule sts_session = {"RoleSessionName", 2, 64, true, "_+=,.@-", false};
static const struct sts_rule sts_external_id = {"ExternalId", 2, 1224, false, "_+=,.@:/-", false};
static const struct sts_rule sts_identity_token = {"WebIdentityToken", 4, 20000, true, NULL, true};

/* value: as it is to be shown, with a blank at its end; "": not at all. */
static bool sts_invalid(
	struct sts_call *call, const char *name, const char *value, const char *constraint)
{
	return failure_set(&call->failure, FAILURE_VALIDATION,
		"1 validation error detected: Value %sat '%c%s' failed to satisfy constraint: "
		"Member must %s",
		value, tolower((unsigned char)*name), name + 1, constraint);
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
	const char *text = form_value(call->form, rule->name);
	char constraint[96], shown[256] = "";

	if (!text)
		return !rule->required || sts_invalid(call, rule->name, "null ", "not be null");
	if (!rule->is_secret)
		snprintf(shown, sizeof shown, "'%.200s' ", text);
	size_t len = strlen(text);
	if (len < rule->min || len > rule->max) {
		snprintf(constraint, sizeof constraint, "have length %s than or equal to %zu",
			len < rule->min ? "greater" : "less",
			len < rule->min ? rule->min : rule->max);
		return sts_invalid(call, rule->name, shown, constraint);
	}
	if (rule->pattern && !sts_fits(text, rule->pattern)) {
		snprintf(constraint, sizeof constraint,
			"satisfy regular expression pattern: [\\w%s]*", rule->pattern + 1);
		return sts_invalid(call, rule->name, shown, constraint);
	}
	*ret = text;
	return true;
}

static bool sts_read_duration(struct sts_call *call, unsigned *ret)
{
	const char *text = form_value(call->form, "DurationSeconds");
	unsigned long value;
	char *end, shown[32];

	if (!text)
		return true;
	snprintf(shown, sizeof shown, "'%.20s' ", text);
	value = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end)
		return sts_invalid(call, "DurationSeconds", shown, "be an integer");
	if (value < 900)
		return sts_invalid(
			call, "DurationSeconds", shown, "have value greater than or equal to 900");
	if (value > 43200)
		return sts_invalid(
			call, "DurationSeconds", shown, "have value less than or equal to 43200");
	*ret = (unsigned)value;
	return true;
}

struct sts_wish {
	const char *role_arn, *session;
	unsigned duration; /* seconds */
};

static bool sts_read_wish(struct sts_call *call, struct sts_wish *ret)
{
	*ret = (struct sts_wish){.duration = STS_HOUR};
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
		.lifetime = terms_seconds(role, "seconds", wish->duration * USEC_PER_SEC),
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
	issuer_forget(&issued);
}

/* Does the role let the caller have it? */
static bool sts_trusts(const json_t *role, const struct key *caller, const char *external_id)
{
	const char *principal = terms_text(role, "principal", NULL);
	const char *expected = terms_text(role, "external_id", NULL);

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
		return failure_set(&call->failure, FAILURE_VALIDATION,
			"The requested DurationSeconds exceeds the 1 hour session limit for roles "
			"assumed by role chaining");

	const json_t *role = json_object_get(call->service->identity.roles, wish.role_arn);
	if (!sts_trusts(role, call->caller, external_id)) {
		_cleanup_free_ char *arn = key_arn(call->caller, account);
		return failure_set(&call->failure, FAILURE_ACCESS_DENIED,
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
	const char *token = "", *accepted;
	struct sts_wish wish;

	if (!sts_read_wish(call, &wish) || !sts_read(call, &sts_identity_token, &token))
		return false;

	const json_t *role = json_object_get(call->service->identity.roles, wish.role_arn);
	accepted = terms_text(role, "web_identity_token", NULL);
	if (strcmp(token, terms_text(role, "expired_web_identity_token", "")) == 0)
		return failure_set(&call->failure, FAILURE_IDENTITY_TOKEN_EXPIRED,
			"Token expired: current date/time must be before the expiration date/time");
	if (!accepted)
		return failure_set(&call->failure, FAILURE_ACCESS_DENIED,
			"Not authorized to perform sts:AssumeRoleWithWebIdentity");
	if (strcmp(token, accepted) != 0)
		return failure_set(&call->failure, FAILURE_IDENTITY_TOKEN,
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

static const struct sts_action sts_actions[] = {
	{"AssumeRole", sts_assume_role, true},
	{"AssumeRoleWithWebIdentity", sts_assume_role_with_web_identity, false},
	{"GetCallerIdentity", sts_get_caller_identity, true},
};

const struct sts_action *sts_action_find(const char *name)
{
	for (size_t i = 0; i < sizeof sts_actions / sizeof *sts_actions; i++) {
		if (strcmp(sts_actions[i].name, name) == 0)
			return &sts_actions[i];
	}
	return NULL;
}

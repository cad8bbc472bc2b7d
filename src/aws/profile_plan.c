#include "aws/profile_plan.h"

#include <errno.h>
#include <string.h>

#include "aws/sts.h"

#define DURATION_MIN ((unsigned)(STS_DURATION_MIN / USEC_PER_SEC))
#define DURATION_MAX ((unsigned)(STS_DURATION_MAX / USEC_PER_SEC))

#define BRIDGE                                                                                     \
	"give it a credential_process = aws configure export-credentials --format process "        \
	"--profile "

/* Ways to credentials for which somebody has to log in. */
static const struct {
	const char *key;
	const char *what;
} LOGINS[] = {
	{"sso_session", "single sign-on"},
	{"sso_start_url", "single sign-on"},
	{"login_session", "a login session"},
};

/* What credential_source may be. */
static const struct {
	const char *name;
	const struct credential_source *source;
} SOURCES[] = {
	{"Environment", &credentials_environment},
	{"EcsContainer", &credentials_container},
	{"Ec2InstanceMetadata", &credentials_metadata},
};

/* ---- A role ---- */

static int read_duration(
	const struct profile *profile, usec_t *ret, char text[static CREDENTIALS_TEXT_MAX])
{
	struct profile_property p;
	unsigned seconds = 0;

	if (!profile_get(profile, "duration_seconds", &p))
		return 0;
	/* Five digits are enough. */
	size_t len = strspn(p.value, "0123456789");
	if (len <= 5 && p.value[len] == '\0')
		seconds = (unsigned)strtoul(p.value, NULL, 10);
	if (seconds < DURATION_MIN || seconds > DURATION_MAX)
		return credentials_failed(text, -EINVAL,
			"%s:%u: duration_seconds must be a number from %u to %u", p.path, p.line,
			DURATION_MIN, DURATION_MAX);
	*ret = seconds * USEC_PER_SEC;
	return 0;
}

/* The profile has a role_arn. */
static int read_role(const struct profile *profile, struct profile_role *ret,
	char text[static CREDENTIALS_TEXT_MAX])
{
	*ret = (struct profile_role){
		.profile = *profile,
		.external_id = profile_get_value(profile, "external_id"),
		.session_name = profile_get_value(profile, "role_session_name"),
		.region = profile_get_value(profile, "region"),
	};
	profile_get(profile, "role_arn", &ret->arn);
	return read_duration(profile, &ret->duration, text);
}

static int check_device(const struct profile *profile, char text[static CREDENTIALS_TEXT_MAX])
{
	struct profile_property mfa;

	if (!profile_get(profile, "mfa_serial", &mfa))
		return 0;
	return credentials_failed(text, -EINVAL,
		"%s:%u: profile %s wants a code from a device (mfa_serial), which a daemon has not "
		"got: name a role that may be assumed without one",
		mfa.path, mfa.line, profile->name);
}

/* ---- What a base is ---- */

static bool has_keys(const struct profile *profile)
{
	return profile_get_value(profile, "aws_access_key_id") ||
	       profile_get_value(profile, "aws_secret_access_key");
}

static int use_keys(const struct profile *profile, struct profile_base *base,
	char text[static CREDENTIALS_TEXT_MAX])
{
	struct profile_property secret;

	bool has_id = profile_get(profile, "aws_access_key_id", &base->id);
	bool has_secret = profile_get(profile, "aws_secret_access_key", &secret);
	if (!has_id || !has_secret)
		return credentials_failed(text, -EINVAL, "%s:%u: profile %s has an %s but no %s",
			has_id ? base->id.path : secret.path, has_id ? base->id.line : secret.line,
			profile->name, has_id ? "aws_access_key_id" : "aws_secret_access_key",
			has_id ? "aws_secret_access_key" : "aws_access_key_id");
	base->kind = PROFILE_BASE_KEYS;
	base->profile = *profile;
	base->secret = secret.value;
	base->token = profile_get_value(profile, "aws_session_token");
	return 0;
}

static int use_web_identity(const struct profile *profile, struct profile_base *base,
	char text[static CREDENTIALS_TEXT_MAX])
{
	struct profile_property token;

	profile_get(profile, "web_identity_token_file", &token);
	base->kind = PROFILE_BASE_WEB_IDENTITY;
	base->profile = *profile;
	base->token_file = token.value;
	if (!profile_get_value(profile, "role_arn"))
		return credentials_failed(text, -EINVAL,
			"%s:%u: profile %s has a web_identity_token_file but no role_arn",
			token.path, token.line, profile->name);
	return read_role(profile, &base->role, text);
}

static int use_source(const struct profile *profile, struct profile_base *base,
	char text[static CREDENTIALS_TEXT_MAX])
{
	base->kind = PROFILE_BASE_SOURCE;
	base->profile = *profile;
	profile_get(profile, "credential_source", &base->property);
	for (size_t i = 0; i < sizeof SOURCES / sizeof *SOURCES; i++)
		if (strcmp(base->property.value, SOURCES[i].name) == 0)
			base->source = SOURCES[i].source;
	if (base->source)
		return 0;
	return credentials_failed(text, -EINVAL,
		"%s:%u: credential_source must be Environment, EcsContainer or "
		"Ec2InstanceMetadata",
		base->property.path, base->property.line);
}

/* Nothing in the profile can be used: why. */
static int explain_absence(const struct profile *profile, char text[static CREDENTIALS_TEXT_MAX])
{
	static const char *const of_a_role[] = {"source_profile", "credential_source"};
	struct profile_property p;

	for (size_t i = 0; i < sizeof LOGINS / sizeof *LOGINS; i++)
		if (profile_get(profile, LOGINS[i].key, &p))
			return credentials_failed(text, -EINVAL,
				"%s:%u: profile %s wants %s (%s), for which somebody has to log "
				"in: " BRIDGE "%s",
				p.path, p.line, profile->name, LOGINS[i].what, LOGINS[i].key,
				profile->name);
	for (size_t i = 0; i < sizeof of_a_role / sizeof *of_a_role; i++)
		if (profile_get(profile, of_a_role[i], &p))
			return credentials_failed(text, -EINVAL,
				"%s:%u: profile %s has a %s but no role_arn", p.path, p.line,
				profile->name, of_a_role[i]);
	return credentials_failed(text, -ENOENT, "profile %s in %s has no aws_access_key_id",
		profile->name, profile_path(profile));
}

/* The profile assumes no role with others' keys. */
static int use_profile(const struct profile *profile, struct profile_base *base,
	char text[static CREDENTIALS_TEXT_MAX])
{
	bool has_role = profile_get_value(profile, "role_arn");

	/* Keys beside a role are for who names this profile as a source. */
	if (!has_role && has_keys(profile))
		return use_keys(profile, base, text);
	if (profile_get_value(profile, "web_identity_token_file"))
		return use_web_identity(profile, base, text);
	if (!profile_get(profile, "credential_process", &base->property))
		return explain_absence(profile, text);
	base->kind = PROFILE_BASE_PROCESS;
	base->profile = *profile;
	return 0;
}

/* ---- From one to the next ---- */

static bool is_in(const struct profile_plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->n_roles; i++)
		if (strcmp(plan->roles[i].profile.name, name) == 0)
			return true;
	return false;
}

static int refuse_circle(const struct profile_plan *plan, const struct profile_property *next,
	char text[static CREDENTIALS_TEXT_MAX])
{
	_cleanup_strbuf_ struct strbuf names = STRBUF_INIT;

	for (size_t i = 0; i < plan->n_roles; i++)
		strbuf_printf(&names, "%s -> ", plan->roles[i].profile.name);
	return credentials_failed(text, -EINVAL,
		"%s:%u: source_profile goes round in a circle: %s%s", next->path, next->line,
		strbuf_str(&names), next->value);
}

/* The profile whose credentials assume the role of the one before; 0: it becomes *at. */
static int follow(const struct profile_plan *plan, const struct profile_property *next,
	struct profile *at, char text[static CREDENTIALS_TEXT_MAX])
{
	_cleanup_strbuf_ struct strbuf files = STRBUF_INIT;
	bool is_itself = strcmp(at->name, next->value) == 0;

	if (is_itself ? !has_keys(at) : is_in(plan, next->value))
		return refuse_circle(plan, next, text);
	if (profile_find(at->files, next->value, at))
		return 0;
	profile_describe_absence(at->files, next->value, &files);
	return credentials_failed(text, -EINVAL,
		"%s:%u: source_profile names profile %s, which is not in %s", next->path,
		next->line, next->value, strbuf_str(&files));
}

/* One role more. 1: *at is the profile to go on with; 0: the base is found. */
static int add_role(
	struct profile_plan *plan, struct profile *at, char text[static CREDENTIALS_TEXT_MAX])
{
	struct profile_property next, source;
	struct profile_role *role = &plan->roles[plan->n_roles];

	if (plan->n_roles == PROFILE_PLAN_ROLES_MAX)
		return credentials_failed(text, -EINVAL,
			"more than %d roles have to be assumed one after the other, from that of "
			"profile %s in %s on",
			PROFILE_PLAN_ROLES_MAX, at->name, profile_path(at));
	int r = read_role(at, role, text);
	r = r < 0 ? r : check_device(at, text);
	if (r < 0)
		return r;
	plan->n_roles++;
	bool has_next = profile_get(at, "source_profile", &next);
	bool has_source = profile_get(at, "credential_source", &source);
	if (has_next && has_source)
		return credentials_failed(text, -EINVAL,
			"%s:%u: profile %s has both source_profile and credential_source: its role "
			"is assumed with one of them",
			source.path, source.line, at->name);
	if (!has_next && !has_source)
		return credentials_failed(text, -EINVAL,
			"%s:%u: profile %s has a role_arn, but neither source_profile nor "
			"credential_source says whose keys assume it",
			role->arn.path, role->arn.line, at->name);
	if (has_source)
		return use_source(at, &plan->base, text);
	r = follow(plan, &next, at, text);
	return r < 0 ? r : 1;
}

/* The profile is only for assuming another one's role: not to have credentials is a mistake. */
static int use_as_source(const struct profile *profile, struct profile_plan *plan,
	char text[static CREDENTIALS_TEXT_MAX])
{
	int r = has_keys(profile) ? use_keys(profile, &plan->base, text)
				  : use_profile(profile, &plan->base, text);

	if (r != -ENOENT)
		return r;
	return credentials_failed(text, -EINVAL,
		"profile %s in %s is the source_profile of %s, but has no aws_access_key_id",
		profile->name, profile_path(profile), plan->roles[plan->n_roles - 1].profile.name);
}

int profile_plan_make(const struct profile *profile, struct profile_plan *ret,
	char ret_text[static CREDENTIALS_TEXT_MAX])
{
	struct profile at = *profile;
	int r = 1;

	*ret = (struct profile_plan){.n_roles = 0};
	while (r > 0) {
		bool is_first = ret->n_roles == 0;
		bool has_role = profile_get_value(&at, "role_arn") &&
				!profile_get_value(&at, "web_identity_token_file");
		if (has_role && (is_first || !has_keys(&at)))
			r = add_role(ret, &at, ret_text);
		else
			r = is_first ? use_profile(&at, &ret->base, ret_text)
				     : use_as_source(&at, ret, ret_text);
	}
	return r;
}

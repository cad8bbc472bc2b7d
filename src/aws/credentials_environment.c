/* Keys in environment variables, under the names that all of AWS' SDKs read. */
#include <errno.h>

#include "aws/credential_source.h"

static const char *get(const struct credential_search *search, const char *name)
{
	return credentials_getenv(search->means->getenv, name);
}

static int environment_start(struct credential_search *search, struct credentials **ret)
{
	const char *token_name =
		get(search, "AWS_SESSION_TOKEN") ? "AWS_SESSION_TOKEN" : "AWS_SECURITY_TOKEN";
	const char *expiration = get(search, "AWS_CREDENTIAL_EXPIRATION");
	struct credentials fields = {
		.access_key_id = get(search, "AWS_ACCESS_KEY_ID"),
		.secret_access_key = get(search, "AWS_SECRET_ACCESS_KEY"),
		.session_token = get(search, token_name),
		.source = "environment",
		.expires_at = USEC_INFINITY,
	};

	if (!fields.access_key_id && !fields.secret_access_key)
		return credentials_failed(search->text, -ENOENT, "AWS_ACCESS_KEY_ID is not set");
	if (!fields.secret_access_key)
		return credentials_failed(search->text, -EINVAL,
			"AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not");
	if (!fields.access_key_id)
		return credentials_failed(search->text, -EINVAL,
			"AWS_SECRET_ACCESS_KEY is set, but AWS_ACCESS_KEY_ID is not");

	if (expiration && credentials_parse_time(expiration, &fields.expires_at) < 0)
		return credentials_failed(search->text, -EINVAL,
			"AWS_CREDENTIAL_EXPIRATION is not a time like 2026-01-02T03:04:05Z");
	return credentials_new(&fields, search->text, ret);
}

const struct credential_source credentials_environment = {
	.name = "environment",
	.start = environment_start,
};

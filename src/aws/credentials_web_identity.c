#include "aws/credentials_web_identity.h"

#include <errno.h>
#include <stdio.h>

#include "aws/sts.h"
#include "aws/token.h"

#define TOKEN_FILE "AWS_WEB_IDENTITY_TOKEN_FILE"
#define ROLE_ARN   "AWS_ROLE_ARN"

/* Room for the line ends behind it. */
#define FILE_MAX (STS_TOKEN_MAX + 16)

static void on_done(void *userdata, int r, const char *text, struct credentials *credentials)
{
	struct credential_search *search = userdata;

	snprintf(search->text, sizeof search->text, "%s", text);
	credential_search_end(search, r, credentials);
}

int credentials_web_identity_start(
	struct credential_search *search, const struct web_identity *identity)
{
	_cleanup_(strbuf_wipe) struct strbuf token = STRBUF_INIT;
	struct sts_call *call;

	int r = token_read(identity->token_file, FILE_MAX, identity->source, &token, search->text);
	if (r < 0)
		return r;
	const struct sts_request request = {
		.role_arn = identity->role_arn,
		.session_name = identity->session_name,
		.duration = identity->duration,
		.web_identity_token = strbuf_str(&token),
		.source = identity->source,
	};
	r = sts_start(search->means, &request, on_done, search, &call, search->text);
	if (r < 0)
		return r;
	search->source = &credentials_web_identity;
	search->state = call;
	return -EINPROGRESS;
}

/* ---- The source ---- */

static int web_identity_start(struct credential_search *search, struct credentials **ret)
{
	credentials_getenv_fn *getenv_fn = search->means->getenv;
	_cleanup_strbuf_ struct strbuf source = STRBUF_INIT;
	struct web_identity identity = {
		.token_file = credentials_getenv(getenv_fn, TOKEN_FILE),
		.role_arn = credentials_getenv(getenv_fn, ROLE_ARN),
		.session_name = credentials_getenv(getenv_fn, "AWS_ROLE_SESSION_NAME"),
	};

	(void)ret;
	if (!identity.token_file && !identity.role_arn)
		return credentials_failed(search->text, -ENOENT, TOKEN_FILE " is not set");
	if (!identity.role_arn)
		return credentials_failed(
			search->text, -EINVAL, TOKEN_FILE " is set, but " ROLE_ARN " is not");
	if (!identity.token_file)
		return credentials_failed(
			search->text, -EINVAL, ROLE_ARN " is set, but " TOKEN_FILE " is not");
	if (strbuf_printf(&source, "web identity as %s", identity.role_arn) < 0)
		return credentials_failed(search->text, -ENOMEM, "out of memory");
	identity.source = strbuf_str(&source);
	return credentials_web_identity_start(search, &identity);
}

static void web_identity_cancel(struct credential_search *search)
{
	sts_cancel(search->state);
}

const struct credential_source credentials_web_identity = {
	.name = "web identity",
	.start = web_identity_start,
	.cancel = web_identity_cancel,
};

#include "aws/credentials_web_identity.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "aws/sts.h"
#include "base/file.h"

#define TOKEN_FILE "AWS_WEB_IDENTITY_TOKEN_FILE"
#define ROLE_ARN   "AWS_ROLE_ARN"

/* Room for the line ends behind it. */
#define FILE_MAX (STS_TOKEN_MAX + 16)

static int read_token(
	struct credential_search *search, const struct web_identity *identity, struct strbuf *ret)
{
	const char *path = identity->token_file, *source = identity->source;

	int r = file_read(path, FILE_MAX, ret);
	if (r == -ENOMEM)
		return credentials_failed(search->text, r, "out of memory");
	/* None is passed on: -ENOENT would say that nothing is configured. */
	if (r < 0)
		return credentials_failed(search->text, -EINVAL,
			"%s: the token file %s cannot be read: %s: correct its path or mode, or "
			"see to what writes it",
			source, path, r == -EFBIG ? "far too large" : strerrordesc_np(-r));

	size_t len = ret->len;
	while (len > 0 && strchr("\r\n", ret->data[len - 1]))
		len--;
	strbuf_truncate(ret, len);
	if (len == 0 || strlen(ret->data) != len)
		return credentials_failed(search->text, -EINVAL, "%s: the token file %s %s", source,
			path, len == 0 ? "is empty" : "holds no text");
	return 0;
}

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

	int r = read_token(search, identity, &token);
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

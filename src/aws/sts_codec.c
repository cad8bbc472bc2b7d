#include "aws/sts_codec.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "aws/sigv4.h"
#include "aws/xml.h"
#include "base/quote.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

/* What stands in a session's name, and in an external id. */
#define NAME_LETTERS     LETTERS "+=,.@-"
#define EXTERNAL_LETTERS NAME_LETTERS ":/"

const char *sts_codec_action(const struct sts_request *request)
{
	return request->web_identity_token ? "AssumeRoleWithWebIdentity" : "AssumeRole";
}

void sts_codec_name_session(const char *host, char ret[static STS_SESSION_NAME_MAX + 1])
{
	snprintf(ret, STS_SESSION_NAME_MAX + 1, "nexus-worker-%s", host);
	for (char *c = ret; *c; c++)
		if (!strchr(NAME_LETTERS, *c))
			*c = '-';
}

/* ---- The form ---- */

static bool fits(const char *text, size_t min_len, size_t max_len, const char *letters)
{
	size_t len = strlen(text);

	return len >= min_len && len <= max_len && strspn(text, letters) == len;
}

/* arn:PARTITION:iam::ACCOUNT:role/NAME, whose name may have parts. */
static bool is_role_arn(const char *arn)
{
	return strncmp(arn, "arn:", 4) == 0 && strstr(arn, ":role/") &&
	       fits(arn, 20, 2048, EXTERNAL_LETTERS);
}

int sts_codec_check(const struct sts_request *request, char ret_text[static CREDENTIALS_TEXT_MAX])
{
	const char *source = request->source;
	size_t token_len = request->web_identity_token ? strlen(request->web_identity_token) : 4;

	assert(request->duration == 0 ||
		(request->duration >= STS_DURATION_MIN && request->duration <= STS_DURATION_MAX));
	if (!is_role_arn(request->role_arn))
		return credentials_failed(ret_text, -EINVAL,
			"%s: the role's ARN is none: it looks like "
			"arn:aws:iam::123456789012:role/NAME",
			source);
	if (request->session_name &&
		!fits(request->session_name, 2, STS_SESSION_NAME_MAX, NAME_LETTERS))
		return credentials_failed(ret_text, -EINVAL,
			"%s: the role session's name must have 2 to %d letters, digits or _+=,.@-",
			source, STS_SESSION_NAME_MAX);
	if (request->external_id && !fits(request->external_id, 2, 1224, EXTERNAL_LETTERS))
		return credentials_failed(ret_text, -EINVAL,
			"%s: the external id must have 2 to 1224 letters, digits or _+=,.@-:/",
			source);
	if (token_len < 4 || token_len > STS_TOKEN_MAX)
		return credentials_failed(ret_text, -EINVAL,
			"%s: the web identity token must have 4 to %d bytes", source,
			STS_TOKEN_MAX);
	return 0;
}

static void add(struct strbuf *out, const char *name, const char *value)
{
	if (!value)
		return;
	strbuf_printf(out, "&%s=", name);
	if (sigv4_encode(value, strlen(value), false, out) < 0 && out->error == 0)
		out->error = -EINVAL;
}

void sts_codec_write(
	const struct sts_request *request, const char *session_name, struct strbuf *out)
{
	strbuf_printf(out, "Action=%s&Version=2011-06-15", sts_codec_action(request));
	add(out, "RoleArn", request->role_arn);
	add(out, "RoleSessionName", session_name);
	if (request->duration > 0)
		strbuf_printf(
			out, "&DurationSeconds=%u", (unsigned)(request->duration / USEC_PER_SEC));
	add(out, "ExternalId", request->external_id);
	add(out, "WebIdentityToken", request->web_identity_token);
}

/* ---- The answer ---- */

enum {
	ID,
	SECRET,
	TOKEN,
	EXPIRATION,
	N_KEYS
};

static int make(const struct xml_field fields[static N_KEYS], const char *source,
	char ret_what[static CREDENTIALS_TEXT_MAX], struct credentials **ret)
{
	struct credentials made = {
		.access_key_id = strbuf_str(&fields[ID].text),
		.secret_access_key = strbuf_str(&fields[SECRET].text),
		.session_token = strbuf_str(&fields[TOKEN].text),
		.source = source,
	};

	for (size_t i = 0; i < N_KEYS; i++)
		if (fields[i].text.len == 0)
			return credentials_failed(
				ret_what, -EBADMSG, "XML without %s", fields[i].path);
	if (credentials_parse_time(strbuf_str(&fields[EXPIRATION].text), &made.expires_at) < 0)
		return credentials_failed(ret_what, -EBADMSG,
			"XML whose Expiration is not a time like 2026-01-02T03:04:05Z");
	int r = credentials_new(&made, ret_what, ret);
	if (r == -EINVAL)
		return credentials_failed(ret_what, -EBADMSG, "XML with keys that cannot be any");
	return r;
}

int sts_codec_read(const char *xml, size_t len, const char *source,
	char ret_what[static CREDENTIALS_TEXT_MAX], struct credentials **ret)
{
	struct xml_field fields[N_KEYS] = {
		[ID].path = "Credentials/AccessKeyId",
		[SECRET].path = "Credentials/SecretAccessKey",
		[TOKEN].path = "Credentials/SessionToken",
		[EXPIRATION].path = "Credentials/Expiration",
	};
	const char *what = "";

	int r = xml_read(xml, len, fields, N_KEYS, &what);
	if (r < 0)
		credentials_failed(ret_what, r, "%s", what);
	else
		r = make(fields, source, ret_what, ret);
	xml_wipe(fields, N_KEYS);
	return r;
}

int sts_codec_read_error(const char *xml, size_t len, char ret_code[static STS_CODE_MAX],
	char ret_message[static STS_MESSAGE_MAX], const char **ret_what)
{
	struct xml_field fields[] = {{.path = "Error/Code"}, {.path = "Error/Message"}};

	int r = xml_read(xml, len, fields, 2, ret_what);
	if (r == 0 && fields[0].text.len == 0) {
		*ret_what = "XML that is not the token service's";
		r = -EBADMSG;
	}
	if (r == 0) {
		quote_text(strbuf_str(&fields[0].text), ret_code, STS_CODE_MAX);
		quote_text(strbuf_str(&fields[1].text), ret_message, STS_MESSAGE_MAX);
	}
	xml_wipe(fields, 2);
	return r;
}

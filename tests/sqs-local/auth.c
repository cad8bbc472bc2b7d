#include "auth.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "canonical.h"

#define AUTH_ALGORITHM "AWS4-HMAC-SHA256"
#define AUTH_MISMATCH                                                                              \
	"The request signature we calculated does not match the signature you provided. Check "    \
	"your AWS Secret Access Key and signing method. Consult the service documentation for "    \
	"details."

/* An Authorization header taken apart; the texts point into `copy`. */
struct claim {
	char copy[2048];
	char *key_id;
	char *day;
	char *region;
	char *service;
	char *terminator;
	char *signed_headers;
	char *signature;
	char moment[17]; /* X-Amz-Date */
};

static bool auth_incomplete(struct failure *failure, const char *what)
{
	return failure_set(failure, FAILURE_INCOMPLETE_SIGNATURE,
		"Authorization header requires '%s' parameter.", what);
}

static bool auth_refuse(struct failure *failure, const char *why)
{
	return failure_set(failure, FAILURE_INVALID_SIGNATURE, "%s", why);
}

/* One "Name=value" of the header; other names are overlooked. */
static void auth_parameter(struct claim *claim, char *text, char **ret_credential)
{
	static const char blanks[] = " \t";
	char *value;

	text += strspn(text, blanks);
	value = strchr(text, '=');
	if (!value)
		return;
	*value++ = '\0';
	value[strcspn(value, blanks)] = '\0';
	if (strcmp(text, "Credential") == 0)
		*ret_credential = value;
	else if (strcmp(text, "SignedHeaders") == 0)
		claim->signed_headers = value;
	else if (strcmp(text, "Signature") == 0)
		claim->signature = value;
}

static bool auth_parse(const char *header, struct claim *claim, struct failure *failure)
{
	char *credential = NULL, *rest, *parameter;

	int len = snprintf(claim->copy, sizeof claim->copy, "%s", header);
	if (len < 0 || (size_t)len >= sizeof claim->copy)
		return auth_incomplete(failure, "Signature");
	rest = claim->copy + strlen(AUTH_ALGORITHM);
	if (strncmp(claim->copy, AUTH_ALGORITHM " ", strlen(AUTH_ALGORITHM) + 1) != 0)
		return failure_set(failure, FAILURE_INCOMPLETE_SIGNATURE,
			"Unsupported AWS 'algorithm' in the Authorization header.");

	while ((parameter = strsep(&rest, ",")))
		auth_parameter(claim, parameter, &credential);
	if (!credential)
		return auth_incomplete(failure, "Credential");
	if (!claim->signature)
		return auth_incomplete(failure, "Signature");
	if (!claim->signed_headers)
		return auth_incomplete(failure, "SignedHeaders");

	claim->key_id = strsep(&credential, "/");
	claim->day = strsep(&credential, "/");
	claim->region = strsep(&credential, "/");
	claim->service = strsep(&credential, "/");
	claim->terminator = strsep(&credential, "/");
	if (!claim->terminator || credential)
		return failure_set(failure, FAILURE_INCOMPLETE_SIGNATURE,
			"Credential must have exactly 5 slash-delimited elements, e.g. "
			"keyid/date/region/service/term.");
	return true;
}

/* Of the form YYYYMMDDTHHMMSSZ and near enough to now. */
static bool auth_check_moment(
	struct claim *claim, const struct wire *wire, usec_t now, struct failure *failure)
{
	const char *text = wire_value(wire, "x-amz-date");
	const char *end = NULL;
	struct tm tm = {0};

	if (text && strlen(text) == sizeof claim->moment - 1)
		end = strptime(text, "%Y%m%dT%H%M%SZ", &tm);
	if (!end || *end)
		return failure_set(failure, FAILURE_INCOMPLETE_SIGNATURE,
			"Authorization header requires existence of either a 'X-Amz-Date' or a "
			"'Date' header.");
	snprintf(claim->moment, sizeof claim->moment, "%s", text);

	usec_t signed_at = (usec_t)timegm(&tm) * USEC_PER_SEC;
	if (usec_sub(now, signed_at) > AUTH_SKEW_MAX)
		return failure_set(failure, FAILURE_INVALID_SIGNATURE,
			"Signature expired: %s is now earlier than the server's time less 5 min.",
			text);
	if (usec_sub(signed_at, now) > AUTH_SKEW_MAX)
		return failure_set(failure, FAILURE_INVALID_SIGNATURE,
			"Signature not yet current: %s is still later than the server's time plus "
			"5 min.",
			text);
	return true;
}

static bool auth_check_scope(
	const struct auth *auth, const struct claim *claim, struct failure *failure)
{
	if (strncmp(claim->moment, claim->day, 8) != 0 || strlen(claim->day) != 8)
		return auth_refuse(failure,
			"Date in Credential scope does not match YYYYMMDD from ISO-8601 version "
			"of date from HTTP");
	if (strcmp(claim->region, auth->region) != 0)
		return auth_refuse(failure, "Credential should be scoped to a valid region.");
	if (strcmp(claim->service, auth->service) != 0)
		return failure_set(failure, FAILURE_INVALID_SIGNATURE,
			"Credential should be scoped to correct service: '%s'.", auth->service);
	if (strcmp(claim->terminator, "aws4_request") != 0)
		return auth_refuse(failure,
			"Credential should be scoped with a valid terminator: 'aws4_request'.");
	return true;
}

static bool auth_is_signed(const struct claim *claim, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = claim->signed_headers; *at;) {
		size_t n = strcspn(at, ";");
		if (n == len && strncasecmp(at, name, len) == 0)
			return true;
		at += n;
		at += at[0] == ';';
	}
	return false;
}

/* Host and everything of Amazon's must be signed, or somebody on the way could change it. */
static bool auth_check_coverage(
	const struct claim *claim, const struct wire *wire, struct failure *failure)
{
	if (!auth_is_signed(claim, "host"))
		return auth_refuse(failure,
			"'Host' or ':authority' must be a 'SignedHeader' in the AWS "
			"Authorization.");
	for (size_t i = 0; i < wire->n_headers; i++) {
		const char *name = wire->headers[i].name;
		if (strncasecmp(name, "x-amz-", 6) == 0 && !auth_is_signed(claim, name))
			return failure_set(failure, FAILURE_INVALID_SIGNATURE,
				"There were headers present in the request which were not signed: "
				"%s",
				name);
	}
	return true;
}

static bool auth_check_signature(
	const struct claim *claim, const struct wire *wire, struct key *key)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	unsigned char bytes[DIGEST_SHA256_SIZE];
	char hex[2 * DIGEST_SHA256_SIZE + 1];

	if (canonical_request(wire, claim->signed_headers, &text) < 0)
		return false;
	digest_sha256(text.data, text.len, bytes);
	digest_hex(bytes, sizeof bytes, hex);

	strbuf_reset(&text);
	strbuf_printf(&text, AUTH_ALGORITHM "\n%s\n%s/%s/%s/%s\n%s", claim->moment, claim->day,
		claim->region, claim->service, claim->terminator, hex);
	digest_hmac(key_signing(key, claim->day, claim->region, claim->service), DIGEST_SHA256_SIZE,
		strbuf_str(&text), text.len, bytes);
	digest_hex(bytes, sizeof bytes, hex);
	return strlen(claim->signature) == sizeof hex - 1 &&
	       CRYPTO_memcmp(claim->signature, hex, sizeof hex - 1) == 0;
}

static bool auth_check_token(const struct auth *auth, const struct key *key,
	const struct wire *wire, struct failure *failure)
{
	const char *token = wire_value(wire, "x-amz-security-token");

	if (strcmp(token ? token : "", key->token ? key->token : "") != 0)
		return failure_set(failure, FAILURE_UNKNOWN_KEY,
			"The security token included in the request is invalid.");
	if (key_expired(key, auth->clock))
		return failure_set(failure, FAILURE_EXPIRED_TOKEN,
			"The security token included in the request is expired");
	return true;
}

bool auth_check(const struct auth *auth, const struct wire *wire, usec_t now, struct key **ret_key,
	struct failure *ret_failure)
{
	const char *header = wire_value(wire, "authorization");
	struct claim claim = {0};
	struct key *key;

	if (!header)
		return failure_set(ret_failure, FAILURE_ACCESS_DENIED,
			"Access to the resource is denied: the request is not signed.");
	if (!auth_parse(header, &claim, ret_failure) ||
		!auth_check_moment(&claim, wire, now, ret_failure))
		return false;
	key = keys_find(auth->keys, claim.key_id);
	if (!key)
		return failure_set(ret_failure, FAILURE_UNKNOWN_KEY,
			"The security token included in the request is invalid.");
	if (!auth_check_token(auth, key, wire, ret_failure) ||
		!auth_check_scope(auth, &claim, ret_failure) ||
		!auth_check_coverage(&claim, wire, ret_failure))
		return false;
	if (!auth_check_signature(&claim, wire, key))
		return auth_refuse(ret_failure, AUTH_MISMATCH);
	*ret_key = key;
	return true;
}

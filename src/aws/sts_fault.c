#include "aws/sts_fault.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "aws/leak.h"
#include "aws/signature_cure.h"
#include "aws/sqs_code.h"
#include "base/quote.h"

/* Longer ones are cut, so that the cure has room. */
#define ROLE_MAX 160

static_assert(STS_MESSAGE_MAX <= LEAK_SAID_MAX, "what is quoted has been looked at");

/* The token service's own codes; for those that all of AWS has, sqs_code knows the kind. */
static const struct {
	const char *code;
	int error;
	const char *cure;
} known_codes[] = {
	{"InvalidIdentityToken", -EAGAIN,
		"the token's issuer must be an identity provider of the role's account, with the "
		"token's audience among that provider's"},
	{"IDPCommunicationError", -EAGAIN, "AWS cannot reach the token's issuer at the moment"},
	{"IDPRejectedClaim", -EACCES,
		"the token's issuer does not stand by it: have a new one issued"},
	{"RegionDisabledException", -EACCES,
		"have this region's token service activated in the account's IAM settings, or "
		"name another one in AWS_ENDPOINT_URL_STS"},
};

/* "AssumeRole of ROLE with the keys of SOURCE" */
static void name_question(const struct sts_request *request, char *ret, size_t size)
{
	char role[ROLE_MAX];

	quote_text(request->role_arn, role, sizeof role);
	if (request->signed_by)
		snprintf(ret, size, "%s of %s with the keys of %s", sts_codec_action(request), role,
			request->signed_by->source);
	else
		snprintf(ret, size, "%s of %s", sts_codec_action(request), role);
}

static bool repeats_secret(const char *said, const struct sts_request *request)
{
	return leak_is_in(said, request->signed_by) ||
	       leak_repeats(said, request->web_identity_token);
}

/* ---- Refusals ---- */

static const char *cure_token(const struct sts_request *request, const char *code)
{
	if (!request->signed_by)
		return "the token is too old: what writes its file has ceased to renew it";
	return strstr(code, "Expired") ? "these keys have expired: renew them"
				       : "AWS does not know these keys: correct or renew them";
}

static const char *cure_denial(const struct sts_request *request)
{
	return request->signed_by ? "have the role's trust policy name who asks, and grant that "
				    "one sts:AssumeRole"
				  : "have the role's trust policy name the token's issuer, "
				    "audience and subject";
}

static void describe(const struct sts_fault_place *place, const char *verb, const char *code,
	const char *cure, const char *message, struct sts_fault *ret)
{
	char question[CREDENTIALS_TEXT_MAX / 2];

	name_question(place->request, question, sizeof question);
	snprintf(ret->text, sizeof ret->text, "%s %s %s (%s)%s%s%s%s", place->host, verb, question,
		code, cure[0] ? ": " : "", cure, message[0] ? "; " : "", message);
}

static void judge_code(const struct sts_fault_place *place, unsigned status, const char *code,
	const char *message, struct sts_fault *ret)
{
	const struct sts_request *request = place->request;
	const char *said = repeats_secret(message, request) ? "" : message;
	char cure[SIGNATURE_CURE_MAX];

	for (size_t i = 0; i < sizeof known_codes / sizeof *known_codes; i++)
		if (strcmp(known_codes[i].code, code) == 0) {
			ret->error = known_codes[i].error;
			describe(place, "refuses", code, known_codes[i].cure, said, ret);
			return;
		}

	ret->error = -EACCES;
	switch (sqs_code_classify(code, status)) {
	case SQS_THROTTLED:
		ret->error = -EAGAIN;
		describe(place, "throttles", code, "", "", ret);
		return;
	case SQS_UNAVAILABLE:
		ret->error = -EAGAIN;
		describe(place, "cannot serve", code, "", "", ret);
		return;
	case SQS_BAD_SIGNATURE:
		/* Its message may hold the whole request. */
		ret->bad_signature = true;
		signature_cure(message, place->clock_usec, cure);
		describe(place, "refuses the signature of", code, cure, "", ret);
		return;
	case SQS_BAD_TOKEN:
		ret->error = request->signed_by ? -EACCES : -EAGAIN;
		describe(place, "refuses", code, cure_token(request, code), said, ret);
		return;
	case SQS_DENIED:
		describe(place, "denies", code, cure_denial(request), said, ret);
		return;
	case SQS_OK:
	case SQS_UNREACHABLE:
	case SQS_NO_CREDENTIALS:
	case SQS_NO_KEY:
	case SQS_NO_QUEUE:
	case SQS_STALE:
	case SQS_REFUSED:
	case SQS_GARBLED:
		describe(place, "refuses", code, "", said, ret);
		return;
	}
}

/* ---- What is no answer of its ---- */

static void judge_garbled(const struct sts_fault_place *place, unsigned status, const char *what,
	struct sts_fault *ret)
{
	char number[32];

	ret->error = -EBADMSG;
	snprintf(number, sizeof number, "HTTP %u", status);
	if (status >= 500 || status == 429 || status == 408) {
		ret->error = -EAGAIN;
		describe(place, "cannot serve", number, "", "", ret);
		return;
	}
	snprintf(ret->text, sizeof ret->text,
		"%s answered %s with %s, and the answer is %s: is a proxy or portal in between?",
		place->host, sts_codec_action(place->request), number, what);
}

static void judge_transport(
	const struct sts_fault_place *place, int error, const char *said, struct sts_fault *ret)
{
	bool answered = error == -EMSGSIZE || error == -EBADMSG;
	char quoted[STS_MESSAGE_MAX];

	quote_text(said, quoted, sizeof quoted);
	ret->error = answered ? -EBADMSG : error;
	snprintf(ret->text, sizeof ret->text, "no answer%s from %s to %s: %s",
		answered ? " of the token service's" : "", place->host,
		sts_codec_action(place->request), quoted);
}

void sts_fault_of_answer(const struct sts_fault_place *place, const struct http_response *response,
	struct sts_fault *ret)
{
	char code[STS_CODE_MAX], message[STS_MESSAGE_MAX];
	const char *what;

	ret->bad_signature = false;
	if (response->error < 0) {
		judge_transport(place, response->error, response->error_text, ret);
		return;
	}
	int r = sts_codec_read_error(response->body, response->body_len, code, message, &what);
	if (r == 0 && repeats_secret(code, place->request)) {
		r = -EBADMSG;
		what = "XML with what was sent in place of a code";
	}
	if (r == 0)
		judge_code(place, response->status, code, message, ret);
	else if (r == -ENOMEM)
		sts_fault_of_shape(place, r, what, ret);
	else
		judge_garbled(place, response->status, what, ret);
}

void sts_fault_of_shape(
	const struct sts_fault_place *place, int r, const char *what, struct sts_fault *ret)
{
	ret->bad_signature = false;
	if (r == -EBADMSG) {
		judge_garbled(place, 200, what, ret);
		return;
	}
	ret->error = r;
	credentials_failed(ret->text, r, "out of memory");
}

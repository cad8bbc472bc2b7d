#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../support/test_sts.h"
#include "../support/test_suite.h"
#include "aws/sts_fault.h"

#define ROLE   "arn:aws:iam::123456789012:role/team/worker"
#define TOKEN  "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ0ZXN0In0.c2lnbmF0dXJl"
#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

static struct credentials keys = {
	.access_key_id = "AKIDEXAMPLE",
	.secret_access_key = SECRET,
	.source = "profile base",
};
static const struct sts_request role = {.role_arn = ROLE, .signed_by = &keys};
static const struct sts_request web = {.role_arn = ROLE, .web_identity_token = TOKEN};

/* Of an answer of that status. */
static struct sts_fault judge(const struct sts_request *request, unsigned status, const char *body)
{
	const struct sts_fault_place place = {.host = "sts.here", .request = request};
	const struct http_response response = {
		.status = status, .body = body, .body_len = strlen(body)};
	struct sts_fault fault;

	sts_fault_of_answer(&place, &response, &fault);
	for (const char *c = fault.text; *c; c++)
		ck_assert_msg(*c >= ' ' && *c <= '~', "%s", fault.text);
	ck_assert_ptr_null(strstr(fault.text, SECRET));
	ck_assert_ptr_null(strstr(fault.text, TOKEN));
	return fault;
}

static const struct {
	const struct sts_request *request;
	unsigned status;
	const char *body;
	int error;
	const char *verb;
	const char *rest;
} refusals[] = {
	{&role, 403, TEST_STS_ERROR("AccessDenied", "User: arn:aws:iam::1:user/u is not "), -EACCES,
		"denies",
		"(AccessDenied): have the role's trust policy name who asks, and grant "
		"that one sts:AssumeRole; User: arn:aws:iam::1:user/u is not "},
	{&web, 403, TEST_STS_ERROR("AccessDenied", ""), -EACCES, "denies",
		"(AccessDenied): have the role's trust policy name the token's issuer, "
		"audience and subject"},
	{&web, 400, TEST_STS_ERROR("InvalidIdentityToken", "Incorrect token audience"), -EAGAIN,
		"refuses",
		"(InvalidIdentityToken): the token's issuer must be an identity provider "
		"of the role's account, with the token's audience among that provider's; "
		"Incorrect token audience"},
	{&web, 400, TEST_STS_ERROR("ExpiredTokenException", "Token expired: "), -EAGAIN, "refuses",
		"(ExpiredTokenException): the token is too old: what writes its file has "
		"ceased to renew it; Token expired: "},
	{&web, 400, TEST_STS_ERROR("IDPCommunicationError", ""), -EAGAIN, "refuses",
		"(IDPCommunicationError): AWS cannot reach the token's issuer at the "
		"moment"},
	{&web, 403, TEST_STS_ERROR("IDPRejectedClaim", ""), -EACCES, "refuses",
		"(IDPRejectedClaim): the token's issuer does not stand by it: have a new "
		"one issued"},
	{&role, 403, TEST_STS_ERROR("RegionDisabledException", ""), -EACCES, "refuses",
		"(RegionDisabledException): have this region's token service activated in "
		"the account's IAM settings, or name another one in AWS_ENDPOINT_URL_STS"},
	{&role, 403, TEST_STS_ERROR("InvalidClientTokenId", ""), -EACCES, "refuses",
		"(InvalidClientTokenId): AWS does not know these keys: correct or renew "
		"them"},
	{&role, 403, TEST_STS_ERROR("ExpiredToken", ""), -EACCES, "refuses",
		"(ExpiredToken): these keys have expired: renew them"},
	{&role, 403, TEST_STS_ERROR("SignatureDoesNotMatch", "The Canonical String was "), -EACCES,
		"refuses the signature of",
		"(SignatureDoesNotMatch): secret key, region or clock is wrong"},
	{&role, 403, TEST_STS_ERROR("SignatureDoesNotMatch", "Signature expired: 1 is now "),
		-EACCES, "refuses the signature of",
		"(SignatureDoesNotMatch): this machine's clock is wrong"},
	{&role, 403, TEST_STS_ERROR("SignatureDoesNotMatch", "Credential should be scoped to"),
		-EACCES, "refuses the signature of",
		"(SignatureDoesNotMatch): the region is wrong: correct it "
		"([queue] region needs a restart)"},
	{&role, 400, TEST_STS_ERROR("Throttling", "Rate exceeded"), -EAGAIN, "throttles",
		"(Throttling)"},
	{&role, 503, TEST_STS_ERROR("ServiceUnavailable", ""), -EAGAIN, "cannot serve",
		"(ServiceUnavailable)"},
	{&role, 502, "<html>Bad gateway</html>", -EAGAIN, "cannot serve", "(HTTP 502)"},
	{&role, 429, "", -EAGAIN, "cannot serve", "(HTTP 429)"},
	{&role, 400, TEST_STS_ERROR("ValidationError", "The requested DurationSeconds exceeds"),
		-EACCES, "refuses", "(ValidationError); The requested DurationSeconds exceeds"},
	{&role, 400, TEST_STS_ERROR("N\xc3\xa4w", "no"), -EACCES, "refuses", "(N??w); no"},
};

START_TEST(every_refusal_says_what_cures_it)
{
	static const char of_role[] = "AssumeRole of " ROLE " with the keys of profile base";
	static const char of_web[] = "AssumeRoleWithWebIdentity of " ROLE;

	for (size_t i = 0; i < N_OF(refusals); i++) {
		const struct sts_request *request = refusals[i].request;
		struct sts_fault fault = judge(request, refusals[i].status, refusals[i].body);
		char want[CREDENTIALS_TEXT_MAX];

		snprintf(want, sizeof want, "sts.here %s %s %s", refusals[i].verb,
			request == &role ? of_role : of_web, refusals[i].rest);
		ck_assert_str_eq(fault.text, want);
		ck_assert_int_eq(fault.error, refusals[i].error);
		ck_assert(fault.bad_signature == !!strstr(fault.text, "SignatureDoesNotMatch"));
	}
}
END_TEST

static const struct {
	unsigned status;
	const char *body;
	const char *what;
} garbled[] = {
	{403, "<!DOCTYPE html><html>Forbidden</html>", "an HTML page"},
	{404, "", "empty"},
	{301, "<a>moved</a>", "XML that is not the token service's"},
	{400, "<ErrorResponse><Error><Code/></Error></ErrorResponse>",
		"XML that is not the token service's"},
	{403, TEST_STS_ERROR(TOKEN, "no"), "XML with what was sent in place of a code"},
};

START_TEST(a_refusal_that_is_not_the_token_services_is_garbled)
{
	for (size_t i = 0; i < N_OF(garbled); i++) {
		struct sts_fault fault = judge(&web, garbled[i].status, garbled[i].body);
		char want[CREDENTIALS_TEXT_MAX];

		snprintf(want, sizeof want,
			"sts.here answered AssumeRoleWithWebIdentity with HTTP %u, and the answer "
			"is %s: is a proxy or portal in between?",
			garbled[i].status, garbled[i].what);
		ck_assert_str_eq(fault.text, want);
		ck_assert_int_eq(fault.error, -EBADMSG);
	}
}
END_TEST

START_TEST(what_was_sent_is_not_quoted_from_an_answer)
{
	static const char *const messages[] = {
		TEST_STS_ERROR("ValidationError",
			"1 validation error detected: Value '" TOKEN "' at 'webIdentityToken'"),
		TEST_STS_ERROR("ValidationError", "Value 'eyJzdWIiOiJ0' is cut"),
		TEST_STS_ERROR("AccessDenied", "your key is " SECRET),
		TEST_STS_ERROR("ValidationError", "Authorization: AWS4-HMAC-SHA256 Signature=0123"),
	};
	const struct sts_request *const requests[] = {&web, &web, &role, &role};

	for (size_t i = 0; i < N_OF(messages); i++) {
		struct sts_fault fault = judge(requests[i], 400, messages[i]);
		ck_assert_int_eq(fault.error, -EACCES);
		ck_assert_msg(!strchr(fault.text, ';'), "%s", fault.text);
	}
}
END_TEST

START_TEST(a_role_of_great_length_leaves_room_for_the_cure)
{
	char arn[2049] = "arn:aws:iam::123456789012:role/";

	memset(arn + strlen(arn), 'x', sizeof arn - 1 - strlen(arn));
	const struct sts_request request = {.role_arn = arn, .signed_by = &keys};
	struct sts_fault fault = judge(&request, 403, TEST_STS_ERROR("AccessDenied", ""));
	ck_assert_ptr_nonnull(
		strstr(fault.text, "xxx... with the keys of profile base (AccessDenied): "));
	ck_assert_ptr_nonnull(strstr(fault.text, "grant that one sts:AssumeRole"));
	ck_assert_ptr_null(strstr(fault.text, arn));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("sts_fault");
	TCase *c = tcase_create("sts_fault");

	tcase_add_test(c, every_refusal_says_what_cures_it);
	tcase_add_test(c, a_refusal_that_is_not_the_token_services_is_garbled);
	tcase_add_test(c, what_was_sent_is_not_quoted_from_an_answer);
	tcase_add_test(c, a_role_of_great_length_leaves_room_for_the_cure);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return test_suite_run(suite());
}

#include <check.h>
#include <errno.h>
#include <string.h>

#include "../support/test_sts.h"
#include "../support/test_suite.h"
#include "aws/sts_codec.h"

#define ROLE "arn:aws:iam::123456789012:role/team/worker"

static const struct sts_request role = {
	.role_arn = ROLE,
	.session_name = "session",
	.source = "profile role",
};
static const struct sts_request web = {
	.role_arn = ROLE,
	.session_name = "session",
	.web_identity_token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ0ZXN0In0.c2lnbmF0dXJl",
	.source = "web identity",
};

/* ---- Questions ---- */

START_TEST(a_session_has_the_machines_name_as_far_as_it_can)
{
	char name[STS_SESSION_NAME_MAX + 1];

	sts_codec_name_session("Host_1.example", name);
	ck_assert_str_eq(name, "nexus-worker-Host_1.example");
	sts_codec_name_session("a b/\xc3\xa4:c", name);
	ck_assert_str_eq(name, "nexus-worker-a-b----c");
	sts_codec_name_session("0123456789012345678901234567890123456789012345678901234", name);
	ck_assert_uint_eq(strlen(name), STS_SESSION_NAME_MAX);
}
END_TEST

static void assert_bad(const struct sts_request *request, const char *why)
{
	char text[CREDENTIALS_TEXT_MAX] = "";

	ck_assert_int_eq(sts_codec_check(request, text), -EINVAL);
	ck_assert_msg(strstr(text, why), "%s", text);
	for (const char *c = text; *c; c++)
		ck_assert_msg(*c >= ' ' && *c <= '~', "%s", text);
}

START_TEST(a_request_that_cannot_be_right_is_none)
{
	static const char *const no_roles[] = {"", "worker", "arn:aws:iam::123456789012:user/u",
		"arn:aws:iam::1:role/a b", "arn:aws:iam::1:role/a\n", "arn:a:role/x"};
	static const char *const no_names[] = {"", "a", "a b", "a/b", "a\xc3\xa4",
		"01234567890123456789012345678901234567890123456789012345678901234"};
	static char token[STS_TOKEN_MAX + 2];
	struct sts_request bad;

	for (size_t i = 0; i < N_OF(no_roles); i++) {
		bad = role;
		bad.role_arn = no_roles[i];
		assert_bad(&bad, "profile role: the role's ARN is none");
	}
	for (size_t i = 0; i < N_OF(no_names); i++) {
		bad = web;
		bad.session_name = no_names[i];
		assert_bad(
			&bad, "web identity: the role session's name must have 2 to 64 letters, ");
	}
	bad = role;
	bad.external_id = "a";
	assert_bad(&bad, "the external id must have 2 to 1224 letters, ");

	bad = web;
	bad.web_identity_token = "abc";
	assert_bad(&bad, "the web identity token must have 4 to 20000 bytes");
	memset(token, 'x', sizeof token - 1);
	bad.web_identity_token = token;
	assert_bad(&bad, "the web identity token must have 4 to 20000 bytes");
}
END_TEST

/* ---- Answers ---- */

static int read_keys(
	const char *xml, char what[static CREDENTIALS_TEXT_MAX], struct credentials **ret)
{
	return sts_codec_read(xml, strlen(xml), "profile role", what, ret);
}

START_TEST(an_answers_elements_may_come_in_any_order)
{
	struct credentials *found = NULL;
	char what[CREDENTIALS_TEXT_MAX] = "";
	int r = read_keys(
		"<?xml version=\"1.0\"?>\n<x:R xmlns:x=\"urn:x\"><Packed>6</Packed>\n<Credentials>"
		"<Expiration>2037-01-02T03:04:05Z</Expiration><New>1</New>\n"
		"<SessionToken>token</SessionToken><SecretAccessKey>secret</SecretAccessKey>\n"
		"<AccessKeyId>ASIAROLE</AccessKeyId></Credentials><SessionToken>no</SessionToken>"
		"</x:R>\n",
		what, &found);

	ck_assert_msg(r == 0, "%s", what);
	ck_assert_str_eq(found->access_key_id, "ASIAROLE");
	ck_assert_str_eq(found->session_token, "token");
	credentials_unref(found);
}
END_TEST

#define CREDENTIALS(content) "<R><Credentials>" content "</Credentials></R>"
#define ID_                  "<AccessKeyId>ASIA</AccessKeyId>"
#define SECRET_              "<SecretAccessKey>secret</SecretAccessKey>"
#define TOKEN_               "<SessionToken>token</SessionToken>"
#define END_                 "<Expiration>2037-01-02T03:04:05Z</Expiration>"

/* What sts_codec_read() says that it is. */
static const struct {
	const char *body;
	const char *what;
} no_answers[] = {
	{CREDENTIALS(SECRET_ TOKEN_ END_), "XML without Credentials/AccessKeyId"},
	{CREDENTIALS(ID_ TOKEN_ END_), "XML without Credentials/SecretAccessKey"},
	{CREDENTIALS(ID_ SECRET_ END_), "XML without Credentials/SessionToken"},
	{CREDENTIALS(ID_ SECRET_ TOKEN_), "XML without Credentials/Expiration"},
	{CREDENTIALS(ID_ SECRET_ TOKEN_ "<Expiration/>"), "XML without Credentials/Expiration"},
	{CREDENTIALS(ID_ SECRET_ TOKEN_ "<Expiration>soon</Expiration>"),
		"XML whose Expiration is not a time like 2026-01-02T03:04:05Z"},
	{CREDENTIALS(ID_ SECRET_ END_ "<SessionToken>to\nken</SessionToken>"),
		"XML with keys that cannot be any"},
	{CREDENTIALS(ID_ ID_ SECRET_ TOKEN_ END_), "XML that says the same thing twice"},
	{TEST_STS_ERROR("AccessDenied", "no"), "XML without Credentials/AccessKeyId"},
	{"<R><Credentials>" ID_, "XML that ends early"},
	{"<!DOCTYPE x [<!ENTITY a \"b\">]><x>&a;</x>", "XML with a document type"},
	{"<!DOCTYPE html><html>Please log in</html>", "an HTML page"},
	{"{\"AccessKeyId\":\"ASIA\"}", "no XML"},
	{"", "empty"},
};

START_TEST(an_answer_that_is_none_is_said_to_be_what_it_is)
{
	for (size_t i = 0; i < N_OF(no_answers); i++) {
		struct credentials *found = NULL;
		char what[CREDENTIALS_TEXT_MAX] = "";

		ck_assert_int_eq(read_keys(no_answers[i].body, what, &found), -EBADMSG);
		ck_assert_str_eq(what, no_answers[i].what);
		ck_assert_ptr_null(found);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("sts_codec");
	TCase *c = tcase_create("sts_codec");

	tcase_add_test(c, a_session_has_the_machines_name_as_far_as_it_can);
	tcase_add_test(c, a_request_that_cannot_be_right_is_none);
	tcase_add_test(c, an_answers_elements_may_come_in_any_order);
	tcase_add_test(c, an_answer_that_is_none_is_said_to_be_what_it_is);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return test_suite_run(suite());
}

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../support/test_suite.h"
#include "aws/credentials_json.h"

#define KEYS "\"AccessKeyId\":\"AKID\",\"SecretAccessKey\":\"secret/key\""
#define ALL  KEYS ",\"SessionToken\":\"token//==\",\"Expiration\":\"2026-01-02T03:04:05Z\""

static const struct credentials_json_form PROGRAM = {
	.source = "test", .token_name = "SessionToken", .versioned = true};
static const struct credentials_json_form SERVICE = {
	.source = "test", .token_name = "Token", .temporary = true};

static char text[CREDENTIALS_TEXT_MAX];
static struct credentials *found;

static void teardown(void)
{
	found = credentials_unref(found);
}

static int read_json(const char *json, const struct credentials_json_form *form)
{
	return credentials_json_read(json, strlen(json), form, text, &found);
}

START_TEST(all_fields_are_read_in_any_order_and_strangers_passed_over)
{
	ck_assert_int_eq(
		read_json("{\"AccountId\":\"1\",\"x\":[{}]," ALL ",\"Version\":1}\n", &PROGRAM), 0);
	ck_assert_str_eq(found->access_key_id, "AKID");
	ck_assert_str_eq(found->secret_access_key, "secret/key");
	ck_assert_str_eq(found->session_token, "token//==");
	ck_assert_str_eq(found->source, "test");
	ck_assert_uint_eq(found->expires_at, 1767323045 * USEC_PER_SEC);
	ck_assert(!found->on_disk);
}
END_TEST

START_TEST(without_token_and_expiration_keys_are_for_ever)
{
	ck_assert_int_eq(
		read_json("{\"Version\":1," KEYS ",\"SessionToken\":\"\",\"Expiration\":null}",
			&PROGRAM),
		0);
	ck_assert_ptr_null(found->session_token);
	ck_assert_uint_eq(found->expires_at, USEC_INFINITY);
}
END_TEST

START_TEST(the_token_has_the_name_that_is_said_and_success_is_no_fault)
{
	ck_assert_int_eq(
		read_json("{\"Code\":\"Success\"," ALL ",\"Token\":\"other\"}", &SERVICE), 0);
	ck_assert_str_eq(found->session_token, "other");
}
END_TEST

static const struct {
	const struct credentials_json_form *form;
	const char *json;
	int r;
	const char *text;
} FAULTS[] = {
	{&PROGRAM, "", -EBADMSG, "the answer ends early"},
	{&PROGRAM, "{\"Version\":1,", -EBADMSG, "the answer ends early"},
	{&PROGRAM, "AKID secret", -EBADMSG, "the answer is not JSON"},
	{&PROGRAM, "{\"Version\":1," KEYS "} secret", -EBADMSG, "the answer is not JSON"},
	{&PROGRAM, "[\"secret\"]", -EBADMSG, "the answer is not a JSON object"},
	{&PROGRAM, "{" KEYS "}", -EBADMSG, "Version must be the number 1"},
	{&PROGRAM, "{\"Version\":2," KEYS "}", -EBADMSG, "Version must be the number 1"},
	{&PROGRAM, "{\"Version\":\"1\"," KEYS "}", -EBADMSG, "Version must be the number 1"},
	{&PROGRAM, "{\"Version\":1.0," KEYS "}", -EBADMSG, "Version must be the number 1"},
	{&PROGRAM, "{\"Version\":{\"a\":1}," KEYS "}", -EBADMSG, "Version must be the number 1"},
	{&PROGRAM, "{\"Version\":1,\"SecretAccessKey\":\"secret\"}", -EBADMSG,
		"the answer has no AccessKeyId"},
	{&PROGRAM, "{\"Version\":1,\"AccessKeyId\":\"AKID\",\"SecretAccessKey\":null}", -EBADMSG,
		"the answer has no SecretAccessKey"},
	{&PROGRAM, "{\"Version\":1,\"AccessKeyId\":\"AKID\",\"SecretAccessKey\":7}", -EBADMSG,
		"SecretAccessKey is not a text"},
	{&PROGRAM, "{\"Version\":1," KEYS ",\"Expiration\":1767323045}", -EBADMSG,
		"Expiration is not a text"},
	{&PROGRAM, "{\"Version\":1," KEYS ",\"Expiration\":\"soon\"}", -EBADMSG,
		"Expiration is not a time like 2026-01-02T03:04:05Z"},
	{&PROGRAM, "{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"two words\"}",
		-EBADMSG,
		"the secret access key holds a blank, a quote, a line end or another character "
		"that none "
		"has, or is far too long"},
	{&SERVICE, "{" KEYS ",\"Expiration\":\"2026-01-02T03:04:05Z\"}", -EBADMSG,
		"the answer has no Token"},
	{&SERVICE, "{" KEYS ",\"Token\":\"t\"}", -EBADMSG, "the answer has no Expiration"},
	{&SERVICE, "{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"Message\":\"not\\nyou\"}", -EACCES,
		"AssumeRoleUnauthorizedAccess: not?you"},
	{&SERVICE, "{\"code\":\"NotFound\",\"message\":\"\"}", -EACCES, "NotFound"},
};

START_TEST(what_is_wrong_is_named_without_a_value)
{
	_cleanup_free_ char *expected = NULL;

	ck_assert_int_eq(read_json(FAULTS[_i].json, FAULTS[_i].form), FAULTS[_i].r);
	ck_assert_int_gt(asprintf(&expected, "test: %s", FAULTS[_i].text), 0);
	ck_assert_str_eq(text, expected);
	ck_assert_ptr_null(found);
}
END_TEST

START_TEST(code_and_message_are_quoted_in_part)
{
	char json[4096];

	snprintf(json, sizeof json, "{\"Code\":\"%01000d\",\"Message\":\"%01000d\"}", 0, 0);
	ck_assert_int_eq(read_json(json, &SERVICE), -EACCES);
	ck_assert_uint_lt(strlen(text), 600);
}
END_TEST

START_TEST(what_is_written_is_read_again)
{
	static const struct credentials_json_form container = {
		.source = "test", .token_name = "Token"};
	const struct credentials fields = {.access_key_id = "AKID",
		.secret_access_key = "secret\\key\\",
		.session_token = "token//==",
		.source = "test",
		.expires_at = USEC_INFINITY};
	_cleanup_strbuf_ struct strbuf json = STRBUF_INIT;

	ck_assert_int_eq(credentials_json_write(&fields, 1767323045 * USEC_PER_SEC, &json), 0);
	ck_assert_int_eq(read_json(strbuf_str(&json), &container), 0);
	ck_assert_str_eq(found->access_key_id, fields.access_key_id);
	ck_assert_str_eq(found->secret_access_key, fields.secret_access_key);
	ck_assert_str_eq(found->session_token, fields.session_token);
	ck_assert_uint_eq(found->expires_at, 1767323045 * USEC_PER_SEC);
}
END_TEST

START_TEST(all_four_members_are_written_even_without_a_token)
{
	const struct credentials fields = {.access_key_id = "AKID", .secret_access_key = "secret"};
	_cleanup_strbuf_ struct strbuf json = STRBUF_INIT;

	ck_assert_int_eq(credentials_json_write(&fields, 1767323045999999, &json), 0);
	ck_assert_str_eq(strbuf_str(&json),
		"{\"AccessKeyId\":\"AKID\",\"SecretAccessKey\":\"secret\",\"Token\":\"\","
		"\"Expiration\":\"2026-01-02T03:04:05Z\"}");
}
END_TEST

START_TEST(past_the_ceiling_nothing_is_written)
{
	const struct credentials fields = {.access_key_id = "AKID", .secret_access_key = "secret"};
	_cleanup_strbuf_ struct strbuf json;

	strbuf_init(&json, 40);
	ck_assert_int_eq(credentials_json_write(&fields, 0, &json), -ENOBUFS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("credentials json");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, NULL, teardown);
	tcase_add_test(all, all_fields_are_read_in_any_order_and_strangers_passed_over);
	tcase_add_test(all, without_token_and_expiration_keys_are_for_ever);
	tcase_add_test(all, the_token_has_the_name_that_is_said_and_success_is_no_fault);
	tcase_add_loop_test(all, what_is_wrong_is_named_without_a_value, 0, N_OF(FAULTS));
	tcase_add_test(all, code_and_message_are_quoted_in_part);
	tcase_add_test(all, what_is_written_is_read_again);
	tcase_add_test(all, all_four_members_are_written_even_without_a_token);
	tcase_add_test(all, past_the_ceiling_nothing_is_written);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}

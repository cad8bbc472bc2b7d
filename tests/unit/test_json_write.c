#include <check.h>

#include "../support/test_suite.h"
#include "base/json_write.h"

#define TEXT(t) t, sizeof(t) - 1

static const struct {
	const char *text;
	size_t len;
	const char *written;
} TEXTS[] = {
	{TEXT(""), "\"\""},
	{TEXT("as it is"), "\"as it is\""},
	{TEXT("\""), "\"\\\"\""},
	{TEXT("a\\b\"c"), "\"a\\\\b\\\"c\""},
	{TEXT("1\n2\r3\t"), "\"1\\n2\\r3\\t\""},
	{TEXT("\x01\x1b\x1f"), "\"\\u0001\\u001b\\u001f\""},
	{TEXT("a\0b"), "\"a\\u0000b\""},
	{TEXT(" ~\x7f\xc3\xa9"), "\" ~\x7f\xc3\xa9\""},
};

START_TEST(a_string_is_in_quotes_and_only_what_has_to_be_is_escaped)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	ck_assert_int_eq(json_write_string(&b, TEXTS[_i].text, TEXTS[_i].len), 0);
	ck_assert_str_eq(strbuf_str(&b), TEXTS[_i].written);
}
END_TEST

START_TEST(a_text_ends_where_its_nul_is)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	ck_assert_int_eq(json_write_text(&b, "a\"\0b"), 0);
	ck_assert_str_eq(strbuf_str(&b), "\"a\\\"\"");
}
END_TEST

START_TEST(past_the_ceiling_is_an_error)
{
	_cleanup_strbuf_ struct strbuf b;

	strbuf_init(&b, 4);
	ck_assert_int_lt(json_write_text(&b, "abc"), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("json_write");
	TCase *all = tcase_create("all");

	tcase_add_loop_test(
		all, a_string_is_in_quotes_and_only_what_has_to_be_is_escaped, 0, N_OF(TEXTS));
	tcase_add_test(all, a_text_ends_where_its_nul_is);
	tcase_add_test(all, past_the_ceiling_is_an_error);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}

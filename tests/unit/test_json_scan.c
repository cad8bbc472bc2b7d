#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../support/test_suite.h"
#include "base/json_scan.h"
#include "json_oracle.h"

#define DEPTH_MAX 20
/* A text with its length, so that it may hold NULs. */
#define S(literal)                                                                                 \
	{                                                                                          \
		literal, sizeof literal - 1                                                        \
	}

struct text {
	const char *bytes;
	size_t len;
};

static enum json_fault scan_bytes(const char *text, size_t len)
{
	/* Exactly as long as the text, so that a sanitizer sees a step past its end. */
	char *copy = malloc(len ? len : 1);
	struct json_scan scan;

	memcpy(copy, text, len);
	json_scan_init(&scan, copy, len, DEPTH_MAX);
	enum json_fault fault = json_scan_value(&scan);
	if (fault == JSON_OK)
		fault = json_scan_end(&scan);
	free(copy);
	return fault;
}

static const struct text valid[] = {
	S("0"),
	S("-0"),
	S("7"),
	S("-1"),
	S("10"),
	S("0.0"),
	S("1.5"),
	S("-0.25"),
	S("1e5"),
	S("1E5"),
	S("1e+5"),
	S("1e-5"),
	S("0e1"),
	S("0E+1"),
	S("123.456e78"),
	S("1e00000"),
	S("1e999999"),
	S("-1e-999999"),
	S("123456789012345678901234567890123456789012345678901234567890"),
	S("0.000000000000000000000000000000000000000000000000000000001"),
	S("true"),
	S("false"),
	S("null"),
	S("\"\""),
	S("\"a\""),
	S("\" \""),
	S("\"\x7f\""),
	S("\"/\""),
	S("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
	S("\"\\u0000\""),
	S("\"\\u00e9\\u00E9\\uABCD\\uabcd\""),
	S("\"\\ud83d\\ude00\""),
	S("\"\\ud83d\""),
	S("\"\\ude00\\ud83d\""),
	S("\"\\\\u12\""),
	S("\"\xc3\xa9\""),
	S("\"\xc2\x80\xdf\xbf\""),
	S("\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\""),
	S("\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""),
	S("\"\xe2\x80\xa8\xe2\x80\xa9\""),
	S("\"\xef\xbb\xbf\""),
	S("\"[{,:}]\""),
	S("[]"),
	S("[ ]"),
	S("[1]"),
	S("[1,2]"),
	S("[[],[[]]]"),
	S("[null,true,false,0,\"\",{},[]]"),
	S("{}"),
	S("{ }"),
	S("{\"\":0}"),
	S("{\"a\":1,\"a\":2}"),
	S("{\"a\\u0000b\":1}"),
	S("{\"a\":{\"b\":[{\"c\":[]}]}}"),
	S("\t\n\r 1 \t\n\r"),
	S(" [ 1 , 2 ] "),
	S("\n{\r\n\t\"a\" : 1 ,\n\"b\" : 2 }\n"),
	S("[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]"),
};

START_TEST(valid_json_passes)
{
	ck_assert_int_eq(scan_bytes(valid[_i].bytes, valid[_i].len), JSON_OK);
}
END_TEST

static const struct {
	struct text text;
	enum json_fault fault;
} invalid[] = {
	{S(""), JSON_CUT_SHORT},
	{S(" \n"), JSON_CUT_SHORT},
	{S("["), JSON_CUT_SHORT},
	{S("[1"), JSON_CUT_SHORT},
	{S("[1,"), JSON_CUT_SHORT},
	{S("[[]"), JSON_CUT_SHORT},
	{S("{"), JSON_CUT_SHORT},
	{S("{\"a\""), JSON_CUT_SHORT},
	{S("{\"a\" "), JSON_CUT_SHORT},
	{S("{\"a\":"), JSON_CUT_SHORT},
	{S("{\"a\":1"), JSON_CUT_SHORT},
	{S("{\"a\":1,"), JSON_CUT_SHORT},
	{S("\""), JSON_CUT_SHORT},
	{S("\"a"), JSON_CUT_SHORT},
	{S("\"\\"), JSON_CUT_SHORT},
	{S("\"\\\""), JSON_CUT_SHORT},
	{S("\"\\u"), JSON_CUT_SHORT},
	{S("\"\\u00e"), JSON_CUT_SHORT},
	{S("nul"), JSON_NO_VALUE},
	{S("nulL"), JSON_NO_VALUE},
	{S("True"), JSON_NO_VALUE},
	{S("TRUE"), JSON_NO_VALUE},
	{S("NaN"), JSON_NO_VALUE},
	{S("Infinity"), JSON_NO_VALUE},
	{S("undefined"), JSON_NO_VALUE},
	{S("+1"), JSON_NO_VALUE},
	{S(".5"), JSON_NO_VALUE},
	{S("'a'"), JSON_NO_VALUE},
	{S("`a`"), JSON_NO_VALUE},
	{S("a"), JSON_NO_VALUE},
	{S("//\n1"), JSON_NO_VALUE},
	{S("/**/1"), JSON_NO_VALUE},
	{S("#\n1"), JSON_NO_VALUE},
	{S("\xef\xbb\xbf{}"), JSON_NO_VALUE},
	{S("\xff\xfe[\0]\0"), JSON_NO_VALUE},
	{S("\0"), JSON_NO_VALUE},
	{S("\f1"), JSON_NO_VALUE},
	{S("\v1"), JSON_NO_VALUE},
	{S("\xc2\xa0"
	   "1"),
		JSON_NO_VALUE},
	{S("[,1]"), JSON_NO_VALUE},
	{S("[1,]"), JSON_NO_VALUE},
	{S("[1,,2]"), JSON_NO_VALUE},
	{S("]"), JSON_NO_VALUE},
	{S("}"), JSON_NO_VALUE},
	{S(","), JSON_NO_VALUE},
	{S(":"), JSON_NO_VALUE},
	{S("{\"a\":}"), JSON_NO_VALUE},
	{S("{\"a\":,\"b\":1}"), JSON_NO_VALUE},
	{S("[\xe5]"), JSON_NO_VALUE},
	{S("00"), JSON_BAD_NUMBER},
	{S("01"), JSON_BAD_NUMBER},
	{S("-01"), JSON_BAD_NUMBER},
	{S("-"), JSON_BAD_NUMBER},
	{S("--1"), JSON_BAD_NUMBER},
	{S("-a"), JSON_BAD_NUMBER},
	{S("-.5"), JSON_BAD_NUMBER},
	{S("1."), JSON_BAD_NUMBER},
	{S("1.e5"), JSON_BAD_NUMBER},
	{S("1e"), JSON_BAD_NUMBER},
	{S("1e+"), JSON_BAD_NUMBER},
	{S("1e-+5"), JSON_BAD_NUMBER},
	{S("1E.5"), JSON_BAD_NUMBER},
	{S("[-]"), JSON_BAD_NUMBER},
	{S("\"\0\""), JSON_RAW_CONTROL},
	{S("\"\t\""), JSON_RAW_CONTROL},
	{S("\"\n\""), JSON_RAW_CONTROL},
	{S("\"a\x1f\""), JSON_RAW_CONTROL},
	{S("{\"a\nb\":1}"), JSON_RAW_CONTROL},
	{S("\"\\a\""), JSON_BAD_ESCAPE},
	{S("\"\\x41\""), JSON_BAD_ESCAPE},
	{S("\"\\U0041\""), JSON_BAD_ESCAPE},
	{S("\"\\'\""), JSON_BAD_ESCAPE},
	{S("\"\\0\""), JSON_BAD_ESCAPE},
	{S("\"\\\0\""), JSON_BAD_ESCAPE},
	{S("\"\\\n\""), JSON_BAD_ESCAPE},
	{S("\"\\u00g0\""), JSON_BAD_ESCAPE},
	{S("\"\\u+123\""), JSON_BAD_ESCAPE},
	{S("\"\\u00\"  "), JSON_BAD_ESCAPE},
	{S("\"\\\xc3\xa9\""), JSON_BAD_ESCAPE},
	{S("\"\x80\""), JSON_BAD_UTF8},
	{S("\"\xc0\xaf\""), JSON_BAD_UTF8},
	{S("\"\xc1\xbf\""), JSON_BAD_UTF8},
	{S("\"\xe9\""), JSON_BAD_UTF8},
	{S("\"\xe0\x9f\xbf\""), JSON_BAD_UTF8},
	{S("\"\xed\xa0\x80\""), JSON_BAD_UTF8},
	{S("\"\xf0\x8f\xbf\xbf\""), JSON_BAD_UTF8},
	{S("\"\xf4\x90\x80\x80\""), JSON_BAD_UTF8},
	{S("\"\xf5\x80\x80\x80\""), JSON_BAD_UTF8},
	{S("\"\xfc\x83\xbf\xbf\xbf\xbf\""), JSON_BAD_UTF8},
	{S("\"\xff\""), JSON_BAD_UTF8},
	{S("\"\xe2\x82"), JSON_BAD_UTF8},
	{S("{\"\xe9\":1}"), JSON_BAD_UTF8},
	{S("{1:1}"), JSON_NO_NAME},
	{S("{a:1}"), JSON_NO_NAME},
	{S("{'a':1}"), JSON_NO_NAME},
	{S("{null:1}"), JSON_NO_NAME},
	{S("{,}"), JSON_NO_NAME},
	{S("{\"a\":1,}"), JSON_NO_NAME},
	{S("{\"a\":1,,\"b\":2}"), JSON_NO_NAME},
	{S("{[]:1}"), JSON_NO_NAME},
	{S("{]"), JSON_NO_NAME},
	{S("{\"a\" 1}"), JSON_NO_COLON},
	{S("{\"a\"=1}"), JSON_NO_COLON},
	{S("{\"a\",1}"), JSON_NO_COLON},
	{S("{\"a\"}"), JSON_NO_COLON},
	{S("{\"a\"\"b\"}"), JSON_NO_COLON},
	{S("[1 2]"), JSON_NO_SEPARATOR},
	{S("[1}"), JSON_NO_SEPARATOR},
	{S("[1;2]"), JSON_NO_SEPARATOR},
	{S("[\"a\" \"b\"]"), JSON_NO_SEPARATOR},
	{S("[1:2]"), JSON_NO_SEPARATOR},
	{S("[0x1]"), JSON_NO_SEPARATOR},
	{S("[1_000]"), JSON_NO_SEPARATOR},
	{S("[1.5.5]"), JSON_NO_SEPARATOR},
	{S("[truee]"), JSON_NO_SEPARATOR},
	{S("[1//c\n]"), JSON_NO_SEPARATOR},
	{S("{\"a\":1]"), JSON_NO_SEPARATOR},
	{S("{\"a\":1 \"b\":2}"), JSON_NO_SEPARATOR},
	{S("{\"a\":1:2}"), JSON_NO_SEPARATOR},
	{S("{}{}"), JSON_TRAILING},
	{S("1 2"), JSON_TRAILING},
	{S("[]]"), JSON_TRAILING},
	{S("{},"), JSON_TRAILING},
	{S("{}#"), JSON_TRAILING},
	{S("1\0"), JSON_TRAILING},
	{S("\"a\"b"), JSON_TRAILING},
	{S("0x1"), JSON_TRAILING},
	{S("[[[[[[[[[[[[[[[[[[[[["), JSON_TOO_DEEP},
	{S("[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]"), JSON_TOO_DEEP},
	{S("[[[[[[[[[[[[[[[[[[[[{}]]]]]]]]]]]]]]]]]]]]"), JSON_TOO_DEEP},
};

START_TEST(each_kind_of_invalid_json_has_its_fault)
{
	ck_assert_int_eq(
		scan_bytes(invalid[_i].text.bytes, invalid[_i].text.len), invalid[_i].fault);
}
END_TEST

START_TEST(depth_counts_what_is_open_and_not_what_was)
{
	char text[4 * DEPTH_MAX + 3] = "[";

	for (int i = 0; i < 2 * DEPTH_MAX; i++)
		strcat(text, i ? ",1" : "1");
	strcat(text, "]");
	ck_assert_int_eq(scan_bytes(text, strlen(text)), JSON_OK);
	ck_assert_int_eq(
		scan_bytes("[{},{},[],[],{},{},{},[],[],[],[],{},{},{},[],[],[],[],[],[]]", 61),
		JSON_OK);
}
END_TEST

START_TEST(a_hundred_thousand_open_brackets_do_not_touch_the_stack)
{
	size_t len = 100000;
	char *text = malloc(len);

	memset(text, '[', len);
	ck_assert_int_eq(scan_bytes(text, len), JSON_TOO_DEEP);
	free(text);
}
END_TEST

START_TEST(every_beginning_of_a_valid_text_is_no_valid_text)
{
	static const char text[] = "{\"a\\n\\u00e9\":[1.5e+3,true,{\"b\":\"\xe2\x82\xac\"},null]}";

	ck_assert_int_eq(scan_bytes(text, sizeof text - 1), JSON_OK);
	for (size_t len = 0; len < sizeof text - 1; len++)
		ck_assert_int_ne(scan_bytes(text, len), JSON_OK);
}
END_TEST

START_TEST(members_are_walked_in_order_past_whatever_their_values_hold)
{
	static const char text[] = " {\"a\" : {\"x\":[{}]} , \"b\":\"}\",\"c\":[]} ";
	struct json_scan scan;
	struct json_string name;
	char names[8] = "";
	bool more;

	json_scan_init(&scan, text, sizeof text - 1, DEPTH_MAX);
	ck_assert_int_eq(json_scan_peek(&scan), '{');
	ck_assert_int_eq(json_scan_enter(&scan), JSON_OK);
	for (;;) {
		ck_assert_int_eq(json_scan_member(&scan, &more, &name), JSON_OK);
		if (!more)
			break;
		ck_assert_int_eq(json_scan_value(&scan), JSON_OK);
		strncat(names, name.raw, name.raw_len);
	}
	ck_assert_str_eq(names, "abc");
	ck_assert_int_eq(json_scan_end(&scan), JSON_OK);
}
END_TEST

START_TEST(a_fault_leaves_the_outputs_alone)
{
	struct json_scan scan;
	struct json_string name = {"untouched", 9};
	bool more = true;

	json_scan_init(&scan, "{\"a\" 1}", 7, DEPTH_MAX);
	ck_assert_int_eq(json_scan_enter(&scan), JSON_OK);
	ck_assert_int_eq(json_scan_member(&scan, &more, &name), JSON_NO_COLON);
	ck_assert_str_eq(name.raw, "untouched");
	ck_assert(more);
}
END_TEST

static int decode(const char *raw, char *ret, size_t size)
{
	return json_string_decode(&(struct json_string){raw, strlen(raw)}, ret, size);
}

START_TEST(strings_are_unescaped)
{
	static const struct {
		const char *raw;
		struct text text;
	} cases[] = {
		{"", S("")},
		{"plain", S("plain")},
		{"\\\"\\\\\\/\\b\\f\\n\\r\\t", S("\"\\/\b\f\n\r\t")},
		{"\\u0041\\u004a\\u004A", S("AJJ")},
		{"\\u0000x", S("\0x")},
		{"\\u007f\\u0080\\u07ff\\u0800\\uffff",
			S("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf")},
		{"\\ud800\\udc00\\udbff\\udfff", S("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf")},
		{"\\ud83d\\ude00!", S("\xf0\x9f\x98\x80!")},
		{"\xe2\x82\xac", S("\xe2\x82\xac")},
		{"\\\\u0041", S("\\u0041")},
	};
	char text[32];

	for (size_t i = 0; i < N_OF(cases); i++) {
		ck_assert_int_eq(decode(cases[i].raw, text, sizeof text), (int)cases[i].text.len);
		ck_assert_mem_eq(text, cases[i].text.bytes, cases[i].text.len);
	}
}
END_TEST

START_TEST(half_a_surrogate_pair_is_not_decoded)
{
	static const char *const cases[] = {
		"\\ud800",
		"\\udc00",
		"\\udbffx",
		"\\ud800\\n",
		"\\ud800\\u0041",
		"\\ud800\\ud800",
		"\\udc00\\ud800",
		"\\ud800\\\\udc00",
	};
	char text[32];

	for (size_t i = 0; i < N_OF(cases); i++)
		ck_assert_int_eq(decode(cases[i], text, sizeof text), -EILSEQ);
}
END_TEST

START_TEST(a_string_that_just_fits_is_decoded_and_one_byte_more_is_not)
{
	char text[4];

	ck_assert_int_eq(decode("abcd", text, 4), 4);
	ck_assert_int_eq(decode("abcde", text, 4), -ENOBUFS);
	ck_assert_int_eq(decode("\\ud83d\\ude00", text, 4), 4);
	ck_assert_int_eq(decode("a\\ud83d\\ude00", text, 4), -ENOBUFS);
}
END_TEST

/* No NUL among what is put in: the oracle takes one for the end. */
static size_t mutate(char *text, size_t len, size_t size)
{
	static const char alphabet[] =
		"{}[]:,\"\\ \n\t0129-+.eEunlltruefasbdD8cC\x01\x7f\x80\xbf\xc3\xe2\xed\xf0\xff/";
	unsigned at = random_below((unsigned)len + 1);
	char c = alphabet[random_below(sizeof alphabet - 1)];

	switch (random_below(4)) {
	case 0:
		if (at < len)
			text[at] = c;
		return len;
	case 1:
		if (len == size)
			return len;
		memmove(text + at + 1, text + at, len - at);
		text[at] = c;
		return len + 1;
	case 2:
		if (at == len)
			return len;
		memmove(text + at, text + at + 1, len - at - 1);
		return len - 1;
	default:
		if (at < len)
			text[at] = text[random_below((unsigned)len)];
		return len;
	}
}

START_TEST(random_mutations_are_judged_as_jansson_judges_them)
{
	unsigned n_valid = 0, n_invalid = 0;

	for (unsigned round = 0; round < 200000; round++) {
		const struct text *seed = &valid[random_below(N_OF(valid))];
		char text[80];
		size_t len = seed->len;
		json_error_t error;

		memcpy(text, seed->bytes, len);
		for (unsigned n = random_below(4); n > 0; n--)
			len = mutate(text, len, sizeof text);

		enum json_fault fault = scan_bytes(text, len);
		json_t *json = json_loadb(text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
		if (json) {
			ck_assert_msg(fault == JSON_OK || fault == JSON_TOO_DEEP,
				"round %u: refused (%d): %.*s", round, fault, (int)len, text);
			n_valid++;
		} else {
			ck_assert_msg(fault != JSON_OK || jansson_cannot_build(&error),
				"round %u: accepted (%s): %.*s", round, error.text, (int)len, text);
			n_invalid++;
		}
		json_decref(json);
	}
	/* The mutations are neither all harmless nor all deadly. */
	ck_assert_uint_gt(n_valid, 20000);
	ck_assert_uint_gt(n_invalid, 20000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("json_scan");
	TCase *scan = tcase_create("scan");
	TCase *decode = tcase_create("decode");

	tcase_add_loop_test(scan, valid_json_passes, 0, N_OF(valid));
	tcase_add_loop_test(scan, each_kind_of_invalid_json_has_its_fault, 0, N_OF(invalid));
	tcase_add_test(scan, depth_counts_what_is_open_and_not_what_was);
	tcase_add_test(scan, a_hundred_thousand_open_brackets_do_not_touch_the_stack);
	tcase_add_test(scan, every_beginning_of_a_valid_text_is_no_valid_text);
	tcase_add_test(scan, members_are_walked_in_order_past_whatever_their_values_hold);
	tcase_add_test(scan, a_fault_leaves_the_outputs_alone);
	tcase_add_test(scan, random_mutations_are_judged_as_jansson_judges_them);
	tcase_set_timeout(scan, 60);
	suite_add_tcase(suite, scan);

	tcase_add_test(decode, strings_are_unescaped);
	tcase_add_test(decode, half_a_surrogate_pair_is_not_decoded);
	tcase_add_test(decode, a_string_that_just_fits_is_decoded_and_one_byte_more_is_not);
	suite_add_tcase(suite, decode);
	return test_suite_run(suite);
}

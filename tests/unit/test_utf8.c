#include <check.h>
#include <string.h>

#include "../support/test_suite.h"
#include "base/utf8.h"

START_TEST(every_code_point_survives_the_way_there_and_back)
{
	for (uint32_t c = 0; c <= 0x10ffff; c++) {
		char bytes[4];

		if (c >= 0xd800 && c <= 0xdfff)
			continue;
		size_t len = utf8_encode(c, bytes);
		if (utf8_sequence(bytes, len) != len || utf8_decode(bytes, len) != c)
			ck_abort_msg("U+%04X", c);
	}
}
END_TEST

/* A sequence of three or four bytes is valid only if it is what its code point is encoded as. */
static size_t sequence_by_decoding(const unsigned char bytes[4])
{
	const char *text = (const char *)bytes;
	size_t len = bytes[0] < 0x80   ? 1
		     : bytes[0] < 0xc0 ? 0
		     : bytes[0] < 0xe0 ? 2
		     : bytes[0] < 0xf0 ? 3
		     : bytes[0] < 0xf8 ? 4
				       : 0;
	char again[4];

	if (len == 0)
		return 0;
	uint32_t c = utf8_decode(text, len);
	if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	return utf8_encode(c, again) == len && memcmp(again, text, len) == 0 ? len : 0;
}

START_TEST(what_is_not_the_one_encoding_of_a_code_point_is_refused)
{
	/* All first and second bytes, with both sides of each border behind them. */
	static const unsigned char others[] = {0x00, 0x7f, 0x80, 0xbf, 0xc0, 0xff};

	for (unsigned i = 0; i < 65536 * 36; i++) {
		unsigned char bytes[4] = {
			(unsigned char)(i >> 8),
			(unsigned char)i,
			others[(i >> 16) % 6],
			others[(i >> 16) / 6],
		};
		if (utf8_sequence((char *)bytes, 4) != sequence_by_decoding(bytes))
			ck_abort_msg("%02x %02x %02x %02x", bytes[0], bytes[1], bytes[2], bytes[3]);
	}
}
END_TEST

START_TEST(a_sequence_that_is_cut_off_is_none)
{
	static const char *const whole[] = {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};

	ck_assert_uint_eq(utf8_sequence("", 0), 0);
	for (size_t i = 0; i < 3; i++)
		for (size_t len = 0; len < strlen(whole[i]); len++)
			ck_assert_uint_eq(utf8_sequence(whole[i], len), 0);
}
END_TEST

START_TEST(a_cut_never_parts_a_character)
{
	static const char text[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z";
	static const size_t cut[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};

	for (size_t max = 0; max < N_OF(cut); max++)
		ck_assert_uint_eq(utf8_cut(text, strlen(text), max), cut[max]);
}
END_TEST

START_TEST(bytes_that_begin_no_character_are_cut_anywhere)
{
	ck_assert_uint_eq(utf8_cut("\x80\x80\x80\x80\x80\x80", 6, 5), 5);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("utf8");
	TCase *all = tcase_create("all");

	tcase_add_test(all, every_code_point_survives_the_way_there_and_back);
	tcase_add_test(all, what_is_not_the_one_encoding_of_a_code_point_is_refused);
	tcase_add_test(all, a_sequence_that_is_cut_off_is_none);
	tcase_add_test(all, a_cut_never_parts_a_character);
	tcase_add_test(all, bytes_that_begin_no_character_are_cut_anywhere);
	tcase_set_timeout(all, 60);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}

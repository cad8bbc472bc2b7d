#include <check.h>
#include <locale.h>
#include <stdlib.h>

#include "../support/test_suite.h"
#include "ctl/cell.h"

static void assert_cell(const char *text, const char *expected)
{
	char *cell = cell_new(text);

	ck_assert_str_eq(cell, expected);
	free(cell);
}

START_TEST(text_stays_as_it_is)
{
	assert_cell("", "");
	assert_cell("Grüße, 世界 🎉", "Grüße, 世界 🎉");
}
END_TEST

START_TEST(what_ends_a_line_is_a_blank)
{
	assert_cell("a\nb\tc", "a b c");
}
END_TEST

START_TEST(what_steers_a_terminal_is_a_question_mark)
{
	assert_cell("\033[2J\r\a\177", "?[2J???");
	assert_cell("a\xc2\x9b"
		    "2Jb",
		"a??2Jb"); /* CSI as one character of C1 */
	assert_cell("\u202Etxt.exe\u2066", "???txt.exe???");
	assert_cell("\u2028\u200F\u061C", "????????");
}
END_TEST

START_TEST(what_is_not_utf8_is_a_question_mark)
{
	assert_cell("a\xff\xc3", "a??");
	assert_cell("\x9b"
		    "2J",
		"?2J");
}
END_TEST

START_TEST(width_counts_columns)
{
	ck_assert_uint_eq(cell_width(""), 0);
	ck_assert_uint_eq(cell_width("Grüße"), 5);
	ck_assert_uint_eq(cell_width("世界"), 4);
	ck_assert_uint_eq(cell_width("e\u0301"), 1);
}
END_TEST

START_TEST(a_cut_leaves_characters_whole)
{
	unsigned width;

	ck_assert_uint_eq(cell_cut("Grüße", 3, &width), 4);
	ck_assert_uint_eq(width, 3);
	ck_assert_uint_eq(cell_cut("a世界", 4, &width), 4);
	ck_assert_uint_eq(width, 3);
	ck_assert_uint_eq(cell_cut("ab", 9, &width), 2);
	ck_assert_uint_eq(width, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cell");
	TCase *all = tcase_create("all");

	setlocale(LC_CTYPE, "C.UTF-8");
	tcase_add_test(all, text_stays_as_it_is);
	tcase_add_test(all, what_ends_a_line_is_a_blank);
	tcase_add_test(all, what_steers_a_terminal_is_a_question_mark);
	tcase_add_test(all, what_is_not_utf8_is_a_question_mark);
	tcase_add_test(all, width_counts_columns);
	tcase_add_test(all, a_cut_leaves_characters_whole);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}

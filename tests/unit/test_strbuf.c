#include <check.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "../support/test_suite.h"
#include "base/strbuf.h"
#include "wiped.h"

START_TEST(an_empty_buffer_is_an_empty_text)
{
	struct strbuf b = STRBUF_INIT;

	ck_assert_str_eq(strbuf_str(&b), "");
	ck_assert_uint_eq(b.len, 0);
	strbuf_done(&b);
}
END_TEST

START_TEST(text_grows_by_every_way_of_appending)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	ck_assert_int_eq(strbuf_puts(&b, "one"), 0);
	ck_assert_int_eq(strbuf_putc(&b, ' '), 0);
	ck_assert_int_eq(strbuf_append(&b, "two three", 3), 0);
	ck_assert_int_eq(strbuf_printf(&b, " %d-%s", 3, "x"), 0);
	ck_assert_str_eq(strbuf_str(&b), "one two 3-x");
	ck_assert_uint_eq(b.len, strlen("one two 3-x"));
}
END_TEST

START_TEST(nothing_may_be_appended_from_nowhere)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	ck_assert_int_eq(strbuf_append(&b, NULL, 0), 0);
	ck_assert_int_eq(strbuf_puts(&b, ""), 0);
	ck_assert_str_eq(strbuf_str(&b), "");
}
END_TEST

START_TEST(nul_bytes_are_kept)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	strbuf_append(&b, "a\0b", 3);
	ck_assert_uint_eq(b.len, 3);
	ck_assert_mem_eq(b.data, "a\0b", 4);
}
END_TEST

START_TEST(it_ends_in_nul_at_every_length)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	for (size_t len = 1; len <= 5000; len++) {
		strbuf_putc(&b, (char)('a' + len % 26));
		ck_assert_uint_eq(b.len, len);
		ck_assert_int_eq(b.data[len], '\0');
	}
	for (size_t i = 0; i < 5000; i++)
		ck_assert_int_eq(b.data[i], (char)('a' + (i + 1) % 26));
}
END_TEST

START_TEST(the_ceiling_can_be_reached)
{
	_cleanup_strbuf_ struct strbuf b;

	strbuf_init(&b, 5);
	ck_assert_int_eq(strbuf_puts(&b, "12345"), 0);
	ck_assert_int_eq(strbuf_puts(&b, ""), 0);
	ck_assert_str_eq(strbuf_str(&b), "12345");
}
END_TEST

START_TEST(past_the_ceiling_is_an_error_and_leaves_the_text_alone)
{
	_cleanup_strbuf_ struct strbuf b;

	strbuf_init(&b, 5);
	strbuf_puts(&b, "123");
	ck_assert_int_eq(strbuf_puts(&b, "456"), -ENOBUFS);
	ck_assert_str_eq(strbuf_str(&b), "123");
	ck_assert_int_eq(strbuf_append(&b, "x", SIZE_MAX), -ENOBUFS);
	ck_assert_str_eq(strbuf_str(&b), "123");
}
END_TEST

START_TEST(a_printed_text_past_the_ceiling_is_not_there_in_part)
{
	_cleanup_strbuf_ struct strbuf b;

	strbuf_init(&b, 5);
	ck_assert_int_eq(strbuf_printf(&b, "%d", 123456), -ENOBUFS);
	ck_assert_str_eq(strbuf_str(&b), "");
}
END_TEST

START_TEST(the_first_error_sticks_until_a_reset)
{
	_cleanup_strbuf_ struct strbuf b;

	strbuf_init(&b, 5);
	strbuf_puts(&b, "123456");
	ck_assert_int_eq(b.error, -ENOBUFS);
	ck_assert_int_eq(strbuf_puts(&b, "1"), -ENOBUFS);
	ck_assert_int_eq(strbuf_putc(&b, '1'), -ENOBUFS);
	ck_assert_int_eq(strbuf_printf(&b, "1"), -ENOBUFS);
	ck_assert_uint_eq(b.len, 0);

	strbuf_reset(&b);
	ck_assert_int_eq(strbuf_puts(&b, "1"), 0);
	ck_assert_str_eq(strbuf_str(&b), "1");
}
END_TEST

START_TEST(a_text_that_cannot_be_printed_is_an_error_that_sticks)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	/* The C locale has no such character. */
	ck_assert_int_eq(strbuf_printf(&b, "%ls", L"\u20ac"), -EINVAL);
	ck_assert_int_eq(strbuf_puts(&b, "1"), -EINVAL);
	ck_assert_ptr_null(strbuf_take(&b));
}
END_TEST

START_TEST(a_reset_keeps_the_memory)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	strbuf_puts(&b, "text");
	const char *data = b.data;
	strbuf_reset(&b);
	ck_assert_str_eq(strbuf_str(&b), "");
	strbuf_puts(&b, "more");
	ck_assert_ptr_eq(b.data, data);
}
END_TEST

START_TEST(a_text_is_cut_but_never_made_longer)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	strbuf_truncate(&b, 0);
	strbuf_puts(&b, "abcdef");
	strbuf_truncate(&b, 9);
	ck_assert_str_eq(strbuf_str(&b), "abcdef");
	strbuf_truncate(&b, 2);
	ck_assert_str_eq(strbuf_str(&b), "ab");
	strbuf_putc(&b, 'z');
	ck_assert_str_eq(strbuf_str(&b), "abz");
}
END_TEST

START_TEST(line_ends_are_cut_off_the_end_and_nothing_else)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	strbuf_cut_line_ends(&b);
	ck_assert_uint_eq(b.len, 0);
	strbuf_puts(&b, "\ra\nb \r\n\n\r");
	strbuf_cut_line_ends(&b);
	ck_assert_str_eq(strbuf_str(&b), "\ra\nb ");
	strbuf_putc(&b, '\0');
	strbuf_putc(&b, '\n');
	strbuf_cut_line_ends(&b);
	ck_assert_uint_eq(b.len, strlen("\ra\nb ") + 1);
}
END_TEST

START_TEST(what_is_taken_is_the_callers_and_leaves_an_empty_buffer)
{
	struct strbuf b;

	strbuf_init(&b, 9);
	strbuf_puts(&b, "text");
	char *text = strbuf_take(&b);
	ck_assert_str_eq(text, "text");
	free(text);

	ck_assert_ptr_null(b.data);
	ck_assert_int_eq(strbuf_puts(&b, "0123456789"), -ENOBUFS);
	strbuf_done(&b);
}
END_TEST

START_TEST(an_empty_buffer_is_taken_as_an_empty_text)
{
	struct strbuf b = STRBUF_INIT;
	char *text = strbuf_take(&b);

	ck_assert_str_eq(text, "");
	free(text);
}
END_TEST

START_TEST(after_an_error_nothing_is_taken)
{
	_cleanup_strbuf_ struct strbuf b;

	strbuf_init(&b, 5);
	strbuf_puts(&b, "1");
	strbuf_puts(&b, "23456");
	ck_assert_ptr_null(strbuf_take(&b));
	ck_assert_str_eq(strbuf_str(&b), "1");
}
END_TEST

START_TEST(it_may_be_done_twice_and_used_again)
{
	struct strbuf b;

	strbuf_init(&b, 5);
	strbuf_puts(&b, "1");
	strbuf_done(&b);
	strbuf_done(&b);
	strbuf_wipe(&b);
	ck_assert_str_eq(strbuf_str(&b), "");
	ck_assert_int_eq(strbuf_puts(&b, "123456"), -ENOBUFS);
	strbuf_done(&b);
}
END_TEST

START_TEST(a_wipe_reaches_what_was_cut_off)
{
	struct strbuf b = STRBUF_INIT;

	strbuf_puts(&b, "of " SECRET);
	strbuf_truncate(&b, strlen("of"));
	strbuf_wipe(&b);
	ck_assert_uint_eq(n_wiped, 1);
}
END_TEST

START_TEST(what_it_grows_out_of_is_wiped_with_what_was_cut_off)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	strbuf_puts(&b, "of " SECRET);
	strbuf_reset(&b);
	ck_assert_int_eq(strbuf_printf(&b, "%100s", ""), 0);
	ck_assert_uint_eq(n_wiped, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("strbuf");
	TCase *all = tcase_create("all");

	tcase_add_test(all, an_empty_buffer_is_an_empty_text);
	tcase_add_test(all, text_grows_by_every_way_of_appending);
	tcase_add_test(all, nothing_may_be_appended_from_nowhere);
	tcase_add_test(all, nul_bytes_are_kept);
	tcase_add_test(all, it_ends_in_nul_at_every_length);
	tcase_add_test(all, the_ceiling_can_be_reached);
	tcase_add_test(all, past_the_ceiling_is_an_error_and_leaves_the_text_alone);
	tcase_add_test(all, a_printed_text_past_the_ceiling_is_not_there_in_part);
	tcase_add_test(all, the_first_error_sticks_until_a_reset);
	tcase_add_test(all, a_text_that_cannot_be_printed_is_an_error_that_sticks);
	tcase_add_test(all, a_reset_keeps_the_memory);
	tcase_add_test(all, a_text_is_cut_but_never_made_longer);
	tcase_add_test(all, line_ends_are_cut_off_the_end_and_nothing_else);
	tcase_add_test(all, what_is_taken_is_the_callers_and_leaves_an_empty_buffer);
	tcase_add_test(all, an_empty_buffer_is_taken_as_an_empty_text);
	tcase_add_test(all, after_an_error_nothing_is_taken);
	tcase_add_test(all, it_may_be_done_twice_and_used_again);
	tcase_add_test(all, a_wipe_reaches_what_was_cut_off);
	tcase_add_test(all, what_it_grows_out_of_is_wiped_with_what_was_cut_off);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}

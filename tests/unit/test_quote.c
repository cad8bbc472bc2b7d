#include <check.h>

#include "../support/test_suite.h"
#include "base/quote.h"

static const struct {
	const char *text;
	const char *quoted; /* in ten bytes */
} TEXTS[] = {
	{"", ""},
	{"as it is", "as it ..."},
	{"a b~", "a b~"},
	{"123456", "123456"},
	{"1234567", "123456..."},
	{"a\nb\x7f", "a?b?"},
	{"\xc3\xa9\x1b[", "???["},
};

START_TEST(text_becomes_printable_and_no_longer_than_there_is_room)
{
	char quoted[10];

	quote_text(TEXTS[_i].text, quoted, sizeof quoted);
	ck_assert_str_eq(quoted, TEXTS[_i].quoted);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("quote");
	TCase *all = tcase_create("all");

	tcase_add_loop_test(
		all, text_becomes_printable_and_no_longer_than_there_is_room, 0, N_OF(TEXTS));
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}

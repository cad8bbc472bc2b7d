#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../support/test_suite.h"
#include "base/words.h"

#define WORDS_MAX 8

static const struct {
	const char *line;
	const char *words[WORDS_MAX];
} LINES[] = {
	{"", {NULL}},
	{" \t\r\n", {NULL}},
	{"a", {"a"}},
	{"a b c", {"a", "b", "c"}},
	{"  /usr/bin/keys\t--for  worker\n--now\r\n",
		{"/usr/bin/keys", "--for", "worker", "--now"}},
	{"''", {""}},
	{"a '' \"\" b", {"a", "", "", "b"}},
	{"'a b' \"c d\"", {"a b", "c d"}},
	{"a'b c'd\"e f\"g", {"ab cde fg"}},
	{"'a\"b' \"a'b\"", {"a\"b", "a'b"}},
	{"a\\ b \\'c \\\"d \\\\ \\n", {"a b", "'c", "\"d", "\\", "n"}},
	{"'a\\' 'b\\n'", {"a\\", "b\\n"}},
	{"\"\\$ \\` \\\" \\\\ \\n \\'\"", {"$ ` \" \\ \\n \\'"}},
	{"a\\\nb \"c\\\nd\" 'e\\\nf'", {"ab", "cd", "e\\\nf"}},
	{"a \\\n  b\\\n \\\nc", {"a", "b", "c"}},
	{"\\\n", {NULL}},
	{"$HOME *.sh ~ a;b|c>d&& # no comment",
		{"$HOME", "*.sh", "~", "a;b|c>d&&", "#", "no", "comment"}},
	{"k\xc3\xa9ys", {"k\xc3\xa9ys"}},
};

START_TEST(a_line_is_split_as_a_shell_does)
{
	char **words = NULL;
	const char *reason = NULL;
	size_t n = 0;

	ck_assert_int_eq(words_split(LINES[_i].line, &words, &reason), 0);
	for (; words[n]; n++) {
		ck_assert_ptr_nonnull(LINES[_i].words[n]);
		ck_assert_str_eq(words[n], LINES[_i].words[n]);
	}
	ck_assert_ptr_null(LINES[_i].words[n]);
	ck_assert_ptr_null(reason);
	free(words);
}
END_TEST

static const struct {
	const char *line;
	const char *reason;
} FAULTS[] = {
	{"'", "a quote in it is not closed"},
	{"a 'b\\", "a quote in it is not closed"},
	{"\"a", "a quote in it is not closed"},
	{"\"a\\\"", "a quote in it is not closed"},
	{"\"a\\", "a quote in it is not closed"},
	{"a \\", "nothing follows its last backslash"},
	{"\\", "nothing follows its last backslash"},
};

START_TEST(what_is_not_ended_is_an_error_and_leaves_ret_alone)
{
	char *none = NULL, **words = &none;
	const char *reason = NULL;

	ck_assert_int_eq(words_split(FAULTS[_i].line, &words, &reason), -EINVAL);
	ck_assert_str_eq(reason, FAULTS[_i].reason);
	ck_assert_ptr_eq(words, &none);
}
END_TEST

/* As many words as there can be, in a line that is not longer than it says. */
START_TEST(a_line_of_many_words_has_room_for_all)
{
	enum {
		N = 10000
	};
	char *line = malloc(2 * N), **words = NULL;
	const char *reason = NULL;
	size_t n = 0;

	for (size_t i = 0; i < N; i++)
		memcpy(line + 2 * i, "x ", 2);
	line[2 * N - 1] = '\0';
	ck_assert_int_eq(words_split(line, &words, &reason), 0);
	free(line);
	for (; words[n]; n++)
		ck_assert_str_eq(words[n], "x");
	ck_assert_uint_eq(n, N);
	free(words);
}
END_TEST

static const struct {
	const char *word;
	size_t len;
} KEYS[] = {
	{"A=", 1},
	{"a_1=b", 3},
	{"_=x", 1},
	{"KEY=a=b", 3},
	{"", 0},
	{"=x", 0},
	{"KEY", 0},
	{"0A=x", 0},
	{"9A=x", 0},
	{"A B=x", 0},
	{"A-B=x", 0},
	{"k\xc3\xa9y=x", 0},
};

START_TEST(a_variables_name_is_what_a_program_could_use)
{
	ck_assert_uint_eq(words_key_len(KEYS[_i].word), KEYS[_i].len);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("words");
	TCase *all = tcase_create("all");

	tcase_add_loop_test(all, a_line_is_split_as_a_shell_does, 0, N_OF(LINES));
	tcase_add_loop_test(
		all, what_is_not_ended_is_an_error_and_leaves_ret_alone, 0, N_OF(FAULTS));
	tcase_add_test(all, a_line_of_many_words_has_room_for_all);
	tcase_add_loop_test(all, a_variables_name_is_what_a_program_could_use, 0, N_OF(KEYS));
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}

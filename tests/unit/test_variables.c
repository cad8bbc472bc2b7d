#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/test_folder.h"
#include "../support/test_suite.h"
#include "handler/variables.h"

static struct variables variables;
static const char file[] = "it";

static void setup(void)
{
	test_folder_enter();
}

static void teardown(void)
{
	variables_done(&variables);
	test_folder_leave();
}

/* All words, in brackets. */
static const char *words(void)
{
	static char text[1024];
	int len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < variables.n_words; i++)
		len += snprintf(text + len, sizeof text - (size_t)len, "[%s]", variables.words[i]);
	ck_assert(variables.n_words == 0 || !variables.words[variables.n_words]);
	return text;
}

START_TEST(a_later_value_wins_in_the_place_of_the_first)
{
	ck_assert_int_eq(variables_set(&variables, "A", "1"), 0);
	ck_assert_int_eq(variables_set(&variables, "AB", "2"), 0);
	ck_assert_int_eq(variables_put(&variables, "A=3=4"), 0);
	ck_assert_int_eq(variables_set(&variables, "AB", ""), 0);
	ck_assert_str_eq(words(), "[A=3=4][AB=]");
}
END_TEST

START_TEST(words_are_split_as_a_program_s)
{
	char error[VARIABLES_ERROR_MAX] = "";

	ck_assert_int_eq(
		variables_put_words(&variables, " A=1  B='x y' C=\"a=b\"  _2= ", error), 0);
	ck_assert_str_eq(words(), "[A=1][B=x y][C=a=b][_2=]");
}
END_TEST

static const struct {
	const char *line;
	const char *error;
} WRONG_WORDS[] = {
	{"A=1 secret", "word 2 is not KEY=VALUE (a value with blanks goes in quotes: KEY=\"…\")"},
	{"=secret", "word 1 is not KEY=VALUE (a value with blanks goes in quotes: KEY=\"…\")"},
	{"A-B=secret", "word 1 is not KEY=VALUE (a value with blanks goes in quotes: KEY=\"…\")"},
	{"1A=secret", "word 1 is not KEY=VALUE (a value with blanks goes in quotes: KEY=\"…\")"},
	{"A='secret", "a quote in it is not closed"},
};

START_TEST(what_is_no_word_is_told_without_its_value)
{
	char error[VARIABLES_ERROR_MAX] = "";

	ck_assert_int_eq(variables_put_words(&variables, WRONG_WORDS[_i].line, error), -EINVAL);
	ck_assert_str_eq(error, WRONG_WORDS[_i].error);
}
END_TEST

static const struct {
	const char *text;
	const char *words;
} FILES[] = {
	{"", ""},
	{"A=1", "[A=1]"},
	{"# no\n; no\n\n \t\nA=1\n  B=2\r\n", "[A=1][B=2]"},
	{"A= x  y \t\nB=a#b;c\nC=\n", "[A=x  y][B=a#b;c][C=]"},
	{"A=\"x \\\"y\\\" \\\\ \\$ \\` \\n\" \nB='a \"b\" \\ c'\n",
		"[A=x \"y\" \\ $ ` \\n][B=a \"b\" \\ c]"},
	{"A=it's\nB=c:\\dir\nC=a=\"b\"\n", "[A=it's][B=c:\\dir][C=a=\"b\"]"},
	{"A=1\nA=2\n", "[A=2]"},
};

START_TEST(a_file_is_read_as_systemd_reads_it)
{
	char error[VARIABLES_ERROR_MAX] = "";

	test_write(file, FILES[_i].text);
	ck_assert_msg(variables_read(&variables, file, error) == 0, "%s", error);
	ck_assert_str_eq(words(), FILES[_i].words);
}
END_TEST

#define NO_LINE                                                                                    \
	"a line is KEY=VALUE, with letters, digits and _ in the key and no blank before the ="

static const struct {
	const char *text;
	const char *error; /* behind the path */
} WRONG_FILES[] = {
	{"A=1\n\nsecret\n", ":3: " NO_LINE},
	{"A =secret\n", ":1: " NO_LINE},
	{"=secret", ":1: " NO_LINE},
	{"export A=secret\n",
		":1: a line is KEY=VALUE, without \"export\": no shell reads this file"},
	{"A=1\nB=\"secret\nC=\"\n",
		":2: the quote that begins the value is not closed on its line"},
	{"B='secret' more\n", ":1: something follows the value's closing quote"},
	{"B=\"secret\\\"\n", ":1: the quote that begins the value is not closed on its line"},
};

static void assert_refused(int expected, const char *error)
{
	char said[VARIABLES_ERROR_MAX] = "", whole[VARIABLES_ERROR_MAX];

	ck_assert_int_eq(variables_read(&variables, file, said), expected);
	snprintf(whole, sizeof whole, "%s%s", file, error);
	ck_assert_str_eq(said, whole);
}

START_TEST(a_line_that_is_none_is_told_by_number_and_without_its_value)
{
	test_write(file, WRONG_FILES[_i].text);
	assert_refused(-EINVAL, WRONG_FILES[_i].error);
}
END_TEST

START_TEST(a_file_with_a_nul_is_refused)
{
	test_write_bytes(file, "A=1\0B=2\n", 8);
	assert_refused(-EINVAL, ": a NUL byte is in it");
}
END_TEST

START_TEST(a_file_that_is_too_large_or_not_there_is_refused)
{
	char *large = malloc((256u << 10) + 1);

	ck_assert_ptr_nonnull(large);
	memset(large, '#', (256u << 10) + 1);
	test_write_bytes(file, large, 256u << 10);
	char error[VARIABLES_ERROR_MAX] = "";
	ck_assert_int_eq(variables_read(&variables, file, error), 0);
	test_write_bytes(file, large, (256u << 10) + 1);
	assert_refused(-EINVAL, ": it has more than 256K");
	free(large);
	unlink(file);
	assert_refused(-ENOENT, ": No such file or directory");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("variables");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, a_later_value_wins_in_the_place_of_the_first);
	tcase_add_test(all, words_are_split_as_a_program_s);
	tcase_add_loop_test(all, what_is_no_word_is_told_without_its_value, 0, N_OF(WRONG_WORDS));
	tcase_add_loop_test(all, a_file_is_read_as_systemd_reads_it, 0, N_OF(FILES));
	tcase_add_loop_test(all, a_line_that_is_none_is_told_by_number_and_without_its_value, 0,
		N_OF(WRONG_FILES));
	tcase_add_test(all, a_file_with_a_nul_is_refused);
	tcase_add_test(all, a_file_that_is_too_large_or_not_there_is_refused);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}

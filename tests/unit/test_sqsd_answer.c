#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../support/test_suite.h"
#include "handler/sqsd_answer.h"

/* ---- The first line ---- */

static const struct {
	const char *type;
	const char *body;
	const char *line;
} bodies[] = {
	{"text/plain", "no such picture", "no such picture"},
	{"text/plain", "\r\n\t first\r\nsecond", "first"},
	{"text/plain", "first\nsecond", "first"},
	{NULL, "no such picture\n", "no such picture"},
	{"application/json", "{\"error\":\"grün\"}", "{\"error\":\"grün\"}"},
	{"text/plain", "a\tb", "a\tb"},
	{"text/html; charset=utf-8", "<html>oops", ""},
	{"TEXT/HTML", "oops", ""},
	{"application/xhtml+xml", "oops", ""},
	{"text/plain", "", ""},
	{"text/plain", " \n ", ""},
	{"text/plain", "a\x1b[31mb", ""},
	{"text/plain", "a\xff", ""},
	{"text/plain", "\x89PNG\r\n", ""},
	{"text/plain", "a\xc2\x9f", ""},
	{"text/plain", "good\n\x1b", "good"},
};

START_TEST(the_first_line_of_a_text_is_taken)
{
	size_t len = strlen(bodies[_i].body);
	char *exact = strdup(bodies[_i].body), line[SQSD_ANSWER_LINE_MAX + 1];

	sqsd_answer_line(bodies[_i].type, exact, len, line);
	ck_assert_str_eq(line, bodies[_i].line);
	free(exact);
}
END_TEST

START_TEST(a_long_line_is_cut_between_characters)
{
	char body[1001] = "", line[SQSD_ANSWER_LINE_MAX + 1];

	/* The character in the middle of which it would have to be cut is left out whole. */
	body[0] = 'x';
	for (size_t i = 1; i + 2 < sizeof body; i += 2)
		memcpy(body + i, "é", 2);
	sqsd_answer_line("text/plain", body, strlen(body), line);
	ck_assert_uint_eq(strlen(line), SQSD_ANSWER_LINE_MAX - 1);
	ck_assert_int_eq(strncmp(line, body, strlen(line)), 0);

	memset(body, 'x', sizeof body - 1);
	sqsd_answer_line("text/plain", body, sizeof body - 1, line);
	ck_assert_uint_eq(strlen(line), SQSD_ANSWER_LINE_MAX);

	/* What is cut off by others, behind that, does not matter. */
	body[999] = '\xc3';
	sqsd_answer_line("text/plain", body, sizeof body - 1, line);
	ck_assert_uint_eq(strlen(line), SQSD_ANSWER_LINE_MAX);
}
END_TEST

START_TEST(a_body_that_holds_a_nul_is_no_text)
{
	char line[SQSD_ANSWER_LINE_MAX + 1];

	sqsd_answer_line("text/plain", "a\0b", 3, line);
	ck_assert_str_eq(line, "");
	sqsd_answer_line("text/plain", " \0b", 3, line);
	ck_assert_str_eq(line, "");
}
END_TEST

/* ---- Retry-After ---- */

/* 2026-01-02 03:04:05, and a bit. */
static usec_t show(void)
{
	return 1767323045 * USEC_PER_SEC + 250 * USEC_PER_MSEC;
}

static const struct {
	const char *value;
	usec_t pause;
} pauses[] = {
	{NULL, 0},
	{"", 0},
	{"120", 120 * USEC_PER_SEC},
	{"1", USEC_PER_SEC},
	{"0", USEC_PER_SEC},
	{"43200", 12 * USEC_PER_HOUR},
	{"43201", 12 * USEC_PER_HOUR},
	{"99999999999999999999999999", 12 * USEC_PER_HOUR},
	{"-5", 0},
	{"1.5", 0},
	{"12 s", 0},
	{"soon", 0},
	{"Fri, 02 Jan 2026 03:05:05 GMT", 59750 * USEC_PER_MSEC},
	{"Fri, 02 Jan 2026 03:04:06 GMT", USEC_PER_SEC},
	{"Fri, 02 Jan 2026 03:04:05 GMT", USEC_PER_SEC},
	{"Fri, 02 Jan 2026 02:00:00 GMT", USEC_PER_SEC},
	{"Sat, 03 Jan 2026 03:04:05 GMT", 12 * USEC_PER_HOUR},
	{"Thu, 01 Jan 1960 00:00:00 GMT", 0},
	{"Fri, 02 Jan 2026 03:05:05 CET", 0},
	{"Fri, 02 Jan 2026 03:05:05 GMT, or so", 0},
};

START_TEST(retry_after_is_a_number_of_seconds_or_a_date)
{
	clock_replace(show);
	ck_assert_uint_eq(sqsd_answer_retry_after(pauses[_i].value), pauses[_i].pause);
	clock_replace(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sqsd_answer");
	TCase *c = tcase_create("answers");

	tcase_add_loop_test(c, the_first_line_of_a_text_is_taken, 0, N_OF(bodies));
	tcase_add_test(c, a_long_line_is_cut_between_characters);
	tcase_add_test(c, a_body_that_holds_a_nul_is_no_text);
	tcase_add_loop_test(c, retry_after_is_a_number_of_seconds_or_a_date, 0, N_OF(pauses));
	suite_add_tcase(suite, c);
	return test_suite_run(suite);
}

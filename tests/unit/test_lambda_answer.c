#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "../support/test_suite.h"
#include "base/cleanup.h"
#include "handler/lambda_answer.h"

#define ID         "059f36b4-87a3"
#define ANSWER_MAX ((size_t)6 << 20)

static char text[LAMBDA_TEXT_MAX];

static void setup(void)
{
	memset(text, '#', sizeof text);
}

/* A body ends nowhere but where its length says: it stands at the end of what it may read. */
static bool good(const char *body, size_t len)
{
	char *copy = malloc(len > 0 ? len : 1);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, body, len);
	bool is_good = lambda_answer_is_good(copy, len, ID, text);
	free(copy);
	return is_good;
}

static const char *error_of(const char *body, const char *header_type)
{
	lambda_answer_read_error(body, strlen(body), header_type, text);
	return text;
}

static const char *const GOOD[] = {
	"",
	"null",
	"{}",
	"\"text\"",
	"[1, 2]",
	"no JSON at all {",
	"{\"statusCode\":200}",
	"{\"batchItemFailures\":[]}",
	"{\"batchItemFailures\":null}",
	"\"batchItemFailures\"",
	"[{\"batchItemFailures\":[{\"itemIdentifier\":\"" ID "\"}]}]",
	"{\"inner\":{\"batchItemFailures\":[{\"itemIdentifier\":\"" ID "\"}]}}",
	/* Numbers that no machine word holds are JSON all the same. */
	"{\"batchItemFailures\":[],\"n\":123456789012345678901234567890}",
	"{\"batchItemFailures\":[],\"s\":\"\\u0000\"}",
};

START_TEST(all_that_names_no_failure_is_success)
{
	ck_assert_msg(good(GOOD[_i], strlen(GOOD[_i])), "%s: %s", GOOD[_i], text);
	ck_assert_int_eq(text[0], '#');
}
END_TEST

#define NAMES   "the handler's answer names the message in batchItemFailures"
#define OTHER   "the handler's answer names in batchItemFailures a message that it was not given"
#define WITHOUT "the handler's answer has batchItemFailures without an itemIdentifier"
#define NO_LIST "the handler's answer has batchItemFailures that are no list"
#define NO_JSON "the handler's answer is not JSON"

static const struct {
	const char *body;
	const char *text;
} BAD[] = {
	{"{\"batchItemFailures\":[{\"itemIdentifier\":\"" ID "\"}]}", NAMES},
	{" {\"a\":1, \"batchItemFailures\" : [ {\"x\":0,\"itemIdentifier\":\"" ID "\"} ] } ",
		NAMES},
	{"{\"batchItemFailures\":[{\"itemIdentifier\":\"other\"}]}", OTHER},
	{"{\"batchItemFailures\":[{\"itemIdentifier\":\"" ID "x\"}]}", OTHER},
	{"{\"batchItemFailures\":[{\"itemIdentifier\":\"159f36b4-87a3\"}]}", OTHER},
	{"{\"batchItemFailures\":[{\"itemIdentifier\":\"" ID "\\u0000x\"}]}", OTHER},
	{"{\"batchItemFailures\":[{\"itemIdentifier\":\"other\"},{\"itemIdentifier\":\"" ID "\"}]}",
		NAMES},
	{"{\"batchItemFailures\":[{\"itemIdentifier\":\"\"}]}", WITHOUT},
	{"{\"batchItemFailures\":[{\"itemIdentifier\":null}]}", WITHOUT},
	{"{\"batchItemFailures\":[{\"itemIdentifier\":7}]}", WITHOUT},
	{"{\"batchItemFailures\":[{\"foo\":\"notvalid\"}]}", WITHOUT},
	{"{\"batchItemFailures\":[{\"itemidentifier\":\"" ID "\"}]}", WITHOUT},
	{"{\"batchItemFailures\":[{}]}", WITHOUT},
	{"{\"batchItemFailures\":[\"" ID "\"]}", WITHOUT},
	{"{\"batchItemFailures\":[null]}", WITHOUT},
	{"{\"batchItemFailures\":{}}", NO_LIST},
	{"{\"batchItemFailures\":\"" ID "\"}", NO_LIST},
	{"{\"batchItemFailures\":false}", NO_LIST},
	{"{\"batchItemFailures\":[", NO_JSON},
	{"{\"batchItemFailures\":[]} x", NO_JSON},
};

START_TEST(what_names_the_message_or_is_not_as_lambda_takes_it_is_failure)
{
	ck_assert_msg(!good(BAD[_i].body, strlen(BAD[_i].body)), "%s", BAD[_i].body);
	ck_assert_str_eq(text, BAD[_i].text);
}
END_TEST

START_TEST(what_lies_deep_does_not_take_the_stack_along)
{
	const size_t depth = 5u << 20;
	const char member[] = "\"batchItemFailures\"";
	char *body = malloc(depth + sizeof member);

	ck_assert_ptr_nonnull(body);
	memset(body, '[', depth);
	memcpy(body + depth, member, sizeof member);
	ck_assert(!good(body, depth + strlen(member)));
	ck_assert_str_eq(text, NO_JSON);
	free(body);
}
END_TEST

static const struct {
	const char *body;
	const char *header_type;
	const char *text;
} ERRORS[] = {
	{"{\"errorType\":\"TypeError\",\"errorMessage\":\"as asked\",\"stackTrace\":[\"at x\"]}",
		NULL, "TypeError: as asked"},
	{"{\"errorType\":\"TypeError\",\"errorMessage\":\"as asked\",\"trace\":[\"at x\"]}",
		"Other", "TypeError: as asked"},
	{"{\"errorType\":\"Error\",\"errorMessage\":\"bare\"}", NULL, "bare"},
	{"{\"errorType\":\"Error\",\"errorMessage\":\"\"}", NULL, "Error"},
	{"{\"errorType\":\"TypeError\",\"errorMessage\":\"\"}", NULL, "TypeError"},
	{"{\"errorMessage\":\"alone\"}", "Function.Odd", "Function.Odd: alone"},
	{"{\"errorMessage\":\"alone\"}", "", "alone"},
	{"{\"errorMessage\":\"alone\"}", NULL, "alone"},
	{"{\"errorType\":\"\",\"errorMessage\":\"alone\"}", "Function.Odd", "Function.Odd: alone"},
	{"{\"errorType\":7,\"errorMessage\":[]}", "Function.Odd", "Function.Odd"},
	{"{\"errorType\":\"A\",\"errorMessage\":\"x\",\"n\":123456789012345678901234567890}", NULL,
		"A: x"},
	{"", "Function.Odd", "Function.Odd"},
	{"", NULL, "Error"},
	{"not JSON", NULL, "Error"},
	{"[]", NULL, "Error"},
	{"null", "Function.Odd", "Function.Odd"},
};

START_TEST(an_error_says_its_type_and_its_message)
{
	ck_assert_str_eq(error_of(ERRORS[_i].body, ERRORS[_i].header_type), ERRORS[_i].text);
}
END_TEST

START_TEST(an_endless_message_is_cut)
{
	char body[3 * LAMBDA_TEXT_MAX];
	int n = snprintf(body, sizeof body, "{\"errorType\":\"T\",\"errorMessage\":\"%0*d\"}",
		2 * LAMBDA_TEXT_MAX, 0);

	ck_assert_int_lt(n, (int)sizeof body);
	ck_assert_uint_eq(strlen(error_of(body, NULL)), LAMBDA_TEXT_MAX - 1);
	ck_assert_int_eq(strncmp(text, "T: 0000", 7), 0);
}
END_TEST

/* ThreadSanitizer's own, of all that is read. */
#ifdef __SANITIZE_THREAD__
#define NOTES ((size_t)128 << 20)
#else
#define NOTES 0
#endif

static size_t peak_bytes(void)
{
	struct rusage usage;

	ck_assert_int_eq(getrusage(RUSAGE_SELF, &usage), 0);
	return (size_t)usage.ru_maxrss * 1024;
}

/* head, then as much of piece as makes the largest answer, then tail. */
static char *repeat(const char *head, const char *piece, const char *tail)
{
	size_t len = strlen(piece), room = ANSWER_MAX - strlen(head) - strlen(tail);
	char *body = malloc(ANSWER_MAX + 1);

	ck_assert_ptr_nonnull(body);
	char *at = stpcpy(body, head);
	for (size_t n = room / len; n > 0; n--)
		at = mempcpy(at, piece, len);
	memcpy(at, tail, strlen(tail) + 1);
	return body;
}

START_TEST(a_large_answer_takes_no_more_memory_than_it_is_long)
{
	_cleanup_free_ char *failures = repeat("{\"batchItemFailures\":[{}", ",{}", "]}");
	_cleanup_free_ char *beside = repeat("{\"batchItemFailures\":[],\"a\":[[]", ",[]", "]}");
	_cleanup_free_ char *error = repeat("{\"errorType\":\"T\",\"a\":[{}", ",{}", "]}");
	size_t before = peak_bytes();

	ck_assert(!lambda_answer_is_good(failures, strlen(failures), ID, text));
	ck_assert_str_eq(text, WITHOUT);
	ck_assert(lambda_answer_is_good(beside, strlen(beside), ID, text));
	ck_assert_str_eq(error_of(error, NULL), "T");
	ck_assert_uint_lt(peak_bytes() - before, 2 * ANSWER_MAX + NOTES);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lambda_answer");
	TCase *tcase = tcase_create("lambda_answer");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_loop_test(tcase, all_that_names_no_failure_is_success, 0, N_OF(GOOD));
	tcase_add_loop_test(tcase, what_names_the_message_or_is_not_as_lambda_takes_it_is_failure,
		0, N_OF(BAD));
	tcase_add_test(tcase, what_lies_deep_does_not_take_the_stack_along);
	tcase_add_loop_test(tcase, an_error_says_its_type_and_its_message, 0, N_OF(ERRORS));
	tcase_add_test(tcase, an_endless_message_is_cut);
	tcase_add_test(tcase, a_large_answer_takes_no_more_memory_than_it_is_long);
	suite_add_tcase(suite, tcase);
	return test_suite_run(suite);
}

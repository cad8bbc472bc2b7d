#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/test_suite.h"
#include "aws/leak.h"

static const char SECRET[] = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/* What is meant, at whatever cost. */
static bool repeats(const char *said, const char *secret, size_t window_len)
{
	for (; strlen(secret) >= window_len; secret++)
		if (memmem(said, strlen(said), secret, window_len))
			return true;
	return false;
}

START_TEST(twelve_bytes_of_a_secret_are_found_wherever_they_stand_and_eleven_are_not)
{
	char said[64];

	for (size_t i = 0; i + 12 <= strlen(SECRET); i++) {
		snprintf(said, sizeof said, "%.12s", SECRET + i);
		ck_assert(leak_repeats(said, SECRET));
		snprintf(said, sizeof said, "not <%.12s>", SECRET + i);
		ck_assert(leak_repeats(said, SECRET));
		snprintf(said, sizeof said, "not <%.11s>", SECRET + i);
		ck_assert(!leak_repeats(said, SECRET));
	}
}
END_TEST

START_TEST(sixteen_bytes_of_a_request_are_found_and_fifteen_are_not)
{
	ck_assert(leak_repeats_request("refused: {\"ReceiptHandle\"", "{\"ReceiptHandle\":1}"));
	ck_assert(leak_repeats_request("refused: \"ReceiptHandle\":", "{\"ReceiptHandle\":1}"));
	ck_assert(!leak_repeats_request("refused: {\"ReceiptHandle", "{\"ReceiptHandle\":1}"));
}
END_TEST

START_TEST(no_secret_and_a_short_one_are_in_no_text)
{
	ck_assert(!leak_repeats("anything at all", NULL));
	ck_assert(!leak_repeats("anything at all", ""));
	ck_assert(!leak_repeats("anything at all", "anything"));
	ck_assert(!leak_repeats("", SECRET));
}
END_TEST

/* Of two letters, so that whatever is found and whatever is not is nearly the other. */
START_TEST(of_any_two_texts_it_says_what_looking_at_all_windows_would)
{
	char said[65], sent[129];
	unsigned n_repeats = 0;

	srand(1);
	for (int round = 0; round < 2000; round++) {
		size_t said_len = (size_t)rand() % sizeof said;
		size_t sent_len = (size_t)rand() % sizeof sent;
		for (size_t i = 0; i < said_len; i++)
			said[i] = "ab"[rand() & 1];
		for (size_t i = 0; i < sent_len; i++)
			sent[i] = "ab"[rand() & 1];
		said[said_len] = sent[sent_len] = '\0';
		bool expected = repeats(said, sent, 12);
		n_repeats += expected;
		ck_assert_int_eq(leak_repeats(said, sent), expected);
		ck_assert_int_eq(leak_repeats_request(said, sent), repeats(said, sent, 16));
	}
	ck_assert_uint_gt(n_repeats, 100);
	ck_assert_uint_lt(n_repeats, 1900);
}
END_TEST

START_TEST(only_as_much_is_looked_at_as_anybody_quotes)
{
	char said[LEAK_SAID_MAX + sizeof SECRET];

	memset(said, '.', sizeof said);
	memcpy(said + LEAK_SAID_MAX - 12, SECRET, sizeof SECRET);
	ck_assert(leak_repeats(said, SECRET));
	memset(said, '.', sizeof said);
	memcpy(said + LEAK_SAID_MAX - 11, SECRET, sizeof SECRET);
	ck_assert(!leak_repeats(said, SECRET));
}
END_TEST

START_TEST(what_looks_like_a_signed_request_or_a_handle_is_found_whoever_signed)
{
	static const char *const said[] = {"no: Signature=ab", "no: Authorization: AWS4",
		"no: X-Amz-Security-Token: ab", "no: ReceiptHandle ab"};
	const struct credentials signed_by = {.secret_access_key = SECRET};

	for (size_t i = 0; i < N_OF(said); i++)
		ck_assert_msg(leak_is_in(said[i], NULL), "%s", said[i]);
	ck_assert(!leak_is_in("no: a signature, of a token", NULL));
	ck_assert(!leak_is_in("no: a signature, of a token", &signed_by));
	ck_assert(leak_is_in("no: wJalrXUtnFEM", &signed_by));
	ck_assert(!leak_is_in("no: wJalrXUtnFEM", NULL));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("leak");
	TCase *all = tcase_create("all");

	tcase_add_test(
		all, twelve_bytes_of_a_secret_are_found_wherever_they_stand_and_eleven_are_not);
	tcase_add_test(all, sixteen_bytes_of_a_request_are_found_and_fifteen_are_not);
	tcase_add_test(all, no_secret_and_a_short_one_are_in_no_text);
	tcase_add_test(all, of_any_two_texts_it_says_what_looking_at_all_windows_would);
	tcase_add_test(all, only_as_much_is_looked_at_as_anybody_quotes);
	tcase_add_test(all, what_looks_like_a_signed_request_or_a_handle_is_found_whoever_signed);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}

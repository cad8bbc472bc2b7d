#include <check.h>
#include <string.h>

#include "../support/test_suite.h"
#include "conf/nearest.h"

START_TEST(distance_counts_the_slips_of_a_typing_hand)
{
	ck_assert_uint_eq(nearest_distance("", ""), 0);
	ck_assert_uint_eq(nearest_distance("", "abc"), 3);
	ck_assert_uint_eq(nearest_distance("abc", ""), 3);
	ck_assert_uint_eq(nearest_distance("level", "level"), 0);
	ck_assert_uint_eq(nearest_distance("levl", "level"), 1);
	ck_assert_uint_eq(nearest_distance("levell", "level"), 1);
	ck_assert_uint_eq(nearest_distance("lavel", "level"), 1);
	ck_assert_uint_eq(nearest_distance("elvel", "level"), 1);
	ck_assert_uint_eq(nearest_distance("leevl", "level"), 1);
	ck_assert_uint_eq(nearest_distance("kitten", "sitting"), 3);
	ck_assert_uint_eq(nearest_distance("ca", "abc"), 3);
}
END_TEST

START_TEST(very_long_words_are_far_from_everything)
{
	char word[NEAREST_WORD_MAX + 2];

	memset(word, 'a', sizeof word);
	word[sizeof word - 1] = '\0';
	ck_assert_uint_eq(nearest_distance(word, "a"), NEAREST_WORD_MAX);
	ck_assert_uint_eq(nearest_distance("a", word), NEAREST_WORD_MAX);
	ck_assert_uint_eq(nearest_distance(word + 1, word + 1), 0);
}
END_TEST

START_TEST(a_slip_is_a_small_part_of_the_word)
{
	ck_assert(nearest_is_slip("concurency", "concurrency"));
	ck_assert(nearest_is_slip("conccurency", "concurrency"));
	ck_assert(nearest_is_slip("ulr", "url"));
	ck_assert(nearest_is_slip("on", "no"));
	ck_assert(nearest_is_slip("lstn", "listen"));
	ck_assert(!nearest_is_slip("lst", "listen"));
	ck_assert(nearest_is_slip("cmpltd_per_second", "completed_per_second"));
	ck_assert(!nearest_is_slip("cmpltd_pr_second", "completed_per_second"));
	ck_assert(!nearest_is_slip("uri_", "url"));
	ck_assert(!nearest_is_slip("threads", "concurrency"));
	ck_assert(!nearest_is_slip("visibility_time", "visibility_timeout_max"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nearest");
	TCase *tcase = tcase_create("nearest");

	tcase_add_test(tcase, distance_counts_the_slips_of_a_typing_hand);
	tcase_add_test(tcase, very_long_words_are_far_from_everything);
	tcase_add_test(tcase, a_slip_is_a_small_part_of_the_word);
	suite_add_tcase(suite, tcase);
	return test_suite_run(suite);
}

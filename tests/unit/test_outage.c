#include "../support/test_suite.h"
#include "log_capture.h"

#include "work/outage.h"

#define V (30 * USEC_PER_SEC)

static usec_t now = USEC_PER_HOUR;

static usec_t show(void)
{
	return now;
}

static struct outage outage;
static unsigned n_told;
static char told[TROUBLE_TEXT_MAX];

static void on_told(void *userdata, const char *text)
{
	ck_assert_ptr_eq(userdata, &outage);
	snprintf(told, sizeof told, "%s", text);
	n_told++;
}

static void begin(void)
{
	clock_replace(show);
	pipe_as_stderr();
	outage_init(&outage, on_told, &outage);
	outage.visibility = V;
}

static bool may_take_over(void)
{
	return outage_take_over_at(&outage) <= now;
}

static void be_up(void)
{
	outage_connected(&outage);
	outage_success(&outage, now);
	ck_assert(outage_is_up(&outage));
}

START_TEST(it_is_away_at_first_which_is_said_to_nobody_and_tried_at_once)
{
	ck_assert(!outage_is_up(&outage));
	ck_assert_uint_eq(n_told, 0);
	ck_assert_uint_eq(outage_pause(&outage), 0);
}
END_TEST

START_TEST(a_connection_is_not_enough_but_any_answer_is)
{
	outage_connected(&outage);
	ck_assert(!outage_is_up(&outage));
	outage_heard(&outage);
	ck_assert(outage_is_up(&outage));
	ck_assert_uint_eq(n_told, 1);
	ck_assert_str_eq(told, "");
	outage_heard(&outage);
	ck_assert_uint_eq(n_told, 1);
}
END_TEST

START_TEST(a_second_without_an_answer_is_an_outage_and_said_once)
{
	be_up();
	outage_asked(&outage);
	now += USEC_PER_SEC - 1;
	outage_look(&outage);
	ck_assert(outage_is_up(&outage));
	now++;
	outage_look(&outage);
	ck_assert(!outage_is_up(&outage));
	ck_assert_uint_eq(n_told, 2);
	ck_assert_ptr_nonnull(strstr(told, "has not answered for a second"));
	outage_look(&outage);
	ck_assert_uint_eq(n_told, 2);
}
END_TEST

START_TEST(silence_is_none_while_nothing_is_asked)
{
	be_up();
	outage_asked(&outage);
	outage_answered(&outage);
	now += USEC_PER_HOUR;
	outage_look(&outage);
	ck_assert(outage_is_up(&outage));
}
END_TEST

START_TEST(pauses_grow_to_a_sixth_of_the_visibility_and_start_anew_after_an_answer)
{
	outage_away(&outage, "no road");
	ck_assert_str_eq(told, "no road");
	ck_assert_uint_gt(outage_pause(&outage), 0);
	ck_assert_uint_le(outage_pause(&outage), 100 * USEC_PER_MSEC);
	for (unsigned i = 0; i < 100; i++)
		outage_away(&outage, "no road");
	ck_assert_uint_ge(outage_pause(&outage), V / 12);
	ck_assert_uint_le(outage_pause(&outage), V / 6);
	outage_end_pause(&outage);
	ck_assert_uint_eq(outage_pause(&outage), 0);
	outage_heard(&outage);
	outage_away(&outage, "no road");
	ck_assert_uint_le(outage_pause(&outage), 100 * USEC_PER_MSEC);
}
END_TEST

START_TEST(without_an_outage_rows_may_be_taken_over_from_the_first_turn_on)
{
	be_up();
	ck_assert(may_take_over());
}
END_TEST

START_TEST(after_an_outage_the_owners_of_rows_get_time_to_touch_them)
{
	outage_away(&outage, "no road");
	be_up();
	now += V / 3 - 1;
	ck_assert(!may_take_over());
	now++;
	ck_assert(may_take_over());
}
END_TEST

START_TEST(a_third_of_the_visibility_without_a_turn_may_have_been_an_outage)
{
	be_up();
	now += V / 3;
	ck_assert(may_take_over());
	now++;
	ck_assert(!may_take_over());
	/* What has been waited for once counts as seen. */
	now += V / 3;
	ck_assert(may_take_over());
}
END_TEST

START_TEST(until_the_queue_was_asked_its_visibility_is_taken_for_thirty_seconds)
{
	outage.visibility = 0;
	ck_assert_uint_eq(outage_patience(&outage), 5 * USEC_PER_SEC);
	outage.visibility = 12 * USEC_PER_SEC;
	ck_assert_uint_eq(outage_patience(&outage), 2 * USEC_PER_SEC);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("outage");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, begin, NULL);
	tcase_add_test(all, it_is_away_at_first_which_is_said_to_nobody_and_tried_at_once);
	tcase_add_test(all, a_connection_is_not_enough_but_any_answer_is);
	tcase_add_test(all, a_second_without_an_answer_is_an_outage_and_said_once);
	tcase_add_test(all, silence_is_none_while_nothing_is_asked);
	tcase_add_test(
		all, pauses_grow_to_a_sixth_of_the_visibility_and_start_anew_after_an_answer);
	tcase_add_test(all, without_an_outage_rows_may_be_taken_over_from_the_first_turn_on);
	tcase_add_test(all, after_an_outage_the_owners_of_rows_get_time_to_touch_them);
	tcase_add_test(all, a_third_of_the_visibility_without_a_turn_may_have_been_an_outage);
	tcase_add_test(all, until_the_queue_was_asked_its_visibility_is_taken_for_thirty_seconds);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}

#include "../support/test_suite.h"
#include "log_capture.h"

#include "work/trouble.h"

static usec_t now = USEC_PER_HOUR;

static usec_t show(void)
{
	return now;
}

static struct trouble trouble;
static int log_fd;

static void begin(void)
{
	clock_replace(show);
	log_fd = pipe_as_stderr();
}

static const char *said(void)
{
	const char *text = read_all(log_fd);

	return *text ? after_time(text) : text;
}

START_TEST(the_first_time_is_said_at_once)
{
	trouble_report(&trouble, "no road");
	ck_assert_str_eq(said(), "warning no road\n");
	ck_assert_uint_eq(trouble.since, now);
}
END_TEST

START_TEST(what_repeats_is_said_once_a_minute_with_a_count)
{
	trouble_report(&trouble, "no road");
	said();
	for (unsigned i = 1; i < 60; i++) {
		now += USEC_PER_SEC;
		trouble_report(&trouble, "no road");
	}
	ck_assert_str_eq(said(), "");
	now += USEC_PER_SEC;
	trouble_report(&trouble, "no bridge");
	ck_assert_str_eq(said(), "warning no bridge (for 1min, 60 times since it was last said)\n");
	now += 90 * USEC_PER_SEC;
	trouble_report(&trouble, "no bridge");
	ck_assert_str_eq(said(), "warning no bridge (for 150s, 1 times since it was last said)\n");
}
END_TEST

START_TEST(another_text_is_said_soon_but_two_that_take_turns_are_not_said_each_time)
{
	trouble_report(&trouble, "no road");
	said();
	now += 9 * USEC_PER_SEC;
	trouble_report(&trouble, "no bridge");
	ck_assert_str_eq(said(), "");
	now += USEC_PER_SEC;
	trouble_report(&trouble, "no bridge");
	ck_assert_str_eq(said(), "warning no bridge\n");
	now += 10 * USEC_PER_SEC;
	trouble_report(&trouble, "no bridge");
	ck_assert_str_eq(said(), "");
}
END_TEST

START_TEST(its_end_is_said_with_how_long_it_was)
{
	trouble_report(&trouble, "no road");
	said();
	now += 12 * USEC_PER_SEC + 345 * USEC_PER_MSEC;
	trouble_end(&trouble, "receiving");
	ck_assert_str_eq(said(), "notice  receiving works again, after 12s\n");
	ck_assert_uint_eq(trouble.since, 0);
}
END_TEST

START_TEST(without_trouble_there_is_no_end)
{
	trouble_end(&trouble, "receiving");
	trouble_report(&trouble, "no road");
	said();
	trouble_end(&trouble, "receiving");
	said();
	trouble_end(&trouble, "receiving");
	ck_assert_str_eq(said(), "");
}
END_TEST

START_TEST(after_its_end_the_next_is_a_first_again)
{
	trouble_report(&trouble, "no road");
	trouble_report(&trouble, "no road");
	trouble_end(&trouble, "receiving");
	said();
	now += 10 * USEC_PER_SEC;
	trouble_report(&trouble, "no road");
	ck_assert_str_eq(said(), "warning no road\n");
	now += USEC_PER_MIN;
	trouble_report(&trouble, "no road");
	ck_assert_ptr_nonnull(strstr(said(), "1 times"));
}
END_TEST

START_TEST(one_that_comes_and_goes_is_said_when_it_stays)
{
	trouble_report(&trouble, "no road");
	trouble_end(&trouble, "receiving");
	said();
	for (unsigned i = 0; i < 9; i++) {
		now += USEC_PER_SEC;
		trouble_report(&trouble, "no road");
		trouble_end(&trouble, "receiving");
	}
	trouble_report(&trouble, "no road");
	ck_assert_str_eq(said(), "");
	now += USEC_PER_SEC;
	trouble_report(&trouble, "no road");
	ck_assert_str_eq(said(), "warning no road\n");
	trouble_end(&trouble, "receiving");
	ck_assert_str_eq(said(), "notice  receiving works again, after 1s\n");
}
END_TEST

static struct trouble_causes causes;
static struct trouble other = {.causes = &causes};

static void on_changed(void *userdata)
{
	++*(unsigned *)userdata;
}

START_TEST(who_shares_its_causes_hears_of_its_beginning_its_changes_and_its_end)
{
	unsigned n_changes = 0;
	struct trouble_causes shared = {.changed = on_changed, .userdata = &n_changes};
	struct trouble second = {.causes = &shared};

	trouble.causes = &shared;
	trouble_report(&trouble, "no road");
	ck_assert_uint_eq(n_changes, 1);
	trouble_report(&trouble, "no road");
	ck_assert_uint_eq(n_changes, 1);
	/* Said by the first already, and news all the same. */
	trouble_report(&second, "no road");
	ck_assert_uint_eq(n_changes, 2);
	now += 20 * USEC_PER_SEC;
	trouble_report(&trouble, "no bridge");
	ck_assert_uint_eq(n_changes, 3);
	trouble_end(&trouble, "driving");
	trouble_end(&trouble, "driving");
	ck_assert_uint_eq(n_changes, 4);
}
END_TEST

START_TEST(a_cause_that_another_has_said_is_not_said_again)
{
	trouble.causes = &causes;
	trouble_report(&trouble, "no road");
	said();
	for (unsigned i = 0; i < 5; i++) {
		trouble_report(&other, "no road");
		now += USEC_PER_MIN;
		/* Not even when it is first to meet it again. */
		trouble_report(&other, "no road");
		ck_assert_str_eq(said(), "");
		trouble_report(&trouble, "no road");
		ck_assert_ptr_nonnull(strstr(said(), "no road (for"));
	}
	trouble_end(&other, "deleting");
	ck_assert_str_eq(said(), "");
	trouble_end(&trouble, "receiving");
	ck_assert_str_eq(said(), "notice  receiving works again, after 5min\n");
}
END_TEST

START_TEST(a_cause_of_its_own_is_said_beside_that_of_another)
{
	trouble.causes = &causes;
	trouble_report(&trouble, "no road");
	trouble_report(&other, "no bridge");
	ck_assert_ptr_nonnull(strstr(said(), "no bridge"));
	now += 10 * USEC_PER_SEC;
	trouble_report(&other, "no road");
	ck_assert_str_eq(said(), "");
}
END_TEST

START_TEST(a_cause_that_has_ended_for_who_said_it_is_said_by_whom_it_still_meets)
{
	trouble.causes = &causes;
	trouble_report(&trouble, "no road");
	trouble_report(&other, "no road");
	trouble_end(&trouble, "receiving");
	said();
	trouble_report(&other, "no road");
	ck_assert_str_eq(said(), "warning no road\n");
	trouble_end(&other, "deleting");
	ck_assert_str_eq(said(), "notice  deleting works again, after 0s\n");
}
END_TEST

START_TEST(a_cause_that_gave_way_to_another_is_said_by_whom_it_still_meets)
{
	trouble.causes = &causes;
	trouble_report(&trouble, "no road");
	trouble_report(&other, "no road");
	now += 10 * USEC_PER_SEC;
	trouble_report(&trouble, "no bridge");
	said();
	trouble_report(&other, "no road");
	ck_assert_str_eq(said(), "warning no road\n");
}
END_TEST

START_TEST(what_matters_no_more_ends_without_a_line)
{
	trouble.causes = &causes;
	trouble_report(&trouble, "no road");
	said();
	trouble_drop(&trouble);
	ck_assert_uint_eq(trouble.since, 0);
	trouble_end(&trouble, "receiving");
	ck_assert_str_eq(said(), "");
	/* It is no known cause any more. */
	trouble_report(&other, "no road");
	ck_assert_str_eq(said(), "warning no road\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("trouble");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, begin, NULL);
	tcase_add_test(all, the_first_time_is_said_at_once);
	tcase_add_test(
		all, another_text_is_said_soon_but_two_that_take_turns_are_not_said_each_time);
	tcase_add_test(all, what_repeats_is_said_once_a_minute_with_a_count);
	tcase_add_test(all, its_end_is_said_with_how_long_it_was);
	tcase_add_test(all, without_trouble_there_is_no_end);
	tcase_add_test(all, after_its_end_the_next_is_a_first_again);
	tcase_add_test(all, one_that_comes_and_goes_is_said_when_it_stays);
	tcase_add_test(all, who_shares_its_causes_hears_of_its_beginning_its_changes_and_its_end);
	tcase_add_test(all, a_cause_that_another_has_said_is_not_said_again);
	tcase_add_test(all, a_cause_of_its_own_is_said_beside_that_of_another);
	tcase_add_test(all, a_cause_that_has_ended_for_who_said_it_is_said_by_whom_it_still_meets);
	tcase_add_test(all, a_cause_that_gave_way_to_another_is_said_by_whom_it_still_meets);
	tcase_add_test(all, what_matters_no_more_ends_without_a_line);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}

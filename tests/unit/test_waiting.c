#include "../support/test_suite.h"
#include "log_capture.h"

#include "work/waiting.h"

#define THREADS 2

static char mail_name[] = "mail", fax_name[] = "fax";
static struct registry_entry mail, fax;
static struct delivery_index held;
static struct waiting waiting;
static unsigned n_ready;
static usec_t now;
static int log_fd;

static usec_t show(void)
{
	return now;
}

static void on_ready(void *userdata)
{
	(void)userdata;
	n_ready++;
}

static void begin(void)
{
	/* Far enough back for a timer of a minute to be over, and the next one. */
	now = clock_monotonic() - 2 * USEC_PER_MIN;
	clock_replace(show);
	log_fd = pipe_as_stderr();
	mail = (struct registry_entry){.type = mail_name, .max_concurrency = 2};
	fax = (struct registry_entry){.type = fax_name, .max_concurrency = 1};
	n_ready = 0;
	ck_assert_int_eq(delivery_index_init(&held), 0);
	waiting = (struct waiting){.index = &held, .n_threads = THREADS, .ready = on_ready};
	ck_assert_int_eq(sd_event_new(&waiting.event), 0);
	ck_assert_int_ge(waiting_init(&waiting), 0);
}

static void end(void)
{
	delivery_index_done(&held);
	waiting_done(&waiting);
	sd_event_unref(waiting.event);
}

static const char *said(void)
{
	const char *text = read_all(log_fd);

	return *text ? after_time(text) : text;
}

/* A job of that type that has just come. */
static struct hold *comes(struct registry_entry *type)
{
	static unsigned n;
	struct sqs_message message = {.receipt_handle = "handle", .body = "{}", .body_len = 2};
	struct message parsed = {0};

	snprintf(parsed.job_id, sizeof parsed.job_id, "job-%u", n++);
	snprintf(parsed.type, sizeof parsed.type, "%s", type->type);
	message.message_id = parsed.job_id;
	struct hold *hold = delivery_admit(&held, &message, &parsed, now, USEC_PER_MIN);
	ck_assert_ptr_nonnull(hold);
	hold->type = type;
	return hold;
}

static struct hold *begun(struct registry_entry *type)
{
	struct hold *hold = comes(type);

	ck_assert(waiting_take_place(hold));
	delivery_move(&held, hold, HOLD_AWAY);
	return hold;
}

static struct hold *parked(struct registry_entry *type)
{
	struct hold *hold = comes(type);

	ck_assert(!waiting_take_place(hold));
	waiting_park(&waiting, hold);
	return hold;
}

/* One that is parked goes on, with the place of one that is begun. */
static void one_goes_on(struct hold **begun_one)
{
	waiting_free_place(&waiting, *begun_one);
	*begun_one = TAILQ_FIRST(&held.states[HOLD_READY]);
	delivery_move(&held, *begun_one, HOLD_AWAY);
}

START_TEST(a_type_has_as_many_places_as_it_may_have_jobs)
{
	begun(&mail);
	begun(&mail);
	ck_assert(!waiting_take_place(comes(&mail)));
	ck_assert(waiting_take_place(comes(&fax)));
	ck_assert_uint_eq(mail.n_begun, 2);
}
END_TEST

START_TEST(a_type_without_a_limit_always_has_one)
{
	mail.max_concurrency = 0;
	for (int i = 0; i < 100; i++)
		begun(&mail);
	ck_assert_uint_eq(mail.n_begun, 100);
}
END_TEST

START_TEST(a_job_has_one_place_and_frees_it_once)
{
	struct hold *hold = begun(&mail);

	ck_assert(waiting_take_place(hold));
	ck_assert_uint_eq(mail.n_begun, 1);
	waiting_free_place(&waiting, hold);
	waiting_free_place(&waiting, hold);
	ck_assert_uint_eq(mail.n_begun, 0);
}
END_TEST

START_TEST(a_free_place_is_the_oldest_ones_of_its_type_and_nobody_elses)
{
	struct hold *fax_begun = begun(&fax), *fax_first = parked(&fax), *mail_begun = begun(&mail);
	begun(&mail);
	struct hold *mail_first = parked(&mail), *mail_second = parked(&mail);

	waiting_free_place(&waiting, mail_begun);
	ck_assert_int_eq(mail_first->state, HOLD_READY);
	ck_assert_int_eq(mail_second->state, HOLD_PARKED);
	ck_assert_int_eq(fax_first->state, HOLD_PARKED);
	/* What comes now has to wait although the other has not begun yet. */
	ck_assert(!waiting_take_place(comes(&mail)));
	ck_assert(waiting_take_place(mail_first));
	waiting_free_place(&waiting, fax_begun);
	ck_assert_int_eq(fax_first->state, HOLD_READY);
	ck_assert_uint_eq(fax.n_begun, 1);
}
END_TEST

START_TEST(a_limit_that_is_raised_or_lifted_lets_as_many_go_on)
{
	begun(&fax);
	struct hold *first = parked(&fax), *second = parked(&fax), *third = parked(&fax);

	waiting_look(&waiting);
	ck_assert_int_eq(first->state, HOLD_PARKED);
	fax.max_concurrency = 2;
	waiting_look(&waiting);
	ck_assert_int_eq(first->state, HOLD_READY);
	ck_assert_int_eq(second->state, HOLD_PARKED);
	fax.max_concurrency = 0;
	waiting_look(&waiting);
	ck_assert_int_eq(second->state, HOLD_READY);
	ck_assert_int_eq(third->state, HOLD_READY);
}
END_TEST

START_TEST(up_to_twice_the_threads_may_be_parked)
{
	struct hold *one = begun(&fax);

	for (int i = 0; i < 2 * THREADS; i++)
		parked(&fax);
	ck_assert(!waiting_is_crowded(&waiting));
	ck_assert_str_eq(said(), "");
	parked(&fax);
	ck_assert(waiting_is_crowded(&waiting));
	ck_assert_ptr_nonnull(strstr(said(), "warning receiving stops: too many jobs of type fax"));
	one_goes_on(&one);
	ck_assert(!waiting_is_crowded(&waiting));
}
END_TEST

START_TEST(the_line_comes_once_a_minute_however_often_one_goes_on)
{
	struct hold *one = begun(&fax);

	for (int i = 0; i < 2 * THREADS; i++)
		parked(&fax);
	for (int i = 0; i < 20; i++) {
		parked(&fax);
		ck_assert(waiting_is_crowded(&waiting));
		one_goes_on(&one);
		ck_assert(!waiting_is_crowded(&waiting));
		now += 2 * USEC_PER_SEC;
	}
	ck_assert_uint_eq(count(said(), "\n"), 1);
	now += 20 * USEC_PER_SEC;
	for (int minutes = 0; minutes < 2; minutes++, now += USEC_PER_MIN) {
		ck_assert_int_gt(sd_event_run(waiting.event, 0), 0);
		ck_assert_ptr_nonnull(strstr(said(), "of type fax wait for its max_concurrency"));
	}
	ck_assert_int_eq(sd_event_run(waiting.event, 0), 0);
}
END_TEST

START_TEST(its_end_is_said_when_half_of_them_have_gone_on)
{
	struct hold *one = begun(&fax);

	for (int i = 0; i <= 2 * THREADS; i++)
		parked(&fax);
	waiting_is_crowded(&waiting);
	said();
	while (held.n_in_state[HOLD_PARKED] > THREADS + 1) {
		one_goes_on(&one);
		waiting_is_crowded(&waiting);
	}
	ck_assert_str_eq(said(), "");
	one_goes_on(&one);
	waiting_is_crowded(&waiting);
	ck_assert_str_eq(said(), "notice  receiving works again, after 0s\n");
	now += USEC_PER_MIN;
	ck_assert_int_eq(sd_event_run(waiting.event, 0), 0);
}
END_TEST

START_TEST(what_is_put_off_is_ready_when_its_time_has_come)
{
	struct hold *soon = begun(&mail), *late = begun(&mail);

	ck_assert_int_eq(waiting_put_off(&waiting, soon, 1), 0);
	ck_assert_int_eq(waiting_put_off(&waiting, late, now + USEC_PER_HOUR), 0);
	ck_assert_int_eq(soon->state, HOLD_LATER);
	ck_assert_int_gt(sd_event_run(waiting.event, 0), 0);
	ck_assert_int_eq(soon->state, HOLD_READY);
	ck_assert_int_eq(late->state, HOLD_LATER);
	ck_assert_uint_eq(n_ready, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("waiting");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, begin, end);
	tcase_add_test(all, a_type_has_as_many_places_as_it_may_have_jobs);
	tcase_add_test(all, a_type_without_a_limit_always_has_one);
	tcase_add_test(all, a_job_has_one_place_and_frees_it_once);
	tcase_add_test(all, a_free_place_is_the_oldest_ones_of_its_type_and_nobody_elses);
	tcase_add_test(all, a_limit_that_is_raised_or_lifted_lets_as_many_go_on);
	tcase_add_test(all, up_to_twice_the_threads_may_be_parked);
	tcase_add_test(all, the_line_comes_once_a_minute_however_often_one_goes_on);
	tcase_add_test(all, its_end_is_said_when_half_of_them_have_gone_on);
	tcase_add_test(all, what_is_put_off_is_ready_when_its_time_has_come);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}

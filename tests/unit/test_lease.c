#include <check.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "../support/test_environment.h"
#include "../support/test_suite.h"
#include "work/lease.h"

#define V         (30 * USEC_PER_SEC)
#define RECEIVED  (USEC_PER_HOUR)
#define NEVER     USEC_INFINITY
#define LOST_LESS (4 * USEC_PER_SEC) /* the kill grace and a second */

static usec_t now;

static usec_t show(void)
{
	return now;
}

/* No loop turns, so nothing is sent: what would be is seen on the delivery. */
static sd_event *event;
static struct http *http;
static struct imds *imds;
static struct credential_store *credentials;
static struct skew skew;
static struct sqs *sqs;
static struct trouble_causes causes;
static struct queue finished;
static struct pool *pool;
static struct delivery_index in_hand;
static struct lease *lease;
static struct hold *hold;
static struct delivery *delivery;

static void not_denied(void *userdata, const char *text)
{
	(void)userdata;
	ck_abort_msg("%s", text);
}

static void make_sqs(void)
{
	const struct http_options http_options = {.user_agent = "nexus-worker/test"};
	const struct sqs_options sqs_options = {
		.queue_url = "https://sqs.eu-west-1.amazonaws.com/123456789012/jobs",
		.endpoint = "http://127.0.0.1:1",
		.region = "eu-west-1",
	};

	test_environment_set("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
	test_environment_set("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI");
	ck_assert_int_eq(http_new(event, &http_options, &http), 0);
	ck_assert_int_eq(imds_new(http, test_environment_get, &imds), 0);
	const struct credential_store_options store_options = {
		.means = {.getenv = test_environment_get, .http = http, .imds = imds},
	};
	ck_assert_int_eq(credential_store_new(&store_options, &credentials), 0);
	ck_assert_int_eq(sqs_new(http, credentials, &skew, &sqs_options, &sqs), 0);
}

/* A message that has just been received, whose job is away. */
static void make_delivery(void)
{
	const struct sqs_message message = {
		.message_id = "m", .receipt_handle = "h", .body = "{}", .body_len = 2};
	const struct message parsed = {.job_id = "j", .type = "resize", .payload_len = 2};

	ck_assert_int_eq(delivery_index_init(&in_hand), 0);
	hold = delivery_admit(&in_hand, &message, &parsed, RECEIVED, V);
	ck_assert_ptr_nonnull(hold);
	delivery = TAILQ_FIRST(&hold->deliveries);
	hold->job.must_end_at = USEC_INFINITY;
	delivery_move(&in_hand, hold, HOLD_AWAY);
}

static void setup(void)
{
	const struct lease_terms terms = {.visibility = V, .extendable = true};

	now = RECEIVED;
	clock_replace(show);
	ck_assert_int_eq(curl_global_init(CURL_GLOBAL_DEFAULT), 0);
	ck_assert_int_ge(sd_event_new(&event), 0);
	make_sqs();
	ck_assert_int_eq(queue_init(&finished, false), 0);
	ck_assert_int_eq(pool_new(1, &finished, &pool), 0);
	const struct lease_options options = {
		.pool = pool, .causes = &causes, .denied = not_denied};
	ck_assert_int_eq(lease_new(event, sqs, &options, &lease), 0);
	lease_set_terms(lease, &terms);
	lease_set_database(lease, true);
	make_delivery();
	lease_watch(lease, delivery);
}

static void teardown(void)
{
	lease_forget(lease, delivery);
	lease = lease_free(lease);
	delivery_index_done(&in_hand);
	pool = pool_free(pool);
	queue_done(&finished);
	sqs = sqs_free(sqs);
	credentials = credential_store_free(credentials);
	imds = imds_free(imds);
	http = http_free(http);
	event = sd_event_unref(event);
	curl_global_cleanup();
}

/* As after each touch of rows. */
static void sweep_at(usec_t at)
{
	now = at;
	lease_touched(lease);
}

#define TOUCHED_BEFORE (RECEIVED - USEC_PER_SEC)
#define BEGUN          (RECEIVED + V / 6)
#define TOUCHED_AFTER  (RECEIVED + V / 4)

START_TEST(visibility_follows_the_rows_touch_and_is_kept_alone_where_there_is_none)
{
	static const struct {
		usec_t touched_at;
		bool database_up;
		usec_t after; /* the receive it is extended; at V/6 the first sweep looks at it */
	} cases[] = {
		{0, true, V / 3},               /* not begun */
		{TOUCHED_BEFORE, true, V / 2},  /* the next touch is waited for */
		{BEGUN, true, V / 2},           /* that was none */
		{TOUCHED_AFTER, true, V / 6},   /* at once */
		{TOUCHED_BEFORE, false, V / 3}, /* no touch will come */
		{JOB_UNHELD, true, V / 3},      /* nothing to touch */
		{JOB_UNHELD, false, V / 3},
	};

	lease_set_database(lease, cases[_i].database_up);
	atomic_store(&hold->job.touched_at, cases[_i].touched_at);
	sweep_at(RECEIVED + cases[_i].after - 1);
	ck_assert(!delivery->extending);
	sweep_at(RECEIVED + cases[_i].after);
	ck_assert(delivery->extending);
	ck_assert_int_eq(atomic_load(&hold->job.cancel), JOB_GO);
}
END_TEST

START_TEST(a_row_that_becomes_its_handlers_again_is_not_waited_for)
{
	atomic_store(&hold->job.touched_at, TOUCHED_BEFORE);
	sweep_at(RECEIVED + V / 3);
	ck_assert(!delivery->extending);
	/* The touch found that it is not processing any more. */
	atomic_store(&hold->job.touched_at, JOB_UNHELD);
	sweep_at(now);
	ck_assert(delivery->extending);
}
END_TEST

START_TEST(a_job_is_lost_when_the_last_of_its_leases_ends)
{
	static const struct {
		usec_t touched_at;
		usec_t end;
	} cases[] = {
		{0, NEVER}, /* not begun: nothing runs */
		{TOUCHED_BEFORE, RECEIVED + V},
		{RECEIVED + V / 2, RECEIVED + V / 2 + V / 4 * 3},
		{JOB_UNHELD, RECEIVED + V},
	};

	delivery->refused = true;
	atomic_store(&hold->job.touched_at, cases[_i].touched_at);
	if (cases[_i].end == NEVER) {
		sweep_at(RECEIVED + 10 * V);
		ck_assert_int_eq(atomic_load(&hold->job.cancel), JOB_GO);
		return;
	}
	sweep_at(cases[_i].end - LOST_LESS - 1);
	ck_assert_int_eq(atomic_load(&hold->job.cancel), JOB_GO);
	sweep_at(cases[_i].end - LOST_LESS);
	ck_assert_int_eq(atomic_load(&hold->job.cancel), JOB_LOSE);
}
END_TEST

/* Its visibility was asked for then; a third of it later it is looked at. */
static void extended_at(usec_t at)
{
	delivery_extended(delivery, at, V);
	sweep_at(at + V / 3);
}

START_TEST(nothing_is_kept_past_twelve_hours_since_its_receive)
{
	usec_t last = RECEIVED + DELIVERY_HIDDEN_MAX - V - V / 3;

	/* _i: begun, too, and its row was just touched. */
	if (_i == 1)
		atomic_store(&hold->job.touched_at, RECEIVED + 12 * USEC_PER_HOUR);
	extended_at(last + 1);
	ck_assert(!delivery->extending);
	extended_at(last);
	ck_assert(delivery->extending);
}
END_TEST

START_TEST(a_running_handlers_messages_are_kept_to_its_limit_and_grace)
{
	atomic_store(&hold->job.leases_end_at, RECEIVED + V);
	extended_at(RECEIVED + V - V / 3);
	ck_assert(!delivery->extending);
	/* It has returned, and its row is still to be written. */
	if (_i == 0)
		atomic_store(&hold->job.ran_at, now);
	else
		extended_at(RECEIVED + V - V / 3 - 1);
	sweep_at(now);
	ck_assert(delivery->extending);
}
END_TEST

START_TEST(a_handler_whose_time_is_over_is_not_lost_when_its_leases_end)
{
	atomic_store(&hold->job.leases_end_at, RECEIVED + V / 2);
	atomic_store(&hold->job.touched_at, TOUCHED_AFTER);
	sweep_at(RECEIVED + 2 * V);
	ck_assert_int_eq(atomic_load(&hold->job.cancel), JOB_GO);
	/* But when they end before that. */
	atomic_store(&hold->job.leases_end_at, RECEIVED + 2 * V);
	sweep_at(now);
	ck_assert_int_eq(atomic_load(&hold->job.cancel), JOB_LOSE);
}
END_TEST

START_TEST(a_visibility_that_is_over_is_not_extended)
{
	sweep_at(RECEIVED + V);
	ck_assert(!delivery->extending);
	now = RECEIVED + V;
	lease_prove(lease);
	ck_assert(!delivery->extending);
	sweep_at(RECEIVED + V - 1);
	ck_assert(delivery->extending);
}
END_TEST

START_TEST(what_is_proven_again_is_extended_however_young_it_is)
{
	lease_prove(lease);
	ck_assert(delivery->extending);
}
END_TEST

START_TEST(what_is_lost_is_told_when_leases_are_proven)
{
	atomic_store(&hold->job.touched_at, RECEIVED);
	now = RECEIVED + 2 * USEC_PER_HOUR;
	lease_prove(lease);
	ck_assert_int_eq(atomic_load(&hold->job.cancel), JOB_LOSE);
	ck_assert(!delivery->extending);
}
END_TEST

START_TEST(a_row_without_a_lease_proves_nothing_soon_after_a_boot)
{
	/* A moment after the boot, under a visibility of hours, is long before its end. */
	delivery->received_at = delivery->extended_at = 0;
	delivery->visible_at = V;
	delivery->refused = true;
	atomic_store(&hold->job.touched_at, JOB_UNHELD);
	const struct lease_terms terms = {.visibility = 2 * V, .extendable = true};
	now = 0;
	lease_set_terms(lease, &terms);
	sweep_at(V - USEC_PER_SEC);
	ck_assert_int_eq(atomic_load(&hold->job.cancel), JOB_LOSE);
}
END_TEST

START_TEST(where_visibility_may_not_be_extended_a_job_is_told_a_grace_before_it_ends)
{
	const struct lease_terms terms = {.visibility = V, .extendable = false};
	usec_t end = RECEIVED + V - lease_kill_grace(V);

	atomic_store(&hold->job.touched_at, TOUCHED_AFTER);
	lease_set_terms(lease, &terms);
	lease_prove(lease);
	sweep_at(end - 1);
	ck_assert(!delivery->extending);
	ck_assert_int_eq(atomic_load(&hold->job.cancel), JOB_GO);
	/* _i: one that was begun so has a limit of its own; one that ran has nothing to stop. */
	if (_i == 1)
		hold->job.must_end_at = end;
	if (_i == 2)
		atomic_store(&hold->job.ran_at, now);
	sweep_at(end);
	ck_assert(!delivery->extending);
	ck_assert_int_eq(atomic_load(&hold->job.cancel), _i == 0 ? JOB_CUT : JOB_GO);
}
END_TEST

START_TEST(what_was_refused_is_asked_for_again_only_when_its_message_came_again)
{
	delivery->refused = true;
	lease_prove(lease);
	ck_assert(!delivery->extending);
	lease_watch(lease, delivery);
	lease_prove(lease);
	ck_assert(delivery->extending);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lease");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_loop_test(
		all, visibility_follows_the_rows_touch_and_is_kept_alone_where_there_is_none, 0, 7);
	tcase_add_test(all, a_row_that_becomes_its_handlers_again_is_not_waited_for);
	tcase_add_loop_test(all, a_job_is_lost_when_the_last_of_its_leases_ends, 0, 4);
	tcase_add_loop_test(all, nothing_is_kept_past_twelve_hours_since_its_receive, 0, 2);
	tcase_add_loop_test(all, a_running_handlers_messages_are_kept_to_its_limit_and_grace, 0, 2);
	tcase_add_test(all, a_handler_whose_time_is_over_is_not_lost_when_its_leases_end);
	tcase_add_test(all, a_visibility_that_is_over_is_not_extended);
	tcase_add_test(all, what_is_proven_again_is_extended_however_young_it_is);
	tcase_add_test(all, what_is_lost_is_told_when_leases_are_proven);
	tcase_add_test(all, a_row_without_a_lease_proves_nothing_soon_after_a_boot);
	tcase_add_loop_test(all,
		where_visibility_may_not_be_extended_a_job_is_told_a_grace_before_it_ends, 0, 3);
	tcase_add_test(all, what_was_refused_is_asked_for_again_only_when_its_message_came_again);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}

#include <check.h>
#include <string.h>

#include "../support/test_suite.h"
#include "job/envelope.h"
#include "work/delivery.h"

#define BODY "{\"jobId\":\"j1\",\"type\":\"x\",\"payload\":{}}"

static const struct sqs_queue queue = {
	.name = "jobs",
	.arn = "arn:aws:sqs:eu-west-1:123456789012:jobs",
	.region = "eu-west-1",
};

static struct delivery_index by;
static struct hold *hold;

static struct sqs_message message;
static struct sqs_details details;

static void setup(void)
{
	struct message parsed;
	const char *reason;

	details = (struct sqs_details){
		.md5_of_attributes = "4567",
		.attributes = {{"SenderId", "AIDAEXAMPLE"}, {"ApproximateReceiveCount", "2"},
			{"SentTimestamp", "1700000000123"}},
		.n_attributes = 3,
		.message_attributes = {{"color", "String", "blue", NULL},
			{"blob", "Binary", NULL, "AQID"}},
		.n_message_attributes = 2,
	};
	message = (struct sqs_message){
		.message_id = "m-1",
		.receipt_handle = "AQEB1",
		.body = BODY,
		.body_len = strlen(BODY),
		.md5_of_body = "0123",
		.receive_count = 2,
		.sent_at = 1700000000123 * USEC_PER_MSEC,
		.details = &details,
	};
	ck_assert_int_eq(delivery_index_init(&by), 0);
	ck_assert_int_eq(message_parse(BODY, strlen(BODY), &parsed, &reason), 0);
	hold = delivery_admit(&by, &message, &parsed, USEC_PER_HOUR, USEC_PER_MIN);
	ck_assert_ptr_nonnull(hold);
}

static void teardown(void)
{
	delivery_index_done(&by);
	ck_assert_uint_eq(by.body_bytes, 0);
}

/* ---- A job and its messages ---- */

/* Another message for it, received half an hour later and hidden for half as long. */
static struct delivery *join(void)
{
	message.message_id = "m-2";
	message.receive_count = 1;
	return delivery_join(
		&by, hold, &message, USEC_PER_HOUR + 30 * USEC_PER_MIN, 30 * USEC_PER_SEC);
}

START_TEST(a_message_is_a_job_that_may_be_begun)
{
	ck_assert_int_eq(hold->state, HOLD_READY);
	ck_assert_ptr_eq(TAILQ_FIRST(&by.states[HOLD_READY]), hold);
	ck_assert_uint_eq(by.n_in_state[HOLD_READY], 1);
	ck_assert_ptr_eq(delivery_find_hold(&by, "j1"), hold);
	ck_assert_ptr_eq(delivery_find(&by, "m-1")->hold, hold);
	ck_assert_ptr_null(delivery_find_hold(&by, "m-1"));
	ck_assert_str_eq(hold->job.id, "j1");
	ck_assert_str_eq(hold->job.type, "x");
	ck_assert_str_eq(hold->job.body, BODY);
	ck_assert_uint_eq(hold->job.payload_len, 2);
	ck_assert_int_eq(memcmp(hold->job.payload, "{}}", 4), 0);
}
END_TEST

START_TEST(it_is_invisible_until_the_last_of_its_messages_is_not)
{
	ck_assert_uint_eq(hold_visible_at(hold), USEC_PER_HOUR + USEC_PER_MIN);
	ck_assert_uint_eq(atomic_load(&hold->job.visible_at), USEC_PER_HOUR + USEC_PER_MIN);
	struct delivery *other = join();
	usec_t last = USEC_PER_HOUR + 30 * USEC_PER_MIN + 30 * USEC_PER_SEC;
	ck_assert_uint_eq(hold_visible_at(hold), last);
	ck_assert_uint_eq(atomic_load(&hold->job.visible_at), last);
	delivery_extended(other, 2 * USEC_PER_HOUR, USEC_PER_MIN);
	ck_assert_uint_eq(other->extended_at, 2 * USEC_PER_HOUR);
	ck_assert_uint_eq(atomic_load(&hold->job.visible_at), 2 * USEC_PER_HOUR + USEC_PER_MIN);
	/* The first one, which is to be visible sooner, changes nothing. */
	delivery_extended(delivery_find(&by, "m-1"), USEC_PER_HOUR, USEC_PER_MIN);
	ck_assert_uint_eq(hold_visible_at(hold), 2 * USEC_PER_HOUR + USEC_PER_MIN);
}
END_TEST

START_TEST(it_came_with_the_first_and_with_the_last_of_them)
{
	join();
	ck_assert_uint_eq(delivery_n_holds(&by), 1);
	ck_assert_uint_eq(delivery_n_messages(&by), 2);
	ck_assert_uint_eq(hold_first_received_at(hold), USEC_PER_HOUR);
	ck_assert_uint_eq(hold_received_at(hold), USEC_PER_HOUR + 30 * USEC_PER_MIN);
	ck_assert_uint_eq(hold_receive_count(hold), 2);
}
END_TEST

START_TEST(a_message_that_comes_again_has_a_new_handle_and_visibility)
{
	struct delivery *delivery = delivery_find(&by, "m-1");

	message.receipt_handle = "AQEB2";
	message.receive_count = 3;
	ck_assert_int_eq(delivery_renew(delivery, &message, 2 * USEC_PER_HOUR, USEC_PER_MIN), 0);
	ck_assert_str_eq(delivery->receipt_handle, "AQEB2");
	ck_assert_uint_eq(hold_receive_count(hold), 3);
	ck_assert_uint_eq(hold_received_at(hold), 2 * USEC_PER_HOUR);
	ck_assert_uint_eq(atomic_load(&hold->job.visible_at), 2 * USEC_PER_HOUR + USEC_PER_MIN);
	ck_assert_uint_eq(delivery_n_messages(&by), 1);
}
END_TEST

START_TEST(a_job_is_in_one_state_at_a_time)
{
	delivery_move(&by, hold, HOLD_AWAY);
	ck_assert_int_eq(hold->state, HOLD_AWAY);
	ck_assert_uint_eq(by.n_in_state[HOLD_READY], 0);
	ck_assert_uint_eq(by.n_in_state[HOLD_AWAY], 1);
	ck_assert_ptr_null(TAILQ_FIRST(&by.states[HOLD_READY]));
	ck_assert_ptr_eq(TAILQ_FIRST(&by.states[HOLD_AWAY]), hold);
}
END_TEST

START_TEST(a_stand_in_has_the_jobs_name_and_messages_and_nothing_of_its_handlers)
{
	struct delivery *other = join();
	delivery_move(&by, hold, HOLD_AWAY);
	struct hold *stand_in = delivery_stand_in(hold);

	ck_assert_ptr_nonnull(stand_in);
	delivery_replace(&by, hold, stand_in);
	ck_assert_ptr_eq(delivery_find_hold(&by, "j1"), stand_in);
	ck_assert_ptr_eq(TAILQ_FIRST(&by.states[HOLD_AWAY]), stand_in);
	ck_assert_uint_eq(by.n_in_state[HOLD_AWAY], 1);
	ck_assert_ptr_eq(other->hold, stand_in);
	ck_assert_ptr_eq(delivery_find(&by, "m-1")->hold, stand_in);
	ck_assert_ptr_null(TAILQ_FIRST(&hold->deliveries));
	ck_assert_str_eq(stand_in->job.type, "x");
	ck_assert_ptr_null(stand_in->job.body);
	ck_assert_uint_eq(by.body_bytes, 0);
	delivery_free_hold(hold);
}
END_TEST

START_TEST(a_message_that_leaves_is_found_no_more_and_lasts_for_who_has_a_share)
{
	struct delivery *delivery = delivery_ref(delivery_find(&by, "m-1"));

	delivery_detach(&by, delivery);
	ck_assert_ptr_null(delivery->hold);
	ck_assert_ptr_null(delivery_find(&by, "m-1"));
	ck_assert_uint_eq(delivery_n_messages(&by), 0);
	delivery_drop_hold(&by, hold);
	ck_assert_uint_eq(delivery_n_holds(&by), 0);
	ck_assert_ptr_null(delivery_find_hold(&by, "j1"));
	ck_assert_uint_eq(by.n_in_state[HOLD_READY], 0);
	delivery_unref(delivery);
	/* Of a job that is settled, too, an answer may still tell. */
	delivery_extended(delivery, 2 * USEC_PER_HOUR, USEC_PER_MIN);
	ck_assert_uint_eq(delivery->visible_at, 2 * USEC_PER_HOUR + USEC_PER_MIN);
	ck_assert_str_eq(delivery->receipt_handle, "AQEB1");
	delivery_unref(delivery);
}
END_TEST

/* ---- A job's envelope ---- */

static const struct envelope *wrap(const struct sqs_message *with)
{
	ck_assert_ptr_null(hold->job.envelope);
	ck_assert_int_eq(delivery_wrap(&by, hold, with, &queue), 0);
	return hold->job.envelope;
}

START_TEST(an_envelope_holds_all_that_was_received)
{
	const struct envelope *e = wrap(&message);

	ck_assert_str_eq(e->message_id, "m-1");
	ck_assert_str_eq(e->receipt_handle, "AQEB1");
	ck_assert_str_eq(e->md5_of_body, "0123");
	ck_assert_str_eq(e->md5_of_attributes, "4567");
	ck_assert_str_eq(e->queue_name, "jobs");
	ck_assert_str_eq(e->queue_arn, "arn:aws:sqs:eu-west-1:123456789012:jobs");
	ck_assert_str_eq(e->region, "eu-west-1");
	ck_assert_uint_eq(e->n_attributes, 3);
	ck_assert_str_eq(envelope_get(e, "SenderId"), "AIDAEXAMPLE");
	ck_assert_str_eq(envelope_get(e, "ApproximateReceiveCount"), "2");
	ck_assert_str_eq(envelope_get(e, "SentTimestamp"), "1700000000123");
	ck_assert_uint_eq(e->n_message_attributes, 2);
	ck_assert_str_eq(envelope_get_message(e, "color")->data_type, "String");
	ck_assert_str_eq(envelope_get_message(e, "color")->string_value, "blue");
	ck_assert_str_eq(envelope_get_message(e, "blob")->binary_value, "AQID");
}
END_TEST

START_TEST(without_details_it_holds_what_is_known)
{
	message.details = NULL;
	const struct envelope *e = wrap(&message);

	ck_assert_str_eq(e->md5_of_body, "0123");
	ck_assert_ptr_null(e->md5_of_attributes);
	ck_assert_uint_eq(e->n_attributes, 2);
	ck_assert_str_eq(envelope_get(e, "ApproximateReceiveCount"), "2");
	ck_assert_str_eq(envelope_get(e, "SentTimestamp"), "1700000000123");
	ck_assert_uint_eq(e->n_message_attributes, 0);
}
END_TEST

START_TEST(of_a_message_that_is_gone_it_holds_what_its_delivery_knows)
{
	const struct envelope *e = wrap(NULL);

	ck_assert_str_eq(e->message_id, "m-1");
	ck_assert_str_eq(e->receipt_handle, "AQEB1");
	ck_assert_str_eq(e->queue_name, "jobs");
	ck_assert_ptr_null(e->md5_of_body);
	ck_assert_uint_eq(e->n_attributes, 1);
	ck_assert_str_eq(envelope_get(e, "ApproximateReceiveCount"), "2");
}
END_TEST

START_TEST(as_many_attributes_as_there_may_be_find_room)
{
	for (details.n_attributes = 0; details.n_attributes < SQS_SYSTEM_ATTRIBUTES_MAX;)
		details.attributes[details.n_attributes++] = (struct sqs_attribute){"Other", "v"};
	for (details.n_message_attributes = 0;
		details.n_message_attributes < SQS_MESSAGE_ATTRIBUTES_MAX;)
		details.message_attributes[details.n_message_attributes++] =
			(struct sqs_message_attribute){"n", "String", "v", NULL};
	const struct envelope *e = wrap(&message);

	ck_assert_uint_eq(e->n_attributes, SQS_SYSTEM_ATTRIBUTES_MAX + 2);
	ck_assert_str_eq(envelope_get(e, "ApproximateReceiveCount"), "2");
	ck_assert_uint_eq(e->n_message_attributes, SQS_MESSAGE_ATTRIBUTES_MAX);
}
END_TEST

START_TEST(a_later_receive_leaves_it_as_it_is)
{
	const struct envelope *e = wrap(&message);
	struct delivery *delivery = delivery_find(&by, "m-1");

	message.receipt_handle = "AQEB2";
	message.receive_count = 3;
	ck_assert_int_eq(delivery_renew(delivery, &message, 2 * USEC_PER_HOUR, USEC_PER_MIN), 0);
	ck_assert_str_eq(delivery->receipt_handle, "AQEB2");
	ck_assert_ptr_eq(hold->job.envelope, e);
	ck_assert_str_eq(e->receipt_handle, "AQEB1");
	ck_assert_str_eq(envelope_get(e, "ApproximateReceiveCount"), "2");
}
END_TEST

START_TEST(an_envelope_counts_as_memory)
{
	ck_assert_uint_eq(by.body_bytes, strlen(BODY));
	const struct envelope *e = wrap(&message);

	ck_assert_uint_gt(e->bytes, sizeof *e);
	ck_assert_uint_eq(by.body_bytes, strlen(BODY) + e->bytes);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("delivery");
	TCase *hold_case = tcase_create("hold"), *c = tcase_create("envelope");

	tcase_add_checked_fixture(hold_case, setup, teardown);
	tcase_add_test(hold_case, a_message_is_a_job_that_may_be_begun);
	tcase_add_test(hold_case, it_is_invisible_until_the_last_of_its_messages_is_not);
	tcase_add_test(hold_case, it_came_with_the_first_and_with_the_last_of_them);
	tcase_add_test(hold_case, a_message_that_comes_again_has_a_new_handle_and_visibility);
	tcase_add_test(hold_case, a_job_is_in_one_state_at_a_time);
	tcase_add_test(
		hold_case, a_stand_in_has_the_jobs_name_and_messages_and_nothing_of_its_handlers);
	tcase_add_test(
		hold_case, a_message_that_leaves_is_found_no_more_and_lasts_for_who_has_a_share);
	suite_add_tcase(suite, hold_case);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, an_envelope_holds_all_that_was_received);
	tcase_add_test(c, without_details_it_holds_what_is_known);
	tcase_add_test(c, of_a_message_that_is_gone_it_holds_what_its_delivery_knows);
	tcase_add_test(c, as_many_attributes_as_there_may_be_find_room);
	tcase_add_test(c, a_later_receive_leaves_it_as_it_is);
	tcase_add_test(c, an_envelope_counts_as_memory);
	suite_add_tcase(suite, c);
	return test_suite_run(suite);
}

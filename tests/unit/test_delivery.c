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
	TCase *c = tcase_create("envelope");

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

#include <check.h>
#include <string.h>

#include "../support/test_suite.h"
#include "job/envelope.h"

/* ---- A message with one of everything, in memory that is gone by the time of the test ---- */

static struct envelope *envelope;

static void make(void)
{
	char value[] = "1767323040000", name[] = "colour", binary[] = "AQID", id[] = "m1";
	struct envelope_attribute attributes[] = {
		{"SentTimestamp", value}, {"ApproximateReceiveCount", "2"}};
	struct envelope_message_attribute message_attributes[] = {
		{.name = name, .data_type = "String", .string_value = "blue"},
		{.name = "blob", .data_type = "Binary", .binary_value = binary},
		{.name = "empty", .data_type = "String", .string_value = ""},
	};
	const struct envelope what = {
		.message_id = id,
		.receipt_handle = "handle",
		.md5_of_body = "0123",
		.queue_name = "jobs",
		.queue_arn = "arn:aws:sqs:eu-west-1:123456789012:jobs",
		.region = "eu-west-1",
		.attributes = attributes,
		.n_attributes = 2,
		.message_attributes = message_attributes,
		.n_message_attributes = 3,
	};

	ck_assert_int_eq(envelope_new(&what, &envelope), 0);
	memset(value, 'x', sizeof value);
	memset(name, 'x', sizeof name);
	memset(binary, 'x', sizeof binary);
	memset(id, 'x', sizeof id);
	memset(attributes, 0, sizeof attributes);
	memset(message_attributes, 0, sizeof message_attributes);
}

static void teardown(void)
{
	envelope = envelope_free(envelope);
}

START_TEST(an_envelope_is_a_copy_of_everything)
{
	make();
	ck_assert_str_eq(envelope->message_id, "m1");
	ck_assert_str_eq(envelope->receipt_handle, "handle");
	ck_assert_str_eq(envelope->md5_of_body, "0123");
	ck_assert_ptr_null(envelope->md5_of_attributes);
	ck_assert_str_eq(envelope->queue_name, "jobs");
	ck_assert_str_eq(envelope->queue_arn, "arn:aws:sqs:eu-west-1:123456789012:jobs");
	ck_assert_str_eq(envelope->region, "eu-west-1");
	ck_assert_uint_eq(envelope->n_attributes, 2);
	ck_assert_uint_eq(envelope->n_message_attributes, 3);
	ck_assert_str_eq(envelope->message_attributes[0].name, "colour");
	ck_assert_str_eq(envelope->message_attributes[0].data_type, "String");
	ck_assert_str_eq(envelope->message_attributes[0].string_value, "blue");
	ck_assert_ptr_null(envelope->message_attributes[0].binary_value);
	ck_assert_ptr_null(envelope->message_attributes[1].string_value);
	ck_assert_str_eq(envelope->message_attributes[1].binary_value, "AQID");
	ck_assert_str_eq(envelope->message_attributes[2].string_value, "");
}
END_TEST

START_TEST(attributes_are_found_by_name)
{
	make();
	ck_assert_str_eq(envelope_get(envelope, "SentTimestamp"), "1767323040000");
	ck_assert_str_eq(envelope_get(envelope, "ApproximateReceiveCount"), "2");
	ck_assert_ptr_null(envelope_get(envelope, "SenderId"));
	ck_assert_str_eq(envelope_get_message(envelope, "blob")->binary_value, "AQID");
	ck_assert_ptr_null(envelope_get_message(envelope, "SentTimestamp"));
}
END_TEST

START_TEST(it_says_what_it_takes)
{
	make();
	/* Its last text ends with it. */
	const char *last = envelope->message_attributes[2].string_value;
	ck_assert_uint_eq(envelope->bytes, (size_t)(last + 1 - (const char *)envelope));
}
END_TEST

START_TEST(one_with_nothing_but_names_is_whole)
{
	const struct envelope what = {.message_id = "m", .receipt_handle = "h", .queue_name = "q"};

	ck_assert_int_eq(envelope_new(&what, &envelope), 0);
	ck_assert_str_eq(envelope->queue_name, "q");
	ck_assert_ptr_null(envelope_get(envelope, "SentTimestamp"));
	ck_assert_ptr_null(envelope_get_message(envelope, "colour"));
	ck_assert_ptr_null(envelope->md5_of_body);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("envelope");
	TCase *c = tcase_create("envelope");

	tcase_add_checked_fixture(c, NULL, teardown);
	tcase_add_test(c, an_envelope_is_a_copy_of_everything);
	tcase_add_test(c, attributes_are_found_by_name);
	tcase_add_test(c, it_says_what_it_takes);
	tcase_add_test(c, one_with_nothing_but_names_is_whole);
	suite_add_tcase(suite, c);
	return test_suite_run(suite);
}

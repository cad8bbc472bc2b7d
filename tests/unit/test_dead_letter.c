#include <check.h>
#include <stdio.h>
#include <string.h>

#include "../support/test_suite.h"
#include "work/dead_letter.h"

#define BODY_BYTES 100

static struct envelope_message_attribute own[SQS_MESSAGE_ATTRIBUTES_MAX];
static struct envelope envelope;
static struct dead_letter_cause cause;
static struct dead_letter letter;

static void setup(void)
{
	envelope = (struct envelope){
		.message_id = "m-1",
		.queue_arn = "arn:aws:sqs:eu-west-1:1:jobs",
		.message_attributes = own,
	};
	cause = (struct dead_letter_cause){JOB_FAILED, "no paper", 2};
}

static void add_own(const char *name, const char *data_type, const char *text, const char *binary)
{
	own[envelope.n_message_attributes++] =
		(struct envelope_message_attribute){name, data_type, text, binary};
}

/* All of them, each as "name type value; ". */
static const char *written(size_t body_len)
{
	static char text[4096];
	size_t len = 0;

	dead_letter_write(&letter, &envelope, body_len, &cause);
	text[0] = '\0';
	for (size_t i = 0; i < letter.n_attributes; i++) {
		const struct sqs_message_attribute *a = &letter.attributes[i];
		len += (size_t)snprintf(text + len, sizeof text - len, "%s %s %s; ", a->name,
			a->data_type, a->string_value ? a->string_value : a->binary_value);
	}
	return text;
}

START_TEST(it_says_why_and_where_it_comes_from)
{
	ck_assert_str_eq(written(BODY_BYTES),
		"NexusReason String no paper; NexusOutcome String failed; NexusReceiveCount "
		"Number 2; NexusSourceQueue String arn:aws:sqs:eu-west-1:1:jobs; NexusMessageId "
		"String m-1; ");
	cause.outcome = JOB_REJECTED;
	ck_assert_ptr_nonnull(strstr(written(BODY_BYTES), "NexusOutcome String rejected; "));
}
END_TEST

START_TEST(a_reason_for_which_there_was_no_memory_is_left_out)
{
	cause.reason = NULL;
	ck_assert_int_eq(strncmp(written(BODY_BYTES), "NexusOutcome String failed; ", 28), 0);
}
END_TEST

START_TEST(what_the_message_had_goes_first_and_as_it_was)
{
	add_own("color", "String.hue", "blue", NULL);
	add_own("blob", "Binary", NULL, "AQID");
	ck_assert_int_eq(strncmp(written(BODY_BYTES),
				 "color String.hue blue; blob Binary AQID; NexusReason ", 52),
		0);
	ck_assert_ptr_null(letter.attributes[1].string_value);
	ck_assert_uint_eq(letter.n_attributes, 7);
}
END_TEST

START_TEST(what_an_earlier_death_left_is_replaced)
{
	add_own("NexusReason", "String", "no ink", NULL);
	add_own("NexusMessageId", "String", "m-0", NULL);
	add_own("NexusReasonOfOthers", "String", "kept", NULL);
	const char *text = written(BODY_BYTES);
	ck_assert_ptr_null(strstr(text, "no ink"));
	ck_assert_ptr_null(strstr(text, "m-0"));
	ck_assert_ptr_nonnull(strstr(text, "NexusReasonOfOthers String kept; "));
	ck_assert_uint_eq(letter.n_attributes, 6);
}
END_TEST

START_TEST(of_ours_as_many_go_as_there_is_room_for_and_the_reason_first)
{
	static char names[9][8];

	for (int i = 0; i < 9; i++) {
		snprintf(names[i], sizeof names[i], "own-%d", i);
		add_own(names[i], "Number", "1", NULL);
	}
	ck_assert_ptr_nonnull(strstr(written(BODY_BYTES), "own-8 Number 1; NexusReason String"));
	ck_assert_uint_eq(letter.n_attributes, 10);
	add_own("own-9", "Number", "1", NULL);
	ck_assert_ptr_null(strstr(written(BODY_BYTES), "Nexus"));
	ck_assert_uint_eq(letter.n_attributes, 10);
}
END_TEST

START_TEST(a_value_that_is_empty_is_left_out)
{
	envelope.queue_arn = "";
	cause.reason = "";
	const char *text = written(BODY_BYTES);
	ck_assert_ptr_null(strstr(text, "NexusSourceQueue"));
	ck_assert_ptr_null(strstr(text, "NexusReason"));
	ck_assert_uint_eq(letter.n_attributes, 3);
}
END_TEST

static const struct {
	const char *reason;
	const char *written;
} REASONS[] = {
	{"tab\t and\nline\r", "tab\t and\nline\r"},
	{"\x01"
	 "bell\x07\x1b[0m\x7f",
		"?bell??[0m\x7f"},
	{"caf\xc3\xa9 \xf0\x9f\x98\x80", "caf\xc3\xa9 \xf0\x9f\x98\x80"},
	{"\xef\xbf\xbd \xef\xbf\xbe \xef\xbf\xbf", "\xef\xbf\xbd ? ?"},
	{"cut \xc3", "cut ?"},
	{"a\xed\xa0\x80z", "a???z"},
};

START_TEST(only_characters_that_sqs_takes_are_in_the_reason)
{
	cause.reason = REASONS[_i].reason;
	written(BODY_BYTES);
	ck_assert_str_eq(letter.attributes[0].string_value, REASONS[_i].written);
}
END_TEST

START_TEST(a_long_reason_is_cut_between_characters)
{
	char reason[3000];

	for (size_t i = 0; i + 2 < sizeof reason; i += 2)
		memcpy(reason + i, "\xc3\xa9", 3);
	cause.reason = reason;
	written(BODY_BYTES);
	ck_assert_uint_eq(strlen(letter.attributes[0].string_value), 1024);
	memmove(reason + 1, reason, sizeof reason - 1);
	reason[0] = 'x';
	reason[sizeof reason - 1] = '\0';
	written(BODY_BYTES);
	ck_assert_uint_eq(strlen(letter.attributes[0].string_value), 1023);
}
END_TEST

START_TEST(body_and_attributes_never_exceed_what_sqs_takes)
{
	add_own("blob", "Binary", NULL, "AQIDBAUG"); /* 4 + 6 + 6 */
	const size_t largest = SQS_MESSAGE_BYTES_MAX - 16;

	/* "NexusReason", "String" and as much of the reason as is left. */
	for (size_t left = 0; left < 200; left++) {
		written(largest - left);
		ck_assert_uint_le(letter.bytes, SQS_MESSAGE_BYTES_MAX);
		ck_assert_ptr_eq(letter.attributes[0].name, own[0].name);
	}
	written(largest);
	ck_assert_uint_eq(letter.n_attributes, 1);
	ck_assert_uint_eq(letter.bytes, SQS_MESSAGE_BYTES_MAX);
	written(largest - 17);
	ck_assert_uint_eq(letter.n_attributes, 1);
	written(largest - 19);
	ck_assert_uint_eq(letter.n_attributes, 2);
	ck_assert_str_eq(letter.attributes[1].string_value, "no");
	ck_assert_uint_eq(letter.bytes, SQS_MESSAGE_BYTES_MAX);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dead_letter");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, NULL);
	tcase_add_test(all, it_says_why_and_where_it_comes_from);
	tcase_add_test(all, a_reason_for_which_there_was_no_memory_is_left_out);
	tcase_add_test(all, what_the_message_had_goes_first_and_as_it_was);
	tcase_add_test(all, what_an_earlier_death_left_is_replaced);
	tcase_add_test(all, of_ours_as_many_go_as_there_is_room_for_and_the_reason_first);
	tcase_add_test(all, a_value_that_is_empty_is_left_out);
	tcase_add_loop_test(
		all, only_characters_that_sqs_takes_are_in_the_reason, 0, N_OF(REASONS));
	tcase_add_test(all, a_long_reason_is_cut_between_characters);
	tcase_add_test(all, body_and_attributes_never_exceed_what_sqs_takes);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}

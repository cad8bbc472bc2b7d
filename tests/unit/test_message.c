#include <check.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/test_suite.h"
#include "base/file.h"
#include "job/message.h"
#include "json_oracle.h"

#define DATA "tests/data/message"

/* The file's bytes; false if it is not there. */
static bool read_case(const char *name, const char *file, struct strbuf *ret)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, DATA "/%s/%s", name, file);
	int r = file_read(path, STRBUF_CEILING_DEFAULT, ret);
	ck_assert(r == 0 || r == -ENOENT);
	return r == 0;
}

/* What a case expects ends in a newline that does not belong to it. */
static void assert_expected(const char *name, const char *file, const char *got, size_t got_len)
{
	_cleanup_strbuf_ struct strbuf expected = STRBUF_INIT;

	ck_assert_msg(read_case(name, file, &expected), "%s has no %s", name, file);
	ck_assert_msg(got_len + 1 == expected.len && memcmp(got, expected.data, got_len) == 0,
		"%s: %s is %.*s", name, file, (int)got_len, got);
}

/* In memory that ends where the body does, so that a sanitizer sees a step too far. */
static int parse(const char *body, size_t len, struct message *ret, const char **ret_reason)
{
	char *copy = malloc(len ? len : 1);

	if (len > 0)
		memcpy(copy, body, len);
	int r = message_parse(copy, len, ret, ret_reason);
	free(copy);
	return r;
}

START_TEST(each_body_is_read_or_refused_as_its_case_says)
{
	const char *name = test_suite_case(_i);
	_cleanup_strbuf_ struct strbuf body = STRBUF_INIT, reason = STRBUF_INIT;
	struct message message;
	const char *why = NULL;

	ck_assert(read_case(name, "body", &body));
	int r = parse(strbuf_str(&body), body.len, &message, &why);
	if (read_case(name, "reason", &reason)) {
		ck_assert_msg(r == -EBADMSG, "%s is accepted", name);
		assert_expected(name, "reason", why, strlen(why));
		return;
	}
	ck_assert_msg(r == 0, "%s is refused: %s", name, why);
	assert_expected(name, "job-id", message.job_id, strlen(message.job_id));
	assert_expected(name, "type", message.type, strlen(message.type));
	assert_expected(name, "payload", body.data + message.payload_offset, message.payload_len);
}
END_TEST

START_TEST(a_refusal_leaves_ret_alone_and_a_success_the_reason)
{
	struct message message;
	const char *reason = "untouched";

	memset(&message, 'x', sizeof message);
	ck_assert_int_eq(parse("{\"jobId\":\"j\"}", 13, &message, &reason), -EBADMSG);
	ck_assert_str_ne(reason, "untouched");
	for (size_t i = 0; i < sizeof message; i++)
		ck_assert_int_eq(((char *)&message)[i], 'x');

	static const char good[] = "{\"jobId\":\"j\",\"type\":\"t\",\"payload\":1}";
	reason = "untouched";
	ck_assert_int_eq(parse(good, sizeof good - 1, &message, &reason), 0);
	ck_assert_str_eq(reason, "untouched");
}
END_TEST

/* A body of members that are right, nearly right or wrong. */
static void random_body(struct strbuf *b)
{
	static const char *const names[] = {"jobId", "type", "payload", "jobId", "type", "payload",
		"\\u006aobId", "typ\\u0065", "payloads", "", "other"};
	static const char *const values[] = {"\"a\"", "\"job-1\"", "\"\\u00e9\\n\"", "\"\\t\"",
		"\"\"", "1", "-2.5e3", "null", "true", "[1,{\"type\":\"x\"}]", "{\"jobId\":\"y\"}",
		"{}", "\"\xe2\x82\xac\"", "\"\\ud83d\\ude00\""};
	unsigned n_members = 2 + random_below(4);

	strbuf_puts(b, "{");
	for (unsigned i = 0; i < n_members; i++) {
		/* One by one: the order in which arguments are evaluated is the compiler's. */
		unsigned name = i < 3 && random_below(8) ? i : random_below(N_OF(names));
		unsigned n_values = random_below(4) ? 3 : N_OF(values);
		unsigned value = random_below(n_values);

		strbuf_printf(b, "%s\"%s\"", i ? "," : "", names[name]);
		strbuf_puts(b, random_below(4) ? ":" : " :\n");
		strbuf_puts(b, values[value]);
	}
	strbuf_puts(b, "}");
	char damage = "{}[]\",:\\ 0"[random_below(10)];
	if (random_below(4) == 0)
		b->data[random_below((unsigned)b->len)] = damage;
}

static bool is_control(unsigned c)
{
	return c < 0x20 || c == 0x7f;
}

/* The rules once more, on a tree. */
static bool tree_is_message(const json_t *json)
{
	static const struct {
		const char *name;
		size_t max;
	} texts[] = {{"jobId", MESSAGE_ID_MAX}, {"type", MESSAGE_TYPE_MAX}};

	for (size_t i = 0; i < 2; i++) {
		const char *text = json_string_value(json_object_get(json, texts[i].name));
		size_t len = text ? strlen(text) : 0;

		if (len == 0 || len > texts[i].max)
			return false;
		for (size_t k = 0; k < len; k++)
			if (is_control((unsigned char)text[k]))
				return false;
	}
	return json_object_get(json, "payload");
}

/* Twins are told to be refused, and we mind those of our own three members only. */
static bool refuses_more_than_we(const json_error_t *error)
{
	return json_error_code(error) == json_error_duplicate_key || jansson_cannot_build(error);
}

static void assert_same(const json_t *json, const struct message *message, const char *body)
{
	ck_assert_str_eq(message->job_id, json_string_value(json_object_get(json, "jobId")));
	ck_assert_str_eq(message->type, json_string_value(json_object_get(json, "type")));
	json_t *payload = json_loadb(
		body + message->payload_offset, message->payload_len, JSON_DECODE_ANY, NULL);
	ck_assert(json_equal(payload, json_object_get(json, "payload")));
	json_decref(payload);
}

START_TEST(random_bodies_are_read_as_from_a_tree_of_jansson)
{
	unsigned n_read = 0, n_refused = 0;

	for (unsigned round = 0; round < 100000; round++) {
		_cleanup_strbuf_ struct strbuf body = STRBUF_INIT;
		struct message message;
		const char *reason = "";
		json_error_t error;

		random_body(&body);
		json_t *json = json_loadb(body.data, body.len, JSON_REJECT_DUPLICATES, &error);
		int r = parse(body.data, body.len, &message, &reason);
		if (json) {
			ck_assert_msg((r == 0) == tree_is_message(json), "round %u: %s: %s", round,
				reason, body.data);
		} else if (!refuses_more_than_we(&error)) {
			ck_assert_msg(r < 0, "round %u: accepted: %s", round, body.data);
		}
		if (json && r == 0)
			assert_same(json, &message, body.data);
		*(r == 0 ? &n_read : &n_refused) += 1;
		json_decref(json);
	}
	ck_assert_uint_gt(n_read, 1000);
	ck_assert_uint_gt(n_refused, 1000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("message");
	TCase *all = tcase_create("all");

	tcase_add_loop_test(
		all, each_body_is_read_or_refused_as_its_case_says, 0, test_suite_find_cases(DATA));
	tcase_add_test(all, a_refusal_leaves_ret_alone_and_a_success_the_reason);
	tcase_add_test(all, random_bodies_are_read_as_from_a_tree_of_jansson);
	tcase_set_timeout(all, 60);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../support/test_suite.h"
#include "base/log_line.h"
#include "base/utf8.h"
#include "json_oracle.h"

#define LINE_MAX_TESTED 4096

/* 2026-01-31 12:34:56.007089 UTC */
#define A_MOMENT UINT64_C(1769862896007089)

/* The line just written, with a NUL behind it, in memory of exactly the size it was given. */
static char *line_text;
static size_t line_len;

typedef size_t form_fn(const struct log_line *line, char *buffer, size_t size);

static size_t form_plain(const struct log_line *line, char *buffer, size_t size)
{
	return log_line_text(line, LOG_TEXT_PLAIN, buffer, size);
}

static size_t form_colour(const struct log_line *line, char *buffer, size_t size)
{
	return log_line_text(line, LOG_TEXT_COLOUR, buffer, size);
}

static size_t form_syslog(const struct log_line *line, char *buffer, size_t size)
{
	return log_line_text(line, LOG_TEXT_SYSLOG, buffer, size);
}

static size_t form_journal(const struct log_line *line, char *buffer, size_t size)
{
	return log_line_journal(line, "tested", buffer, size);
}

static const char *form(form_fn *write, const struct log_line *line, size_t size)
{
	char *buffer = malloc(size);

	line_len = write(line, buffer, size);
	ck_assert_uint_le(line_len, size);
	free(line_text);
	line_text = malloc(line_len + 1);
	memcpy(line_text, buffer, line_len);
	line_text[line_len] = '\0';
	free(buffer);
	return line_text;
}

static const char *form_message(form_fn *write, const char *message)
{
	struct log_line line = {.time = A_MOMENT, .priority = LOG_INFO, .message = message};

	return form(write, &line, LINE_MAX_TESTED);
}

static void teardown(void)
{
	free(line_text);
	line_text = NULL;
}

static void assert_utf8(const char *text, size_t len)
{
	while (len > 0) {
		size_t n = utf8_sequence(text, len);
		ck_assert_uint_gt(n, 0);
		text += n;
		len -= n;
	}
}

START_TEST(text_has_time_level_and_message)
{
	struct log_line line = {.time = A_MOMENT, .priority = LOG_WARNING, .message = "hello"};

	ck_assert_str_eq(form(form_plain, &line, LINE_MAX_TESTED),
		"2026-01-31T12:34:56.007Z warning hello\n");
	line.priority = LOG_INFO;
	ck_assert_str_eq(form(form_plain, &line, LINE_MAX_TESTED),
		"2026-01-31T12:34:56.007Z info    hello\n");
}
END_TEST

START_TEST(colour_follows_the_level_and_ends_with_the_line)
{
	struct log_line line = {.time = A_MOMENT, .priority = LOG_ERR, .message = "hello"};

	ck_assert_str_eq(form(form_colour, &line, LINE_MAX_TESTED),
		"2026-01-31T12:34:56.007Z\033[1;31m error   hello\033[0m\n");
	line.priority = LOG_INFO;
	ck_assert_str_eq(form(form_colour, &line, LINE_MAX_TESTED),
		"2026-01-31T12:34:56.007Z info    hello\033[0m\n");
}
END_TEST

START_TEST(for_a_syslog_the_priority_is_a_prefix)
{
	ck_assert_str_eq(form_message(form_syslog, "hello"), "<6>hello\n");
}
END_TEST

START_TEST(no_message_forges_a_line_or_moves_a_cursor)
{
	static const struct {
		const char *message;
		const char *shown;
	} cases[] = {
		{"a\nb", "<6>a\\nb\n"},
		{"a\r\nb", "<6>a\\x0d\\nb\n"},
		{"a\tb", "<6>a\\tb\n"},
		{"\033[2J\a\b", "<6>\\x1b[2J\\x07\\x08\n"},
		{"\x7f", "<6>\\x7f\n"},
		{"\xc2\x9b"
		 "2J",
			"<6>\\xc2\\x9b2J\n"},
		{"\xc2\xa0", "<6>\xc2\xa0\n"},
		{"\xe2\x80\xa8\xe2\x80\xae", "<6>\\xe2\\x80\\xa8\\xe2\\x80\\xae\n"},
		{"\xe2\x81\xa6", "<6>\\xe2\\x81\\xa6\n"},
		{"\xe2\x80\x8f\xd8\x9c", "<6>\\xe2\\x80\\x8f\\xd8\\x9c\n"},
		{"\xff\xc3", "<6>\\xff\\xc3\n"},
		{"\xed\xa0\x80", "<6>\\xed\\xa0\\x80\n"},
		{"\xe2\x82\xac \xf0\x9f\x98\x80", "<6>\xe2\x82\xac \xf0\x9f\x98\x80\n"},
		{"back\\slash \"quote\"", "<6>back\\slash \"quote\"\n"},
		{"", "<6>\n"},
	};

	for (size_t i = 0; i < N_OF(cases); i++)
		ck_assert_str_eq(form_message(form_syslog, cases[i].message), cases[i].shown);
}
END_TEST

START_TEST(a_message_that_just_fits_is_whole_and_one_byte_more_is_marked)
{
	char message[LOG_LINE_MIN + 1] = "";
	struct log_line line = {.priority = LOG_INFO, .message = message};
	const size_t room = LOG_LINE_MIN - strlen("<6>\n");

	memset(message, 'x', room);
	form(form_syslog, &line, LOG_LINE_MIN);
	ck_assert_uint_eq(line_len, LOG_LINE_MIN);
	ck_assert_ptr_null(strstr(line_text, "…"));

	message[room] = 'x';
	form(form_syslog, &line, LOG_LINE_MIN);
	ck_assert_uint_eq(line_len, LOG_LINE_MIN);
	ck_assert_str_eq(line_text + line_len - strlen("x…\n"), "x…\n");
}
END_TEST

START_TEST(a_cut_never_parts_a_character_or_an_escape)
{
	static const char *const units[] = {
		"\xf0\x9f\x98\x80", "\xe2\x82\xac", "\xc3\xa9", "\n", "\033", "\xff", "\""};
	static form_fn *const forms[] = {form_plain, form_colour, form_syslog, log_line_json};
	char message[4 * LOG_LINE_MIN + 1];

	for (size_t u = 0; u < N_OF(units); u++) {
		message[0] = '\0';
		while (strlen(message) < 2 * LOG_LINE_MIN)
			strcat(message, units[u]);
		struct log_line line = {.priority = LOG_INFO, .message = message};
		for (size_t f = 0; f < N_OF(forms); f++) {
			for (size_t size = LOG_LINE_MIN; size < LOG_LINE_MIN + 16; size++) {
				form(forms[f], &line, size);
				assert_utf8(line_text, line_len);
				ck_assert_ptr_nonnull(strstr(line_text, "…"));
				ck_assert_ptr_eq(strchr(line_text, '\n'), line_text + line_len - 1);
			}
		}
	}
}
END_TEST

static json_t *form_json(const struct log_line *line, size_t size)
{
	json_error_t error;

	form(log_line_json, line, size);
	json_t *json = json_loadb(line_text, line_len, JSON_REJECT_DUPLICATES, &error);
	ck_assert_msg(json, "%s: %s", error.text, line_text);
	ck_assert_ptr_eq(strchr(line_text, '\n'), line_text + line_len - 1);
	return json;
}

START_TEST(json_has_time_level_message_and_fields)
{
	static const struct log_field fields[] = {
		{"NEXUS_JOB_ID", "test-123"},
		{"NEXUS_MESSAGE_ID", "m"},
		{"NEXUS_OUTCOME", NULL},
		{"MESSAGE_ID", "0123456789abcdef0123456789abcdef"},
		{"ERRNO", "5"},
	};
	struct log_line line = {A_MOMENT, LOG_NOTICE, "hello", fields, N_OF(fields)};

	ck_assert_str_eq(form(log_line_json, &line, LINE_MAX_TESTED),
		"{\"time\":\"2026-01-31T12:34:56.007089Z\",\"level\":\"notice\","
		"\"message\":\"hello\",\"job_id\":\"test-123\",\"message_id\":\"m\","
		"\"event_id\":\"0123456789abcdef0123456789abcdef\",\"errno\":\"5\"}\n");
}
END_TEST

START_TEST(json_says_what_the_texts_hold)
{
	static const char text[] =
		"q\" b\\ n\n t\t e\033 \x7f \xe2\x82\xac \xe2\x80\xa8 \xf0\x9f\x98\x80";
	static const struct log_field field = {"NEXUS_JOB_ID", text};
	struct log_line line = {A_MOMENT, LOG_INFO, text, &field, 1};
	json_t *json = form_json(&line, LINE_MAX_TESTED);

	ck_assert_str_eq(json_string_value(json_object_get(json, "message")), text);
	ck_assert_str_eq(json_string_value(json_object_get(json, "job_id")), text);
	for (size_t i = 0; i + 1 < line_len; i++)
		ck_assert_int_ge((unsigned char)line_text[i], 0x20);
	json_decref(json);
}
END_TEST

START_TEST(json_replaces_what_is_not_utf_8)
{
	struct log_line line = {A_MOMENT, LOG_INFO,
		"a\xff"
		"b\xed\xa0\x80"
		"c\xc3",
		NULL, 0};
	json_t *json = form_json(&line, LINE_MAX_TESTED);

	ck_assert_str_eq(json_string_value(json_object_get(json, "message")),
		"a\uFFFDb\uFFFD\uFFFD\uFFFDc\uFFFD");
	json_decref(json);
}
END_TEST

START_TEST(json_is_valid_whatever_bytes_and_sizes)
{
	for (unsigned round = 0; round < 5000; round++) {
		char texts[3][1500];

		for (int i = 0; i < 3; i++) {
			unsigned len = random_below(random_below(8) ? 60 : sizeof texts[i]);
			unsigned range = random_below(2) ? 255 : 90;
			for (unsigned k = 0; k < len; k++)
				texts[i][k] = (char)(1 + random_below(range));
			texts[i][len] = '\0';
		}
		struct log_field fields[] = {{"NEXUS_A", texts[1]}, {"NEXUS_B", texts[2]}};
		struct log_line line = {A_MOMENT, LOG_INFO, texts[0], fields, 2};
		json_decref(form_json(&line, LOG_LINE_MIN + random_below(1500)));
	}
}
END_TEST

START_TEST(a_long_message_leaves_json_room_for_its_fields)
{
	static char message[9000], id[256];
	struct log_field fields[] = {{"NEXUS_JOB_ID", id}, {"NEXUS_OUTCOME", "failed"}};
	struct log_line line = {A_MOMENT, LOG_INFO, message, fields, 2};

	memset(message, '\n', sizeof message - 1);
	memset(id, 'i', sizeof id - 1);
	json_t *json = form_json(&line, LINE_MAX_TESTED);
	ck_assert_str_eq(json_string_value(json_object_get(json, "job_id")), id);
	ck_assert_str_eq(json_string_value(json_object_get(json, "outcome")), "failed");
	json_decref(json);
}
END_TEST

/* What the datagram holds under this name, or NULL: the protocol read by its description. */
static const char *journal_value(const char *name, size_t *ret_len)
{
	const char *at = line_text, *end = line_text + line_len;

	while (at < end) {
		size_t name_len = strcspn(at, "=\n");
		const char *value = at + name_len + 1;
		size_t len = 0;

		ck_assert_uint_gt(name_len, 0);
		if (at[name_len] == '=') {
			len = strcspn(value, "\n");
		} else {
			for (int i = 7; i >= 0; i--)
				len = len << 8 | (unsigned char)value[i];
			value += 8;
		}
		ck_assert(value + len < end && value[len] == '\n');
		if (strlen(name) == name_len && memcmp(name, at, name_len) == 0) {
			*ret_len = len;
			return value;
		}
		at = value + len + 1;
	}
	return NULL;
}

static void assert_journal(const char *name, const char *expected)
{
	size_t len;
	const char *value = journal_value(name, &len);

	ck_assert_msg(value, "no %s", name);
	ck_assert_uint_eq(len, strlen(expected));
	ck_assert_mem_eq(value, expected, len);
}

START_TEST(the_journal_gets_priority_identifier_fields_and_message)
{
	static const struct log_field fields[] = {
		{"NEXUS_JOB_ID", "test-123"},
		{"NEXUS_OUTCOME", NULL},
		{"MESSAGE_ID", "0123456789abcdef0123456789abcdef"},
		{"NEXUS_EMPTY", ""},
	};
	struct log_line line = {A_MOMENT, LOG_ERR, "hello", fields, N_OF(fields)};

	ck_assert_str_eq(form(form_journal, &line, LINE_MAX_TESTED),
		"PRIORITY=3\nSYSLOG_IDENTIFIER=tested\nNEXUS_JOB_ID=test-123\n"
		"MESSAGE_ID=0123456789abcdef0123456789abcdef\nNEXUS_EMPTY=\nMESSAGE=hello\n");
}
END_TEST

START_TEST(a_value_with_a_newline_adds_no_field_to_the_journal)
{
	static const struct log_field field = {"NEXUS_JOB_ID", "x\nPRIORITY=0\n"};
	struct log_line line = {A_MOMENT, LOG_INFO, "a\nMESSAGE=b", &field, 1};

	form(form_journal, &line, LINE_MAX_TESTED);
	assert_journal("NEXUS_JOB_ID", "x\nPRIORITY=0\n");
	assert_journal("PRIORITY", "6");
	assert_journal("MESSAGE", "a\\nMESSAGE=b");
}
END_TEST

START_TEST(a_long_value_is_cut_for_the_journal_and_marked)
{
	static char value[3 * LOG_VALUE_MAX];
	char cut[LOG_VALUE_MAX + sizeof "…"];
	struct log_field field = {"NEXUS_JOB_ID", value};
	struct log_line line = {A_MOMENT, LOG_INFO, "hello", &field, 1};

	memset(value, 'x', sizeof value - 1);
	memset(cut, 'x', LOG_VALUE_MAX);
	strcpy(cut + LOG_VALUE_MAX, "…");
	form(form_journal, &line, LINE_MAX_TESTED);
	assert_journal("NEXUS_JOB_ID", cut);

	value[3] = cut[3] = '\n';
	form(form_journal, &line, LINE_MAX_TESTED);
	assert_journal("NEXUS_JOB_ID", cut);
	assert_journal("MESSAGE", "hello");
}
END_TEST

START_TEST(fields_leave_the_journal_room_for_the_message)
{
	static char value[LOG_VALUE_MAX];
	struct log_field fields[8];
	struct log_line line = {A_MOMENT, LOG_INFO, "hello", fields, N_OF(fields)};

	memset(value, 'x', sizeof value - 1);
	for (size_t i = 0; i < N_OF(fields); i++)
		fields[i] = (struct log_field){"NEXUS_X", value};
	form(form_journal, &line, LINE_MAX_TESTED);
	assert_journal("MESSAGE", "hello");
}
END_TEST

START_TEST(journal_datagrams_are_well_formed_whatever_bytes_and_sizes)
{
	for (unsigned round = 0; round < 5000; round++) {
		char texts[3][1500];
		size_t len;

		for (int i = 0; i < 3; i++) {
			unsigned n = random_below(random_below(8) ? 60 : sizeof texts[i]);
			for (unsigned k = 0; k < n; k++)
				texts[i][k] = (char)(1 + random_below(random_below(2) ? 255 : 13));
			texts[i][n] = '\0';
		}
		struct log_field fields[] = {{"NEXUS_A", texts[1]}, {"NEXUS_B", texts[2]}};
		struct log_line line = {A_MOMENT, LOG_INFO, texts[0], fields, 2};
		form(form_journal, &line, LOG_LINE_MIN + random_below(3000));
		ck_assert_ptr_nonnull(journal_value("MESSAGE", &len));
		ck_assert_ptr_null(journal_value("NO_SUCH_FIELD", &len));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("log_line");
	TCase *text = tcase_create("text");
	TCase *json = tcase_create("json");
	TCase *journal = tcase_create("journal");

	tcase_add_checked_fixture(text, NULL, teardown);
	tcase_add_test(text, text_has_time_level_and_message);
	tcase_add_test(text, colour_follows_the_level_and_ends_with_the_line);
	tcase_add_test(text, for_a_syslog_the_priority_is_a_prefix);
	tcase_add_test(text, no_message_forges_a_line_or_moves_a_cursor);
	tcase_add_test(text, a_message_that_just_fits_is_whole_and_one_byte_more_is_marked);
	tcase_add_test(text, a_cut_never_parts_a_character_or_an_escape);
	suite_add_tcase(suite, text);

	tcase_add_checked_fixture(json, NULL, teardown);
	tcase_add_test(json, json_has_time_level_message_and_fields);
	tcase_add_test(json, json_says_what_the_texts_hold);
	tcase_add_test(json, json_replaces_what_is_not_utf_8);
	tcase_add_test(json, json_is_valid_whatever_bytes_and_sizes);
	tcase_add_test(json, a_long_message_leaves_json_room_for_its_fields);
	tcase_set_timeout(json, 60);
	suite_add_tcase(suite, json);

	tcase_add_checked_fixture(journal, NULL, teardown);
	tcase_add_test(journal, the_journal_gets_priority_identifier_fields_and_message);
	tcase_add_test(journal, a_value_with_a_newline_adds_no_field_to_the_journal);
	tcase_add_test(journal, a_long_value_is_cut_for_the_journal_and_marked);
	tcase_add_test(journal, fields_leave_the_journal_room_for_the_message);
	tcase_add_test(journal, journal_datagrams_are_well_formed_whatever_bytes_and_sizes);
	tcase_set_timeout(journal, 60);
	suite_add_tcase(suite, journal);
	return test_suite_run(suite);
}

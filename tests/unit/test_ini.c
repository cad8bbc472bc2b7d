#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../support/test_suite.h"
#include "base/ini.h"

/* What was read, one line for each key, and what was complained about. */
static struct strbuf entries, problems;

static void setup(void)
{
	entries = STRBUF_INIT;
	problems = STRBUF_INIT;
}

static void teardown(void)
{
	strbuf_done(&entries);
	strbuf_done(&problems);
}

static struct ini *parse_bytes(enum ini_dialect dialect, const char *text, size_t len)
{
	struct ini *ini = NULL;

	ck_assert_int_eq(ini_parse("f", text, len, dialect, &problems, &ini), 0);
	for (size_t i = 0; i < ini->n_entries; i++) {
		const struct ini_entry *e = &ini->entries[i];

		if (!e->key)
			continue;
		strbuf_printf(&entries, "%u:[%s", e->line, e->section.name);
		if (e->section.argument)
			strbuf_printf(&entries, "|%s", e->section.argument);
		strbuf_printf(&entries, "]%s%s%s=%s\n", e->parent ? e->parent : "",
			e->parent ? "." : "", e->key, e->value);
	}
	return ini;
}

static void parse(enum ini_dialect dialect, const char *text)
{
	ini_free(parse_bytes(dialect, text, strlen(text)));
}

#define expect_entries(text)  ck_assert_str_eq(strbuf_str(&entries), text)
#define expect_problems(text) ck_assert_str_eq(strbuf_str(&problems), text)

START_TEST(sections_keys_and_values_are_listed_in_order_with_their_lines)
{
	parse(INI_NEXUS, "# first\n\n[queue]\nurl = https://q/1/n#x ; y\n"
			 "\twait_time=20s\n  ; note\n[ job   make thumbnail ]\ntimeout = 1s");
	expect_entries("4:[queue]url=https://q/1/n#x ; y\n5:[queue]wait_time=20s\n"
		       "8:[job|make thumbnail]timeout=1s\n");
	expect_problems("");
}
END_TEST

START_TEST(every_problem_is_reported_and_the_rest_is_read)
{
	parse(INI_NEXUS, "early = 1\n[queue\nlost = 1\n[]\n[log]\nlevel info\n = x\nlevel = info\n"
			 "[log] # no\n");
	expect_entries("8:[log]level=info\n");
	expect_problems("f:1: nothing may stand before the first [section]\n"
			"f:2: a section's name must end with \"]\"\n"
			"f:4: a section needs a name between \"[\" and \"]\"\n"
			"f:6: neither \"[section]\" nor \"key = value\" nor a comment\n"
			"f:7: a key's name is missing before \"=\"\n"
			"f:9: a section's name must end with \"]\"\n");
}
END_TEST

START_TEST(a_backslash_goes_on_in_the_next_line)
{
	parse(INI_NEXUS, "[a]\nx = one \\\n# between\n   two\\\nthree\ny = end\\");
	expect_entries("2:[a]x=one two three\n6:[a]y=end\n");

	strbuf_reset(&entries);
	parse(INI_NEXUS, "[a]\nx = one\\\n\ny = 2\nz =\\\n  \\\n late\n");
	expect_entries("2:[a]x=one\n4:[a]y=2\n5:[a]z=late\n");
	expect_problems("");
}
END_TEST

START_TEST(keys_keep_their_case_and_a_later_one_is_found)
{
	static const char text[] =
		"[a]\nKey = 1\nkey = 2\n[b]\nkey = 3\n[a]\nkey = 4\n[a x]\nkey=5\n";
	struct ini *ini = parse_bytes(INI_NEXUS, text, strlen(text));

	ck_assert_str_eq(ini_find(ini, "a", NULL, "key")->value, "4");
	ck_assert_str_eq(ini_find(ini, "a", NULL, "Key")->value, "1");
	ck_assert_str_eq(ini_find(ini, "a", "x", "key")->value, "5");
	ck_assert_ptr_null(ini_find(ini, "b", NULL, "Key"));
	ck_assert_ptr_null(ini_find(ini, "b", "x", "key"));
	ck_assert_uint_eq(ini_find(ini, "a", NULL, NULL)->line, 6);
	ck_assert_uint_eq(ini_find(ini, "a", "x", NULL)->line, 8);
	ck_assert_ptr_null(ini_find(ini, "c", NULL, NULL));
	ini_free(ini);
}
END_TEST

START_TEST(crlf_and_a_byte_order_mark_are_accepted)
{
	parse(INI_NEXUS, "\xef\xbb\xbf[a]\r\nx = 1\r\n\r\ny = 2\\\r\n 3\r\n");
	parse(INI_AWS, "\xef\xbb\xbf[a]\r\nx = 1\r\n\r\n 2\r\n");
	expect_entries("2:[a]x=1\n4:[a]y=2 3\n2:[a]x=1\n2\n");
	expect_problems("");
}
END_TEST

START_TEST(no_line_is_too_long)
{
	size_t len = 1 << 20;
	char *text = malloc(len);
	memcpy(text, "[a]\nx=", 6);
	memset(text + 6, 'v', len - 6);

	struct ini *ini = NULL;
	ck_assert_int_eq(ini_parse("f", text, len, INI_NEXUS, &problems, &ini), 0);
	ck_assert_uint_eq(ini->n_entries, 2);
	ck_assert_uint_eq(strlen(ini->entries[1].value), len - 6);
	ini_free(ini);
	free(text);
}
END_TEST

START_TEST(a_hundred_thousand_entries_are_read)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_puts(&text, "[a]\n");
	for (unsigned i = 0; i < 100000; i++)
		strbuf_printf(&text, "key%u = %u\n", i, i);
	struct ini *ini = NULL;
	ck_assert_int_eq(
		ini_parse("f", strbuf_str(&text), text.len, INI_NEXUS, &problems, &ini), 0);
	ck_assert_uint_eq(ini->n_entries, 1 + 100000);
	ck_assert_str_eq(ini->entries[100000].key, "key99999");
	ini_free(ini);
	strbuf_done(&text);
}
END_TEST

START_TEST(binary_garbage_is_refused_line_by_line_and_never_quoted)
{
	static const char text[] = "[a]\nx = s\0cret\ny = s\1cret\nz = 1\n\x7f\n\xff\xfe secret\n";

	ini_free(parse_bytes(INI_NEXUS, text, sizeof text - 1));
	expect_entries("4:[a]z=1\n");
	expect_problems("f:2: a control character: this is no line of text\n"
			"f:3: a control character: this is no line of text\n"
			"f:5: a control character: this is no line of text\n"
			"f:6: neither \"[section]\" nor \"key = value\" nor a comment\n");
}
END_TEST

START_TEST(endless_problems_are_listed_up_to_a_hundred_and_counted)
{
	struct strbuf text = STRBUF_INIT;

	for (unsigned i = 0; i < 250; i++)
		strbuf_puts(&text, "x\n");
	ini_free(parse_bytes(INI_NEXUS, strbuf_str(&text), text.len));

	const char *last = strstr(strbuf_str(&problems), "f:100: ");
	ck_assert_ptr_nonnull(last);
	ck_assert_str_eq(strchr(last, '\n'), "\nf: and 150 problems more\n");
	strbuf_done(&text);
}
END_TEST

START_TEST(past_the_ceiling_is_an_error_and_leaves_ret_alone)
{
	char *text = malloc(INI_FILE_MAX + 1);
	struct ini *ini = (struct ini *)&problems;

	memset(text, '#', INI_FILE_MAX + 1);
	ck_assert_int_eq(
		ini_parse("f", text, INI_FILE_MAX + 1, INI_NEXUS, &problems, &ini), -EFBIG);
	ck_assert_ptr_eq(ini, &problems);
	ck_assert_int_eq(ini_parse("f", text, INI_FILE_MAX, INI_NEXUS, &problems, &ini), 0);
	ini_free(ini);
	free(text);
}
END_TEST

START_TEST(a_file_is_read_and_a_missing_one_is_its_errno)
{
	char path[] = "/tmp/test-ini-XXXXXX";
	int fd = mkstemp(path);
	struct ini *ini = NULL;

	ck_assert_int_eq(write(fd, "[a]\nx\n", 6), 6);
	close(fd);
	ck_assert_int_eq(ini_read(path, INI_AWS, &problems, &ini), 0);
	ck_assert_uint_eq(ini->n_problems, 1);
	ck_assert_uint_eq(ini->n_entries, 1);
	ini_free(ini);
	unlink(path);

	ck_assert_int_eq(ini_read(path, INI_AWS, &problems, &ini), -ENOENT);
	ck_assert_int_eq(ini_read("/", INI_AWS, &problems, &ini), -EISDIR);
	ck_assert_int_eq(ini_read("/dev/zero", INI_AWS, &problems, &ini), -EFBIG);
}
END_TEST

#define NO_CLOSE   "a section's name must end with \"]\"\n"
#define NO_SECTION "nothing may stand before the first [section]\n"
#define NO_SIGN    "neither \"[section]\" nor \"key = value\" nor a comment\n"
#define NO_KEY     "a key's name is missing before \"=\"\n"
#define NO_VALUE   "an indented line continues a value, but there is none above it\n"

/* The grammar of the shared files, case by case: text, entries, problems. */
static const struct {
	const char *text;
	const char *entries;
	const char *problems;
} aws[] = {
	{"", "", ""},
	{"[profile foo]", "", ""},
	{"[profile \tfoo \t]\na=1", "2:[profile|foo]a=1\n", ""},
	{"[profile\tfoo]\na=1", "2:[profile|foo]a=1\n", ""},
	{"[default] ; x ] y\na=1", "2:[default]a=1\n", ""},
	{"[default]# x\na=1", "2:[default]a=1\n", ""},
	{"[default\na=1\n b\n[b]\nc=1", "5:[b]c=1\n", "f:1: " NO_CLOSE},
	{"[de;fault]\na=1", "", "f:1: " NO_CLOSE},
	{"[a] b\nc=1", "", "f:1: " NO_CLOSE},
	{"a=1", "", "f:1: " NO_SECTION},
	{" a=1", "", "f:1: " NO_SECTION},
	{"[a]\nName \t=  \tv=w \t", "2:[a]name=v=w\n", ""},
	{"[a]\nn = \xf0\x9f\x98\x82", "2:[a]n=\xf0\x9f\x98\x82\n", ""},
	{"[a]\nn =", "2:[a]n=\n", ""},
	{"[a]\n= v", "", "f:2: " NO_KEY},
	{"[a]\nk : v", "", "f:2: " NO_SIGN},
	{"\t \n[a]\n\t\n \nn = v\n", "5:[a]n=v\n", ""},
	{"# c\n; c\n[a]\nn = v # c # c\nm = v ;\n", "4:[a]n=v\n5:[a]m=v\n", ""},
	{"[a]\nn = v; c\nm = v# c", "2:[a]n=v; c\n3:[a]m=v# c\n", ""},
	{"[a]\nn ; = v", "", "f:2: " NO_SIGN},
	{"[a]\nn = v ; c\n \t -w ; c \t \n -x # c", "2:[a]n=v\n-w ; c\n-x # c\n", ""},
	{"[a]\nn = v\n# c\n\n -w\nm = 2", "2:[a]n=v\n-w\n6:[a]m=2\n", ""},
	{"[a]\n -w", "", "f:2: " NO_VALUE},
	{"[a]\nn = v\n[a]\n -w", "2:[a]n=v\n", "f:4: " NO_VALUE},
	{"[a]\nn = v\nk\n -w", "2:[a]n=v\n", "f:3: " NO_SIGN "f:4: " NO_VALUE},
	{"[a]\nS3 =\n Name = v ; c\n\t \n\tm =\n o = 1\nn = 2",
		"2:[a]s3=\n3:[a]s3.name=v\n5:[a]s3.m=\n6:[a]s3.o=1\n7:[a]n=2\n", ""},
	{"[a]\ns3 = ; c\n n = v", "2:[a]s3=\n3:[a]s3.n=v\n", ""},
	{"[a]\ns3 =\n bad\n = v\n n = w", "2:[a]s3=\n5:[a]s3.n=w\n",
		"f:3: " NO_SIGN "f:4: " NO_KEY},
	{"[a]\nx = \\\n[b]\ny = 1\\", "2:[a]x=\\\n4:[b]y=1\\\n", ""},
};

START_TEST(the_shared_files_of_the_sdks_are_read_by_their_grammar)
{
	parse(INI_AWS, aws[_i].text);
	expect_entries(aws[_i].entries);
	expect_problems(aws[_i].problems);
}
END_TEST

START_TEST(sub_properties_are_not_found_as_properties)
{
	static const char text[] = "[services x]\nsqs =\n endpoint_url = http://h\n";
	struct ini *ini = parse_bytes(INI_AWS, text, strlen(text));

	ck_assert_ptr_null(ini_find(ini, "services", "x", "endpoint_url"));
	ck_assert_ptr_nonnull(ini_find(ini, "services", "x", "sqs"));
	ini_free(ini);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ini");
	TCase *both = tcase_create("both");
	TCase *shared = tcase_create("aws");

	tcase_add_checked_fixture(both, setup, teardown);
	tcase_add_test(both, sections_keys_and_values_are_listed_in_order_with_their_lines);
	tcase_add_test(both, every_problem_is_reported_and_the_rest_is_read);
	tcase_add_test(both, a_backslash_goes_on_in_the_next_line);
	tcase_add_test(both, keys_keep_their_case_and_a_later_one_is_found);
	tcase_add_test(both, crlf_and_a_byte_order_mark_are_accepted);
	tcase_add_test(both, no_line_is_too_long);
	tcase_add_test(both, a_hundred_thousand_entries_are_read);
	tcase_add_test(both, binary_garbage_is_refused_line_by_line_and_never_quoted);
	tcase_add_test(both, endless_problems_are_listed_up_to_a_hundred_and_counted);
	tcase_add_test(both, past_the_ceiling_is_an_error_and_leaves_ret_alone);
	tcase_add_test(both, a_file_is_read_and_a_missing_one_is_its_errno);
	suite_add_tcase(suite, both);

	tcase_add_checked_fixture(shared, setup, teardown);
	tcase_add_loop_test(
		shared, the_shared_files_of_the_sdks_are_read_by_their_grammar, 0, N_OF(aws));
	tcase_add_test(shared, sub_properties_are_not_found_as_properties);
	suite_add_tcase(suite, shared);
	return test_suite_run(suite);
}

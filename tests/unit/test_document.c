/*
 * What documents the keys must say what the key table says. When this fails because a key changed,
 * WRITE=1 makes it write the sample anew, to be looked at and committed with the change.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/test_suite.h"
#include "base/file.h"
#include "base/ini.h"
#include "conf/document.h"
#include "conf/keys.h"

#define SAMPLE "conf/nexus-worker.conf"
#define PAGE   "docs/settings.md"
#define MANUAL "man/nexus-worker.conf.5"

static struct strbuf sample;

static void setup(void)
{
	sample = STRBUF_INIT;
	document_sample(&sample);
}

static void teardown(void)
{
	strbuf_done(&sample);
}

START_TEST(the_sample_in_the_tree_is_what_the_key_table_says)
{
	struct strbuf text = STRBUF_INIT;

	if (getenv("WRITE")) {
		FILE *f = fopen(SAMPLE, "we");
		ck_assert_ptr_nonnull(f);
		ck_assert_int_ge(fputs(strbuf_str(&sample), f), 0);
		ck_assert_int_eq(fclose(f), 0);
	}
	ck_assert_int_eq(file_read(SAMPLE, STRBUF_CEILING_DEFAULT, &text), 0);
	ck_assert_str_eq(strbuf_str(&text), strbuf_str(&sample));
	strbuf_done(&text);
}
END_TEST

START_TEST(the_sample_gives_every_key_its_default)
{
	struct strbuf problems = STRBUF_INIT, uncommented = STRBUF_INIT;
	struct ini *ini = NULL;
	size_t n = 0;

	/* "#key = value" stands for a key, "# words" for a comment. */
	for (char *line = strtok(sample.data, "\n"); line; line = strtok(NULL, "\n"))
		strbuf_printf(&uncommented, "%s\n", line + (line[0] == '#' && line[1] != ' '));
	ck_assert_int_eq(ini_parse("sample", strbuf_str(&uncommented), uncommented.len, INI_NEXUS,
				 &problems, &ini),
		0);
	ck_assert_str_eq(strbuf_str(&problems), "");

	for (size_t i = 0; i < ini->n_entries; i++) {
		const struct ini_entry *e = &ini->entries[i];
		if (!e->key)
			continue;
		const struct key *key = keys_find(e->section.name, e->key);
		ck_assert_ptr_nonnull(key);
		ck_assert_str_eq(e->value, key->fallback ? key->fallback : "");
		n++;
	}
	ck_assert_uint_eq(n, n_keys);
	ini_free(ini);
	strbuf_done(&uncommented);
	strbuf_done(&problems);
}
END_TEST

START_TEST(no_line_of_the_sample_is_wider_than_a_screen)
{
	for (char *line = strtok(sample.data, "\n"); line; line = strtok(NULL, "\n"))
		ck_assert_msg(strlen(line) <= 100, "%s", line);
}
END_TEST

START_TEST(the_table_has_a_row_for_every_key)
{
	struct strbuf table = STRBUF_INIT;
	size_t n_rows = 0;

	document_table(&table);
	for (const char *c = strbuf_str(&table); *c; c++)
		n_rows += *c == '\n';
	ck_assert_uint_eq(n_rows, 2 + n_keys);
	ck_assert_ptr_nonnull(strstr(strbuf_str(&table),
		"\n| `[queue] wait_time` | `NEXUS_QUEUE_WAIT_TIME` | `20s` | How long a request "));
	ck_assert_ptr_nonnull(strstr(strbuf_str(&table),
		"\n| `[job TYPE] max_concurrency` |  | `0`, as many as there are threads | At "));
	strbuf_done(&table);
}
END_TEST

static void assert_has(const char *path, void write(struct strbuf *out))
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT, part = STRBUF_INIT;

	write(&part);
	ck_assert_int_eq(file_read(path, STRBUF_CEILING_DEFAULT, &text), 0);
	ck_assert_msg(strstr(strbuf_str(&text), strbuf_str(&part)) != NULL, "%s lacks this:\n%s",
		path, strbuf_str(&part));
}

START_TEST(the_page_of_the_settings_has_that_table)
{
	assert_has(PAGE, document_table);
}
END_TEST

START_TEST(the_manual_page_has_that_list)
{
	assert_has(MANUAL, document_manual);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("document");
	TCase *tcase = tcase_create("document");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, the_sample_in_the_tree_is_what_the_key_table_says);
	tcase_add_test(tcase, the_sample_gives_every_key_its_default);
	tcase_add_test(tcase, no_line_of_the_sample_is_wider_than_a_screen);
	tcase_add_test(tcase, the_table_has_a_row_for_every_key);
	tcase_add_test(tcase, the_page_of_the_settings_has_that_table);
	tcase_add_test(tcase, the_manual_page_has_that_list);
	suite_add_tcase(suite, tcase);
	return test_suite_run(suite);
}

/* Files of settings, ours and the AWS SDKs': base/ini. */
#include <assert.h>
#include <stdbool.h>

#include "base/ini.h"
#include "fuzz.h"

/* What seeds have where a secret would be: no problem quotes any part of a line. */
#define SECRET "hunter2"

static void assert_is_inside(const struct ini *ini, const char *text)
{
	if (!text)
		return;
	assert(text >= ini->text && text + strlen(text) <= ini->text + ini->text_len);
}

static void assert_is_line(const char *text)
{
	for (; text && *text; text++)
		assert((unsigned char)*text >= ' ' || *text == '\t');
}

static void assert_entry(const struct ini *ini, const struct ini_entry *e, enum ini_dialect dialect)
{
	assert(*e->section.name && e->line > 0);
	assert(!e->key == !e->value && (!e->parent || (e->key && dialect == INI_AWS)));
	assert_is_inside(ini, e->section.name);
	assert_is_inside(ini, e->section.argument);
	assert_is_inside(ini, e->parent);
	assert_is_inside(ini, e->key);
	assert_is_inside(ini, e->value);
	assert_is_line(e->section.name);
	assert_is_line(e->section.argument);
	assert_is_line(e->key);
	if (dialect == INI_NEXUS)
		assert_is_line(e->value);
}

/* Each is a line that begins with the place. */
static void assert_problems(const struct strbuf *problems, unsigned n_problems)
{
	unsigned n_lines = 0;

	for (const char *line = strbuf_str(problems); *line; n_lines++) {
		assert(strncmp(line, "a file:", 7) == 0);
		const char *end = strchr(line, '\n');
		assert(end);
		line = end + 1;
	}
	assert(n_lines == (n_problems > INI_PROBLEMS_MAX ? INI_PROBLEMS_MAX + 1 : n_problems));
	assert(!strstr(strbuf_str(problems), SECRET));
}

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static void print(const struct ini_entry *e, struct strbuf *out)
{
	if (e->key)
		strbuf_printf(out, "%s = %s\n", e->key, e->value);
	else
		strbuf_printf(out, "[%s%s%s]\n", e->section.name, e->section.argument ? " " : "",
			e->section.argument ? e->section.argument : "");
}

/* All but a value with a backslash at its end, which can only be the file's last. */
static void assert_reads_again(const struct ini *ini)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT, problems = STRBUF_INIT;
	_cleanup_(ini_freep) struct ini *again = NULL;

	for (size_t i = 0; i < ini->n_entries; i++) {
		const char *value = ini->entries[i].value;
		if (value && *value && value[strlen(value) - 1] == '\\')
			return;
		print(&ini->entries[i], &text);
	}
	int r = ini_parse("a file", strbuf_str(&text), text.len, INI_NEXUS, &problems, &again);
	assert(r == 0 && again->n_problems == 0 && again->n_entries == ini->n_entries);
	for (size_t i = 0; i < ini->n_entries; i++) {
		const struct ini_entry *a = &ini->entries[i], *b = &again->entries[i];
		assert(same(a->section.name, b->section.name));
		assert(same(a->section.argument, b->section.argument));
		assert(same(a->key, b->key) && same(a->value, b->value));
	}
}

static void parse(const char *text, size_t len, enum ini_dialect dialect)
{
	_cleanup_strbuf_ struct strbuf problems = STRBUF_INIT;
	_cleanup_(ini_freep) struct ini *ini = NULL;

	assert(ini_parse("a file", text, len, dialect, &problems, &ini) == 0);
	assert_problems(&problems, ini->n_problems);
	for (size_t i = 0; i < ini->n_entries; i++) {
		const struct ini_entry *e = &ini->entries[i];
		assert_entry(ini, e, dialect);
		if (!e->parent)
			assert(ini_find(ini, e->section.name, e->section.argument, e->key) >= e);
	}
	if (dialect == INI_NEXUS)
		assert_reads_again(ini);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	parse((const char *)data, size, INI_NEXUS);
	parse((const char *)data, size, INI_AWS);
	return 0;
}

#include "base/ini.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/file.h"

/*
 * The text is copied once and cut into strings where it stands: a value that goes on over several
 * lines only ever moves towards the front, into room that line ends and blanks have left.
 */
struct ini_parser {
	const char *name;
	enum ini_dialect dialect;
	struct strbuf *problems;
	unsigned line; /* the one that is being read */

	struct ini_entry *entries;
	size_t n_entries;
	unsigned n_problems;

	struct ini_section section; /* name is NULL before the first */
	bool skipping;              /* behind a header that could not be read */
	const char *parent;         /* the key whose sub-properties may follow */
	char *value_end;            /* the NUL behind the value that may go on; or NULL */
	bool continues;             /* that value ended in a backslash */
};

static bool ini_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool ini_is_comment_sign(char c)
{
	return c == '#' || c == ';';
}

static char *ini_skip_blanks(char *text)
{
	while (ini_is_blank(*text))
		text++;
	return text;
}

/* Cuts blanks off both ends; returns the new start. */
static char *ini_trim(char *text)
{
	text = ini_skip_blanks(text);
	size_t len = strlen(text);
	while (len > 0 && ini_is_blank(text[len - 1]))
		text[--len] = '\0';
	return text;
}

__attribute__((format(printf, 2, 3))) static void ini_complain(
	struct ini_parser *p, const char *format, ...)
{
	if (p->n_problems++ >= INI_PROBLEMS_MAX)
		return;
	strbuf_printf(p->problems, "%s:%u: ", p->name, p->line);
	va_list args;
	va_start(args, format);
	strbuf_vprintf(p->problems, format, args);
	va_end(args);
	strbuf_putc(p->problems, '\n');
}

/* The array with room for one more behind n; it doubles whenever n is a power of two. */
static void *ini_with_room(void *items, size_t n, size_t item_bytes)
{
	if (n & (n - 1))
		return items;
	return reallocarray(items, n ? 2 * n : 1, item_bytes);
}

static int ini_add_entry(
	struct ini_parser *p, const char *parent, const char *key, const char *value)
{
	struct ini_entry *all = ini_with_room(p->entries, p->n_entries, sizeof *all);

	if (!all)
		return -ENOMEM;
	all[p->n_entries] = (struct ini_entry){
		.section = p->section,
		.parent = parent,
		.key = key,
		.value = value,
		.line = p->line,
	};
	p->entries = all;
	p->n_entries++;
	return 0;
}

/* AWS: cuts the comment that begins behind a blank, or anywhere. */
static void ini_cut_comment(char *text, bool anywhere)
{
	for (char *c = text; *c; c++)
		if (ini_is_comment_sign(*c) && (anywhere || (c > text && ini_is_blank(c[-1])))) {
			*c = '\0';
			return;
		}
}

static void ini_close_value(struct ini_parser *p)
{
	p->parent = NULL;
	p->value_end = NULL;
	p->continues = false;
}

static int ini_parse_header(struct ini_parser *p, char *line)
{
	ini_close_value(p);
	p->skipping = true;
	if (p->dialect == INI_AWS)
		ini_cut_comment(line, true);

	char *name = ini_trim(line) + 1;
	size_t len = strlen(name);
	if (len == 0 || name[len - 1] != ']') {
		ini_complain(p, "a section's name must end with \"]\"");
		return 0;
	}
	name[len - 1] = '\0';
	name = ini_trim(name);
	if (!*name) {
		ini_complain(p, "a section needs a name between \"[\" and \"]\"");
		return 0;
	}

	char *argument = name + strcspn(name, " \t");
	if (*argument) {
		*argument++ = '\0';
		argument = ini_skip_blanks(argument);
	} else {
		argument = NULL;
	}
	p->skipping = false;
	p->section = (struct ini_section){.name = name, .argument = argument};
	return ini_add_entry(p, NULL, NULL, NULL);
}

/* Cuts "key = value" in two, both trimmed; false and a problem where that is not what it is. */
static bool ini_split_property(struct ini_parser *p, char *line, char **ret_key, char **ret_value)
{
	if (p->dialect == INI_AWS)
		ini_cut_comment(line, false);
	char *sign = strchr(line, '=');
	if (!sign) {
		ini_complain(p, "neither \"[section]\" nor \"key = value\" nor a comment");
		return false;
	}
	*sign = '\0';

	char *key = ini_trim(line);
	if (!*key) {
		ini_complain(p, "a key's name is missing before \"=\"");
		return false;
	}
	if (p->dialect == INI_AWS)
		for (char *c = key; *c; c++)
			*c = (char)tolower((unsigned char)*c);
	*ret_key = key;
	*ret_value = ini_trim(sign + 1);
	return true;
}

/* A backslash at the end of the value that is open says that it goes on. */
static void ini_note_backslash(struct ini_parser *p, const char *value)
{
	p->continues = p->value_end > value && p->value_end[-1] == '\\';
	if (!p->continues)
		return;
	p->value_end--;
	while (p->value_end > value && ini_is_blank(p->value_end[-1]))
		p->value_end--;
	*p->value_end = '\0';
}

static int ini_parse_property(struct ini_parser *p, char *line)
{
	char *key, *value;

	ini_close_value(p);
	if (p->skipping)
		return 0;
	if (!p->section.name) {
		ini_complain(p, "nothing may stand before the first [section]");
		return 0;
	}
	if (!ini_split_property(p, line, &key, &value))
		return 0;
	int r = ini_add_entry(p, NULL, key, value);
	if (r < 0)
		return r;

	p->value_end = value + strlen(value);
	if (p->dialect == INI_NEXUS)
		ini_note_backslash(p, value);
	else if (!*value)
		p->parent = key;
	return 0;
}

/* Moves text to the end of the value that is open, behind a joint or (NUL) without one. */
static void ini_extend_value(struct ini_parser *p, char joint, const char *text)
{
	size_t len = strlen(text);

	if (joint)
		*p->value_end++ = joint;
	memmove(p->value_end, text, len + 1);
	p->value_end += len;
}

static int ini_parse_indented(struct ini_parser *p, char *line)
{
	char *key, *value;

	if (p->skipping)
		return 0;
	if (!p->value_end) {
		ini_complain(p, "an indented line continues a value, but there is none above it");
		return 0;
	}
	if (!p->parent) {
		ini_extend_value(p, '\n', ini_trim(line));
		return 0;
	}
	if (!ini_split_property(p, line, &key, &value))
		return 0;
	return ini_add_entry(p, p->parent, key, value);
}

static void ini_parse_continuation(struct ini_parser *p, char *line)
{
	const char *value = p->entries[p->n_entries - 1].value;
	char *text = ini_trim(line);

	p->continues = false;
	if (!*text)
		return;
	ini_extend_value(p, *value ? ' ' : '\0', text);
	ini_note_backslash(p, value);
}

static int ini_parse_line(struct ini_parser *p, char *line)
{
	char *text = ini_skip_blanks(line);

	if (p->dialect == INI_AWS) {
		if (!*text || ini_is_comment_sign(*line))
			return 0;
		if (ini_is_blank(*line))
			return p->section.name || p->skipping ? ini_parse_indented(p, line)
							      : ini_parse_property(p, line);
	} else {
		if (ini_is_comment_sign(*text))
			return 0;
		if (p->continues) {
			ini_parse_continuation(p, text);
			return 0;
		}
		if (!*text)
			return 0;
	}
	return *text == '[' ? ini_parse_header(p, text) : ini_parse_property(p, text);
}

static bool ini_has_control_character(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)line[i] < ' ' && line[i] != '\t') || line[i] == 0x7f)
			return true;
	return false;
}

/* Cuts up the len bytes of text, which has room for a NUL behind them. */
static int ini_parse_text(struct ini_parser *p, char *text, size_t len)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf";
	char *end = text + len, *line = text;

	if (strncmp(line, byte_order_mark, strlen(byte_order_mark)) == 0)
		line += strlen(byte_order_mark);

	for (char *next; line < end; line = next) {
		char *newline = memchr(line, '\n', (size_t)(end - line));
		char *stop = newline ? newline : end;
		next = stop + 1;
		if (stop > line && stop[-1] == '\r')
			stop--;
		*stop = '\0';
		p->line++;

		if (ini_has_control_character(line, (size_t)(stop - line))) {
			ini_complain(p, "a control character: this is no line of text");
			ini_close_value(p);
			continue;
		}
		int r = ini_parse_line(p, line);
		if (r < 0)
			return r;
	}
	return 0;
}

int ini_parse(const char *name, const char *text, size_t len, enum ini_dialect dialect,
	struct strbuf *problems, struct ini **ret)
{
	if (len > INI_FILE_MAX)
		return -EFBIG;

	_cleanup_(ini_freep) struct ini *ini = calloc(1, sizeof *ini);
	if (!ini)
		return -ENOMEM;
	ini->text = malloc(len + 1);
	if (!ini->text)
		return -ENOMEM;
	memcpy(ini->text, text, len);
	ini->text[len] = '\0';
	ini->text_len = len;

	struct ini_parser p = {.name = name, .dialect = dialect, .problems = problems};
	int r = ini_parse_text(&p, ini->text, len);
	ini->entries = p.entries;
	ini->n_entries = p.n_entries;
	ini->n_problems = p.n_problems;
	if (r < 0)
		return r;
	if (ini->n_problems > INI_PROBLEMS_MAX)
		strbuf_printf(problems, "%s: and %u problems more\n", name,
			ini->n_problems - INI_PROBLEMS_MAX);
	*ret = TAKE_PTR(ini);
	return 0;
}

int ini_read(const char *path, enum ini_dialect dialect, struct strbuf *problems, struct ini **ret)
{
	_cleanup_(strbuf_wipe) struct strbuf text = STRBUF_INIT;

	int r = file_read(path, INI_FILE_MAX, &text);
	if (r < 0)
		return r;
	return ini_parse(path, strbuf_str(&text), text.len, dialect, problems, ret);
}

static bool ini_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

const struct ini_entry *ini_find(
	const struct ini *ini, const char *section, const char *argument, const char *key)
{
	for (size_t i = ini->n_entries; i > 0; i--) {
		const struct ini_entry *e = &ini->entries[i - 1];

		if (!e->parent && ini_same(e->section.name, section) &&
			ini_same(e->section.argument, argument) && ini_same(e->key, key))
			return e;
	}
	return NULL;
}

struct ini *ini_free(struct ini *ini)
{
	if (!ini)
		return NULL;
	if (ini->text)
		explicit_bzero(ini->text, ini->text_len);
	free(ini->text);
	free(ini->entries);
	free(ini);
	return NULL;
}

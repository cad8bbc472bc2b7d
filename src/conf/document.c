#include "conf/document.h"

#include <stdbool.h>
#include <string.h>

#include "conf/keys.h"

#define COLUMNS        96
#define MANUAL_COLUMNS 78

static const char preamble[] =
	"# Settings of nexus-worker. What is commented out here is the default.\n"
	"#\n"
	"# Rather than editing this file, put the few lines that differ into a file of their own\n"
	"# whose name ends in .conf in the directory nexus-worker.conf.d beside this one: an "
	"upgrade\n"
	"# leaves it alone. Later wins: the default, this file, those files by name, the "
	"environment,\n"
	"# the command line. Each key says which variables it has; the first that is set wins.\n"
	"#\n"
	"# Durations take units (250ms, 30s, 5min, 1h), and are seconds without one. Sizes take K, "
	"M,\n"
	"# G and T (powers of 1024). An empty value puts the default back. A comment has to stand "
	"on a\n"
	"# line of its own; a line that ends in a backslash goes on in the next.\n"
	"#\n"
	"# nexus-worker --check-config tells of every mistake, --print-config where each value is "
	"from.\n";

/* Writes len bytes of text in lines that begin so, broken at blanks. */
static void document_wrap(
	const char *text, size_t len, const char *prefix, size_t columns, struct strbuf *out)
{
	const char *end = text + len;
	size_t column = 0;

	while (text < end) {
		size_t word = strcspn(text, " ");
		if (text + word > end)
			word = (size_t)(end - text);
		if (column > 0 && column + 1 + word > columns) {
			strbuf_putc(out, '\n');
			column = 0;
		}
		strbuf_puts(out, column == 0 ? prefix : " ");
		strbuf_append(out, text, word);
		column += word + (column == 0 ? strlen(prefix) : 1);
		text += word;
		text += strspn(text, " ");
	}
	strbuf_putc(out, '\n');
}

static void document_comment(const char *text, struct strbuf *out)
{
	document_wrap(text, strlen(text), "# ", COLUMNS, out);
}

static void document_variables(const struct key *key, const char *quote, struct strbuf *out)
{
	char own[KEY_ENVIRONMENT_MAX];

	if (!keys_environment(key, own))
		return;
	strbuf_printf(out, "%s%s%s", quote, own, quote);
	for (size_t i = 0; i < KEY_OTHER_NAMES_MAX && key->other_names[i]; i++)
		strbuf_printf(out, ", %s%s%s", quote, key->other_names[i], quote);
}

/* What the key is, and for whom. */
static void document_words(const struct key *key, struct strbuf *out)
{
	strbuf_puts(out, key->words);
	if (!key->kinds)
		return;
	strbuf_puts(out, " For ");
	keys_write_kinds(key, out);
	strbuf_putc(out, '.');
}

static void document_key(const struct key *key, struct strbuf *out)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;

	document_words(key, &text);
	strbuf_puts(&text, " Accepted: ");
	value_accept(&key->rule, &text);
	strbuf_putc(&text, '.');
	if (key->flags & KEY_REQUIRED)
		strbuf_puts(&text, " Required.");
	if (key->fallback_words) {
		strbuf_puts(&text, " Default: ");
		if (key->fallback)
			strbuf_printf(&text, "%s, ", key->fallback);
		strbuf_printf(&text, "%s.", key->fallback_words);
	}
	if (!keys_is_of_job(key)) {
		strbuf_puts(&text, " Environment: ");
		document_variables(key, "", &text);
		strbuf_putc(&text, '.');
	}
	strbuf_putc(out, '\n');
	document_comment(strbuf_str(&text), out);
	strbuf_printf(out, "#%s =%s%s\n", key->name, key->fallback ? " " : "",
		key->fallback ? key->fallback : "");
}

void document_sample(struct strbuf *out)
{
	strbuf_puts(out, preamble);
	for (size_t i = 0; i < n_key_sections; i++) {
		const struct key_section *section = &key_sections[i];

		strbuf_putc(out, '\n');
		document_comment(section->words, out);
		strbuf_printf(out, "[%s%s]\n", section->name,
			strcmp(section->name, KEY_JOB) == 0 ? " *" : "");
		for (const struct key *k = keys; k < keys + n_keys; k++)
			if (strcmp(k->section, section->name) == 0)
				document_key(k, out);
	}
}

static void document_default(const struct key *key, struct strbuf *out)
{
	if (key->fallback)
		strbuf_printf(out, "`%s`%s", key->fallback, key->fallback_words ? ", " : "");
	if (key->fallback_words)
		strbuf_puts(out, key->fallback_words);
	else if (key->flags & KEY_REQUIRED)
		strbuf_puts(out, "required");
}

void document_table(struct strbuf *out)
{
	strbuf_puts(out, "| key | environment | default | meaning |\n|---|---|---|---|\n");
	for (const struct key *k = keys; k < keys + n_keys; k++) {
		strbuf_printf(out, "| `[%s] %s` | ", keys_header(k->section), k->name);
		document_variables(k, "`", out);
		strbuf_puts(out, " | ");
		document_default(k, out);
		strbuf_puts(out, " | ");
		document_words(k, out);
		strbuf_puts(out, " |\n");
	}
}

/* ---- The manual page ---- */

/* Each sentence begins a line, as mdoc wants it. */
static void manual_words(const char *text, struct strbuf *out)
{
	while (*text) {
		const char *end = strstr(text, ". ");
		size_t len = end ? (size_t)(end + 1 - text) : strlen(text);

		document_wrap(text, len, "", MANUAL_COLUMNS, out);
		text += len;
		text += strspn(text, " ");
	}
}

static void manual_default(const struct key *key, struct strbuf *out)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	const char *value = key->fallback ? key->fallback : "";
	const char *words = key->fallback_words ? key->fallback_words : "";

	if (!*value && !*words)
		return;
	strbuf_printf(&text, "Default: %s%s%s.", value, *value && *words ? ", " : "", words);
	manual_words(strbuf_str(&text), out);
}

static void manual_key(const struct key *key, struct strbuf *out)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT, accepted = STRBUF_INIT;

	strbuf_printf(out, ".It Cm %s\n", key->name);
	document_words(key, &text);
	manual_words(strbuf_str(&text), out);
	strbuf_puts(&accepted, "Accepted: ");
	value_accept(&key->rule, &accepted);
	strbuf_putc(&accepted, '.');
	manual_words(strbuf_str(&accepted), out);
	if (key->flags & KEY_REQUIRED)
		strbuf_puts(out, "Required.\n");
	manual_default(key, out);
	if (keys_is_of_job(key))
		return;
	strbuf_puts(out, "Environment: ");
	document_variables(key, "", out);
	strbuf_puts(out, ".\n");
	if (key->flags & KEY_RESTART)
		strbuf_puts(out, "A change needs a restart.\n");
}

void document_manual(struct strbuf *out)
{
	for (size_t i = 0; i < n_key_sections; i++) {
		const struct key_section *section = &key_sections[i];

		strbuf_printf(out, ".Ss [%s]\\&\n", keys_header(section->name));
		manual_words(section->words, out);
		strbuf_puts(out, ".Bl -tag -width Ds\n");
		for (const struct key *k = keys; k < keys + n_keys; k++)
			if (strcmp(k->section, section->name) == 0)
				manual_key(k, out);
		strbuf_puts(out, ".El\n");
	}
}

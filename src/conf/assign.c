#include "conf/assign.h"

#include <errno.h>
#include <string.h>

/* Bytes of a value that a message quotes. */
#define QUOTE_MAX 40

/* URLs may hold passwords in places where none belongs, so only the other values are quoted. */
static bool assign_may_quote(const struct key *key)
{
	return !(key->flags & KEY_PRIVATE) && key->rule.type != &value_queue_url &&
	       key->rule.type != &value_endpoint;
}

static void assign_quote(const char *text, struct strbuf *out)
{
	size_t len = strnlen(text, QUOTE_MAX);
	bool cut = text[len];

	/* Not within a character of several bytes. */
	while (cut && len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	strbuf_putc(out, '"');
	for (size_t i = 0; i < len; i++)
		strbuf_putc(out, (unsigned char)text[i] < ' ' ? '?' : text[i]);
	strbuf_puts(out, cut ? "…\"" : "\"");
}

/* Whether quotation marks mean something in its values. */
static bool assign_takes_words(const struct key *key)
{
	return key->rule.type == &value_program || key->rule.type == &value_environment;
}

/* The two habits of other configuration files that most often make a value wrong. */
static const char *assign_hint(const struct key *key, const char *text)
{
	if (strstr(text, " #") || strstr(text, " ;"))
		return " (a comment has to stand on a line of its own)";
	if (assign_takes_words(key))
		return "";
	if (text[0] == '"' || text[0] == '\'')
		return " (values stand without quotation marks)";
	return "";
}

static void assign_complain(const struct key *key, const struct assign_value *value,
	const char *wrong, struct report *report)
{
	_cleanup_strbuf_ struct strbuf line = STRBUF_INIT;

	strbuf_printf(&line, "%s: ", value->from);
	if (value->shown)
		strbuf_printf(&line, "%s: ", value->shown);
	if (assign_may_quote(key))
		assign_quote(value->text, &line);
	else
		strbuf_puts(&line, "the value");
	strbuf_printf(&line, " %s%s, accepted is ", wrong, assign_hint(key, value->text));
	value_accept(&key->rule, &line);
	report_problem(report, "%s", strbuf_str(&line));
}

int assign(const struct key *key, void *base, char **origins, const struct assign_value *value,
	struct report *report)
{
	_cleanup_strbuf_ struct strbuf wrong = STRBUF_INIT;

	if (!*value->text) {
		int r = keys_read_fallback(key, base);
		return r < 0 ? r : keys_note(key, origins, NULL);
	}
	int r = keys_read(key, base, value->text, &wrong);
	if (r == -EINVAL)
		assign_complain(key, value, strbuf_str(&wrong), report);
	else if (r < 0)
		return r;
	/* Noted for a bad value too: it was given, and must not be called missing. */
	return keys_note(key, origins, value->from);
}

int assign_fallbacks(void *base, bool of_job)
{
	for (const struct key *k = keys; k < keys + n_keys; k++) {
		if (keys_is_of_job(k) != of_job)
			continue;
		int r = keys_read_fallback(k, base);
		if (r < 0)
			return r;
	}
	return 0;
}

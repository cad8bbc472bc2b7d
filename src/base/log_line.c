#include "base/log_line.h"

#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/utf8.h"

#define MARK     "…"
#define MARK_LEN (sizeof MARK - 1)

/* What one character becomes: the longest are \u001b in JSON, and four bytes as \xf0\x9f\x98\x80.
 */
#define ESCAPE_MAX 16

/* The line being written; end is where it may not pass, and len never does. */
struct writer {
	char *data;
	size_t len;
	size_t end;
};

static bool writer_put(struct writer *w, const char *text, size_t len)
{
	if (len > w->end - w->len)
		return false;
	memcpy(w->data + w->len, text, len);
	w->len += len;
	return true;
}

static bool writer_puts(struct writer *w, const char *text)
{
	return writer_put(w, text, strlen(text));
}

/* Turns the character at text, len bytes away from the end, into what may be shown. */
typedef size_t escape_fn(const char *text, size_t len, char ret[ESCAPE_MAX], size_t *ret_len);

/* How many bytes, max at the most, stand for themselves in every form: most do. */
static size_t plain_run(const char *text, size_t max)
{
	size_t n = 0;

	while (n < max && text[n] >= ' ' && text[n] <= '~' && text[n] != '"' && text[n] != '\\')
		n++;
	return n;
}

/* As much of text as there is room for, marked if that is not all. There is room for the mark. */
static void writer_escape(struct writer *w, const char *text, size_t max, escape_fn *escape)
{
	size_t left = strlen(text);
	size_t end = w->end;

	if (max < end - w->len)
		end = w->len + max;
	/* Where the last character ended that leaves room for the mark. */
	size_t fallback = w->len;
	while (left > 0) {
		char shown[ESCAPE_MAX];
		const char *what = text;
		size_t room = end - w->len;
		size_t n = plain_run(text, room > MARK_LEN ? room - MARK_LEN : 0);
		size_t what_len = n;

		if (n == 0) {
			n = escape(text, left, shown, &what_len);
			what = shown;
		}
		if (what_len > room) {
			w->len = fallback;
			writer_put(w, MARK, MARK_LEN);
			return;
		}
		writer_put(w, what, what_len);
		if (w->len + MARK_LEN <= end)
			fallback = w->len;
		text += n;
		left -= n;
	}
}

static size_t escape_hex(const char *text, size_t n, char ret[ESCAPE_MAX])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];
		char *at = ret + 4 * i;
		at[0] = '\\';
		at[1] = 'x';
		at[2] = digits[c >> 4];
		at[3] = digits[c & 0xf];
	}
	return 4 * n;
}

static size_t escape_copy(const char *text, size_t n, char ret[ESCAPE_MAX])
{
	memcpy(ret, text, n);
	return n;
}

static size_t escape_text(const char *text, size_t len, char ret[ESCAPE_MAX], size_t *ret_len)
{
	size_t n = utf8_sequence(text, len);

	if (n == 0)
		*ret_len = escape_hex(text, n = 1, ret);
	else if (*text == '\n')
		*ret_len = escape_copy("\\n", 2, ret);
	else if (*text == '\t')
		*ret_len = escape_copy("\\t", 2, ret);
	else if (utf8_steers(utf8_decode(text, n)))
		*ret_len = escape_hex(text, n, ret);
	else
		*ret_len = escape_copy(text, n, ret);
	return n;
}

static size_t escape_json(const char *text, size_t len, char ret[ESCAPE_MAX], size_t *ret_len)
{
	size_t n = utf8_sequence(text, len);
	uint32_t c = n ? utf8_decode(text, n) : 0;

	if (n == 0) {
		n = 1;
		*ret_len = escape_copy("\\ufffd", 6, ret);
	} else if (c == '"' || c == '\\') {
		ret[0] = '\\';
		ret[1] = (char)c;
		*ret_len = 2;
	} else if (utf8_steers(c)) {
		*ret_len = (size_t)snprintf(ret, ESCAPE_MAX, "\\u%04x", c);
	} else {
		*ret_len = escape_copy(text, n, ret);
	}
	return n;
}

/* "2026-01-31T12:34:56", then digits of the second's fraction, then "Z". */
static void writer_time(struct writer *w, usec_t time, int digits)
{
	time_t seconds = (time_t)(time / USEC_PER_SEC);
	struct tm tm;
	char whole[32], text[48];

	gmtime_r(&seconds, &tm);
	strftime(whole, sizeof whole, "%Y-%m-%dT%H:%M:%S", &tm);
	int fraction = (int)(time % USEC_PER_SEC);
	for (int i = digits; i < 6; i++)
		fraction /= 10;
	snprintf(text, sizeof text, "%s.%0*dZ", whole, digits, fraction);
	writer_puts(w, text);
}

static const char *colour_of(int priority)
{
	if (priority <= LOG_ERR)
		return "\033[1;31m";
	if (priority == LOG_WARNING)
		return "\033[1;33m";
	if (priority == LOG_NOTICE)
		return "\033[1m";
	return priority == LOG_DEBUG ? "\033[2m" : "";
}

static void writer_text_head(
	struct writer *w, const struct log_line *line, enum log_text_style style)
{
	char level[16];

	if (style == LOG_TEXT_SYSLOG) {
		snprintf(level, sizeof level, "<%d>", line->priority);
		writer_puts(w, level);
		return;
	}
	writer_time(w, line->time, 3);
	snprintf(level, sizeof level, " %-7s ", log_level_name(line->priority));
	if (style == LOG_TEXT_COLOUR)
		writer_puts(w, colour_of(line->priority));
	writer_puts(w, level);
}

size_t log_line_text(
	const struct log_line *line, enum log_text_style style, char *buffer, size_t size)
{
	const char *tail = style == LOG_TEXT_COLOUR ? "\033[0m\n" : "\n";
	struct writer w = {.data = buffer, .end = size - strlen(tail)};

	assert(size >= LOG_LINE_MIN);
	writer_text_head(&w, line, style);
	writer_escape(&w, line->message, SIZE_MAX, escape_text);
	w.end = size;
	writer_puts(&w, tail);
	return w.len;
}

/* NEXUS_JOB_ID is "job_id" here. The catalog's MESSAGE_ID would meet NEXUS_MESSAGE_ID. */
static void writer_json_name(struct writer *w, const char *name)
{
	static const char prefix[] = "NEXUS_";

	if (strcmp(name, "MESSAGE_ID") == 0)
		name = "EVENT_ID";
	else if (strncmp(name, prefix, strlen(prefix)) == 0)
		name += strlen(prefix);
	for (; *name; name++) {
		char c = (char)tolower((unsigned char)*name);
		writer_put(w, &c, 1);
	}
}

static void writer_json_field(struct writer *w, const struct log_field *field)
{
	const size_t around = strlen(",\"\":\"\"") + MARK_LEN;
	size_t end = w->end;

	if (!field->value || strlen(field->name) + around > end - w->len)
		return;
	writer_puts(w, ",\"");
	writer_json_name(w, field->name);
	writer_puts(w, "\":\"");
	w->end = end - 1;
	writer_escape(w, field->value, LOG_VALUE_MAX, escape_json);
	w->end = end;
	writer_puts(w, "\"");
}

size_t log_line_json(const struct log_line *line, char *buffer, size_t size)
{
	static const char tail[] = "}\n";
	struct writer w = {.data = buffer, .end = size - strlen(tail)};

	assert(size >= LOG_LINE_MIN);
	writer_puts(&w, "{\"time\":\"");
	writer_time(&w, line->time, 6);
	writer_puts(&w, "\",\"level\":\"");
	writer_puts(&w, log_level_name(line->priority));
	writer_puts(&w, "\",\"message\":\"");
	/* A quarter is the fields'. */
	writer_escape(&w, line->message, size / 4 * 3 - w.len, escape_json);
	writer_puts(&w, "\"");
	for (size_t i = 0; i < line->n_fields; i++)
		writer_json_field(&w, &line->fields[i]);
	w.end = size;
	writer_puts(&w, tail);
	return w.len;
}

/* The length of a value that holds a newline goes before it, as eight bytes, the lowest first. */
static void writer_journal_length(struct writer *w, size_t len)
{
	for (int i = 0; i < 8; i++) {
		char byte = (char)((uint64_t)len >> (8 * i));
		writer_put(w, &byte, 1);
	}
}

static void writer_journal_field(struct writer *w, const struct log_field *field)
{
	if (!field->value)
		return;

	size_t value_len = strlen(field->value);
	size_t cut = utf8_cut(field->value, value_len, LOG_VALUE_MAX);
	const char *mark = cut < value_len ? MARK : "";
	size_t around = strlen(field->name) + strlen("\n") + 8 + MARK_LEN + strlen("\n");

	if (cut + around > w->end - w->len)
		return;
	writer_puts(w, field->name);
	if (memchr(field->value, '\n', cut)) {
		writer_puts(w, "\n");
		writer_journal_length(w, cut + strlen(mark));
	} else {
		writer_puts(w, "=");
	}
	writer_put(w, field->value, cut);
	writer_puts(w, mark);
	writer_puts(w, "\n");
}

size_t log_line_journal(
	const struct log_line *line, const char *identifier, char *buffer, size_t size)
{
	char priority[] = {(char)('0' + line->priority), '\0'};
	struct writer w = {.data = buffer, .end = size - 1};

	assert(size >= LOG_LINE_MIN);
	writer_journal_field(&w, &(struct log_field){"PRIORITY", priority});
	writer_journal_field(&w, &(struct log_field){"SYSLOG_IDENTIFIER", identifier});
	/* A quarter, as in JSON, is the message's at least. */
	w.end = size / 4 * 3;
	for (size_t i = 0; i < line->n_fields; i++)
		writer_journal_field(&w, &line->fields[i]);
	w.end = size - 1;
	writer_puts(&w, "MESSAGE=");
	writer_escape(&w, line->message, SIZE_MAX, escape_text);
	w.end = size;
	writer_puts(&w, "\n");
	return w.len;
}

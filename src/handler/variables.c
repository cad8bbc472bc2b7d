#include "handler/variables.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/words.h"

#define FILE_CEILING (256u << 10)
#define BLANKS       " \t\r"

static __attribute__((format(printf, 2, 3))) int refuse(
	char ret_error[VARIABLES_ERROR_MAX], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(ret_error, VARIABLES_ERROR_MAX, format, args);
	va_end(args);
	return -EINVAL;
}

static void wipe(char *word)
{
	explicit_bzero(word, strlen(word));
	free(word);
}

void variables_done(struct variables *variables)
{
	for (size_t i = 0; i < variables->n_words; i++)
		wipe(variables->words[i]);
	free(variables->words);
	*variables = (struct variables){0};
}

bool variables_same_key(const char *word, const char *other)
{
	size_t len = strcspn(word, "=");

	return strncmp(word, other, len) == 0 && (other[len] == '=' || other[len] == '\0');
}

/* Takes word. */
static int take(struct variables *variables, char *word)
{
	for (size_t i = 0; i < variables->n_words; i++) {
		if (!variables_same_key(variables->words[i], word))
			continue;
		wipe(variables->words[i]);
		variables->words[i] = word;
		return 0;
	}
	char **words = reallocarray(variables->words, variables->n_words + 2, sizeof *words);
	if (!words) {
		wipe(word);
		return -ENOMEM;
	}
	words[variables->n_words++] = word;
	words[variables->n_words] = NULL;
	variables->words = words;
	return 0;
}

int variables_put(struct variables *variables, const char *word)
{
	char *copy = strdup(word);

	return copy ? take(variables, copy) : -ENOMEM;
}

int variables_set(struct variables *variables, const char *name, const char *value)
{
	char *word = NULL;

	return asprintf(&word, "%s=%s", name, value) < 0 ? -ENOMEM : take(variables, word);
}

/* ---- Words ---- */

static int put_all(struct variables *variables, char **words, char ret_error[VARIABLES_ERROR_MAX])
{
	int r = 0;

	for (size_t i = 0; r == 0 && words[i]; i++) {
		if (words_key_len(words[i]) == 0)
			return refuse(ret_error,
				"word %zu is not KEY=VALUE (a value with blanks goes in quotes: "
				"KEY=\"…\")",
				i + 1);
		r = variables_put(variables, words[i]);
	}
	return r;
}

int variables_put_words(
	struct variables *variables, const char *line, char ret_error[VARIABLES_ERROR_MAX])
{
	const char *reason = NULL;
	char **words = NULL;

	int r = words_split(line, &words, &reason);
	if (r < 0)
		return r == -EINVAL ? refuse(ret_error, "%s", reason) : r;
	r = put_all(variables, words, ret_error);
	for (size_t i = 0; words[i]; i++)
		explicit_bzero(words[i], strlen(words[i]));
	free(words);
	return r;
}

/* ---- The file ---- */

/* Closes up a quoted value in its place. Why it cannot; NULL: it can. */
static const char *unquote(char *value)
{
	char quote = *value, *to = value;
	const char *from = value + 1;

	for (; *from && *from != quote; *to++ = *from++)
		if (quote == '"' && *from == '\\' && from[1] && strchr("\"\\$`", from[1]))
			from++;
	if (*from != quote)
		return "the quote that begins the value is not closed on its line";
	*to = '\0';
	return from[1] ? "something follows the value's closing quote" : NULL;
}

/* Cuts the blanks off both ends. */
static char *strip(char *text)
{
	text += strspn(text, BLANKS);
	size_t len = strlen(text);
	while (len > 0 && strchr(BLANKS, text[len - 1]))
		len--;
	text[len] = '\0';
	return text;
}

/* One line, which is changed. ret_reason: NULL, or why it is not one; static. */
static int take_line(struct variables *variables, char *line, const char **ret_reason)
{
	line = strip(line);
	if (*line == '\0' || *line == '#' || *line == ';')
		return 0;
	if (strncmp(line, "export ", strlen("export ")) == 0) {
		*ret_reason = "a line is KEY=VALUE, without \"export\": no shell reads this file";
		return -EINVAL;
	}
	if (words_key_len(line) == 0) {
		*ret_reason = "a line is KEY=VALUE, with letters, digits and _ in the key and no "
			      "blank before the =";
		return -EINVAL;
	}
	char *key = line, *value = line + words_key_len(line);
	*value++ = '\0';
	value = strip(value);
	*ret_reason = *value == '"' || *value == '\'' ? unquote(value) : NULL;
	return *ret_reason ? -EINVAL : variables_set(variables, key, value);
}

int variables_read(
	struct variables *variables, const char *path, char ret_error[VARIABLES_ERROR_MAX])
{
	_cleanup_(strbuf_wipe) struct strbuf all = STRBUF_INIT;
	const char *reason = NULL;
	unsigned line = 0;

	int r = file_read(path, FILE_CEILING, &all);
	if (r == -EFBIG)
		return refuse(ret_error, "%s: it has more than 256K", path);
	if (r < 0) {
		refuse(ret_error, "%s: %s", path, strerrordesc_np(-r));
		return r;
	}
	if (memchr(strbuf_str(&all), '\0', all.len))
		return refuse(ret_error, "%s: a NUL byte is in it", path);
	for (char *at = all.data; r == 0 && at && *at; line++) {
		char *next = at + strcspn(at, "\n");
		if (*next)
			*next++ = '\0';
		r = take_line(variables, at, &reason);
		at = next;
	}
	return reason ? refuse(ret_error, "%s:%u: %s", path, line, reason) : r;
}

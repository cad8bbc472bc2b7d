#include "base/words.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"

#define BLANKS " \t\r\n"

static const char *skip_blanks(const char *at)
{
	for (;;) {
		at += strspn(at, BLANKS);
		if (strncmp(at, "\\\n", 2) != 0)
			return at;
		at += 2;
	}
}

/* The character behind a backslash; a line end vanishes with it. */
static void take_escaped(const char **from, char **to)
{
	if (**from != '\n')
		*(*to)++ = **from;
	(*from)++;
}

/* From behind the opening quote to behind the closing one; or to the line's end. */
static bool take_quoted(const char **from, char **to, char quote)
{
	while (**from && **from != quote) {
		char c = *(*from)++;
		if (quote == '"' && c == '\\' && **from && strchr("$`\"\\\n", **from))
			take_escaped(from, to);
		else
			*(*to)++ = c;
	}
	return *(*from)++ == quote;
}

/* One word, which has begun. Why it does not end; NULL: it does, with a NUL. */
static const char *take_word(const char **from, char **to)
{
	while (**from && !strchr(BLANKS, **from)) {
		char c = *(*from)++;
		if (c == '\\' && **from == '\0')
			return "nothing follows its last backslash";
		if ((c == '\'' || c == '"') && !take_quoted(from, to, c))
			return "a quote in it is not closed";
		if (c == '\\')
			take_escaped(from, to);
		else if (c != '\'' && c != '"')
			*(*to)++ = c;
	}
	*(*to)++ = '\0';
	return NULL;
}

int words_split(const char *line, char ***ret, const char **ret_reason)
{
	/* A word is at least one character and a blank, and no longer than it is written. */
	size_t len = strlen(line), n_max = len / 2 + 1, n = 0;
	_cleanup_free_ char **words = malloc((n_max + 1) * sizeof *words + len + 1);

	if (!words)
		return -ENOMEM;
	char *to = (char *)(words + n_max + 1);
	for (line = skip_blanks(line); *line; line = skip_blanks(line)) {
		words[n++] = to;
		const char *reason = take_word(&line, &to);
		if (reason) {
			*ret_reason = reason;
			return -EINVAL;
		}
	}
	words[n] = NULL;
	*ret = TAKE_PTR(words);
	return 0;
}

size_t words_key_len(const char *word)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
				      "0123456789";
	size_t len = strspn(word, letters);

	return word[len] == '=' && (*word < '0' || *word > '9') ? len : 0;
}

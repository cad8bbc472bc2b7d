/*
 * A command line in words, split as a POSIX shell does, which is not asked: blanks and line ends
 * part words; in '…' everything is as written; in "…" a backslash stands before $ ` " \ or a line
 * end and takes their meaning away, elsewhere before any character. Nothing else has a meaning: no
 * variables, patterns, comments, pipes. Pure.
 */
#pragma once

#include <stddef.h>

/*
 * Returns owned: the words as an argv, ended by NULL, to be released with one free(). There may be
 * none. -EINVAL: a quote is not closed, or nothing follows the last backslash, and ret_reason says
 * which (static); -ENOMEM.
 */
int words_split(const char *line, char ***ret, const char **ret_reason);

/*
 * How long the name of a variable is that a word of the form NAME=VALUE begins with: a letter or _
 * first, then letters, digits and _; 0: the word is not of that form.
 */
size_t words_key_len(const char *word);

/*
 * The environment that a program is to get: KEY=VALUE words, each key once.
 *
 * Owns its words, which may be secret: they are wiped. What is wrong with a file or a line is said
 * without quoting it. Not locked; reading a file blocks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define VARIABLES_ERROR_MAX 512 /* bytes, with the NUL */

struct variables {
	char **words; /* ended by a NULL, once there is one */
	size_t n_words;
};

/* May be called twice. */
void variables_done(struct variables *variables);

/* A later value wins. 0 or -ENOMEM. */
int variables_set(struct variables *variables, const char *name, const char *value);
/* The same, of "KEY=VALUE", in which there must be a "=". */
int variables_put(struct variables *variables, const char *word);

/*
 * KEY=VALUE words of one line, split as base/words does. 0, -EINVAL and what is wrong, or -ENOMEM.
 */
int variables_put_words(
	struct variables *variables, const char *line, char ret_error[VARIABLES_ERROR_MAX]);

/*
 * A file as systemd's EnvironmentFile= has it, in its simple form: KEY=VALUE, one a line; empty
 * lines and those that begin with # or ; do not count; a value may be in '…', as it is written, or
 * in "…", where a backslash takes the meaning of " \ $ ` away; else it goes to the line's end, as
 * it is written, less the blanks around it. At most 256 KiB. 0, -ENOMEM, -EINVAL or a negative
 * errno, and what is wrong ("PATH:LINE: …").
 */
int variables_read(
	struct variables *variables, const char *path, char ret_error[VARIABLES_ERROR_MAX]);

/* Whether both begin with the same key. */
bool variables_same_key(const char *word, const char *other);

/*
 * A text from anywhere as part of one line on a terminal: valid UTF-8, and nothing in it moves the
 * cursor, changes the direction of writing, or steers the terminal otherwise. Pure, but for the
 * locale's LC_CTYPE, by which a character is wide; main() sets it.
 */
#pragma once

#include <stddef.h>

/*
 * The bytes of the character at the beginning of text; 0 if it is none, or one that would do more
 * than be seen.
 */
size_t cell_character(const char *text, size_t len);

/* Owned; NULL: no memory. A line end or tab becomes a blank, each other byte that may not stay "?".
 */
char *cell_new(const char *text);
/* The same of its first len bytes, none of them NUL. */
char *cell_new_of(const char *text, size_t len);

/* The columns that it takes. */
unsigned cell_width(const char *cell);
/* The bytes of its beginning that take at most so many columns; ret_width: so many. */
size_t cell_cut(const char *cell, unsigned width, unsigned *ret_width);

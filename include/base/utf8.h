/*
 * UTF-8 (RFC 3629) as it has to be recognised in what strangers send. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The length of the sequence at the beginning of text, 1 to 4; 0 if these bytes are not UTF-8
 * (overlong, a surrogate, above U+10FFFF, cut off) or len is 0.
 */
size_t utf8_sequence(const char *text, size_t len);

/* The code point of a sequence that utf8_sequence() has measured. */
uint32_t utf8_decode(const char *text, size_t len);

/* Whether it breaks a line, moves the cursor, commands a terminal, or turns the direction of
 * writing: of C0, of C1, or one of Unicode's. */
bool utf8_steers(uint32_t code_point);

/* code_point: at most U+10FFFF and no surrogate. Returns how many bytes were written. */
size_t utf8_encode(uint32_t code_point, char ret[4]);

/* The largest length <= max, and <= len, that does not cut a character of text in two. */
size_t utf8_cut(const char *text, size_t len, size_t max);

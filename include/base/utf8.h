/*
 * UTF-8 (RFC 3629) as it has to be recognised in what strangers send. Pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * The length of the sequence at the beginning of text, 1 to 4; 0 if these bytes are not UTF-8
 * (overlong, a surrogate, above U+10FFFF, cut off) or len is 0.
 */
size_t utf8_sequence(const char *text, size_t len);

/* The code point of a sequence that utf8_sequence() has measured. */
uint32_t utf8_decode(const char *text, size_t len);

/* code_point: at most U+10FFFF and no surrogate. Returns how many bytes were written. */
size_t utf8_encode(uint32_t code_point, char ret[4]);

/* The largest length <= max, and <= len, that does not cut a character of text in two. */
size_t utf8_cut(const char *text, size_t len, size_t max);

/*
 * For the tests that compare our reading of JSON with jansson's, on texts made at random.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* xorshift64: the same texts on every run. */
static inline unsigned random_below(unsigned n)
{
	static uint64_t state = UINT64_C(0x9e3779b97f4a7c15);

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state % n);
}

/* Jansson builds values, and so refuses some that are valid; all else it refuses we must, too. */
static inline bool jansson_cannot_build(const json_error_t *error)
{
	switch (json_error_code(error)) {
	case json_error_numeric_overflow:
	case json_error_null_byte_in_key:
		return true;
	default:
		return strncmp(error->text, "invalid Unicode '\\u", 19) == 0;
	}
}

/*
 * What a misspelt word was meant to be. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define NEAREST_WORD_MAX 64

/*
 * Insertions, deletions, replacements and swaps of neighbours that make b of a (the restricted
 * Damerau-Levenshtein distance); NEAREST_WORD_MAX where one of the two is longer than that.
 */
size_t nearest_distance(const char *a, const char *b);

/* Whether a reader would take word for a slip of meant: one letter, or up to three in a long word.
 */
bool nearest_is_slip(const char *word, const char *meant);

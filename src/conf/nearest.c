#include "conf/nearest.h"

#include <string.h>

#define SLIP_MAX 3

static size_t nearest_min(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t nearest_distance(const char *a, const char *b)
{
	size_t a_len = strlen(a), b_len = strlen(b);
	size_t rows[3][NEAREST_WORD_MAX + 1];
	size_t *before = rows[0], *last = rows[1], *row = rows[2];

	if (a_len > NEAREST_WORD_MAX || b_len > NEAREST_WORD_MAX)
		return NEAREST_WORD_MAX;
	for (size_t j = 0; j <= b_len; j++)
		before[j] = last[j] = j;

	for (size_t i = 1; i <= a_len; i++) {
		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			row[j] = last[j - 1] + (a[i - 1] != b[j - 1]);
			row[j] = nearest_min(row[j], nearest_min(last[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = nearest_min(row[j], before[j - 2] + 1);
		}
		size_t *oldest = before;
		before = last;
		last = row;
		row = oldest;
	}
	return last[b_len];
}

bool nearest_is_slip(const char *word, const char *meant)
{
	size_t distance = nearest_distance(word, meant);

	return distance <= 1 || distance <= nearest_min(strlen(meant) / 3, SLIP_MAX);
}

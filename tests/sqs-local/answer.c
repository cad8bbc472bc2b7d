#include "answer.h"

#include <string.h>

static size_t answer_min(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void answer_pad(size_t len, size_t at, char *to, size_t n)
{
	static const char head[] = "{\"padding\":\"", tail[] = "\"}";
	size_t tail_at = len - strlen(tail);

	for (size_t i = 0; i < n; i++, at++) {
		if (at < strlen(head))
			to[i] = head[at];
		else
			to[i] = at < tail_at ? 'x' : tail[at - tail_at];
	}
}

size_t answer_piece(const struct answer *answer, uint64_t at, char *to, size_t max)
{
	size_t n = answer_min(max, answer->body_len - at);

	switch (answer->manner) {
	case ANSWER_PADDED:
		answer_pad(answer->body_len, at, to, n);
		return n;
	case ANSWER_TRUNCATED:
		n = answer_min(max, answer->body_len / 2 - at);
		break;
	case ANSWER_DRIPPED:
		n = answer_min(n, answer->piece_len);
		break;
	case ANSWER_WHOLE:
		break;
	}
	if (n > 0)
		memcpy(to, answer->body + at, n);
	return n;
}

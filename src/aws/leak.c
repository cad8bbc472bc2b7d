#include "aws/leak.h"

#include <assert.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* So much of a secret is no coincidence, and no use. */
#define WINDOW         12
#define WINDOW_REQUEST 16

#define MARK_BITS 15
#define MARKS     (1U << MARK_BITS)

/* Where a window's mark is: its two halves, which overlap in a shorter one, are mixed. */
static uint32_t mark_of(const char *window, size_t len)
{
	uint64_t head, tail;

	assert(len >= sizeof head && len <= 2 * sizeof head);
	memcpy(&head, window, sizeof head);
	memcpy(&tail, window + len - sizeof tail, sizeof tail);
	uint64_t mixed = (head * 0x9e3779b97f4a7c15U ^ tail) * 0xc2b2ae3d27d4eb4fU;
	return (uint32_t)(mixed >> (64 - MARK_BITS));
}

/* All windows of what was said are marked, so that few of the secret's have to be looked for. */
static bool repeats(const char *said, const char *secret, size_t window_len)
{
	size_t said_len = strnlen(said, LEAK_SAID_MAX), secret_len = secret ? strlen(secret) : 0;
	unsigned char marks[MARKS / CHAR_BIT] = {0};

	for (size_t i = 0; i + window_len <= said_len; i++) {
		uint32_t mark = mark_of(said + i, window_len);
		marks[mark / CHAR_BIT] |= (unsigned char)(1U << mark % CHAR_BIT);
	}
	for (size_t i = 0; i + window_len <= secret_len; i++) {
		uint32_t mark = mark_of(secret + i, window_len);
		if (marks[mark / CHAR_BIT] >> mark % CHAR_BIT & 1 &&
			memmem(said, said_len, secret + i, window_len))
			return true;
	}
	return false;
}

bool leak_repeats(const char *said, const char *secret)
{
	return repeats(said, secret, WINDOW);
}

bool leak_repeats_request(const char *said, const char *request)
{
	return repeats(said, request, WINDOW_REQUEST);
}

bool leak_repeats_keys(const char *said, const struct credentials *signed_by)
{
	return signed_by && (leak_repeats(said, signed_by->secret_access_key) ||
				    leak_repeats(said, signed_by->session_token));
}

bool leak_is_in(const char *said, const struct credentials *signed_by)
{
	return strcasestr(said, "signature=") || strcasestr(said, "authorization:") ||
	       strcasestr(said, "security-token:") || strcasestr(said, "receipthandle") ||
	       leak_repeats_keys(said, signed_by);
}

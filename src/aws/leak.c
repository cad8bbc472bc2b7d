#include "aws/leak.h"

#include <assert.h>
#include <string.h>

/* So much of a secret is no coincidence, and no use. */
#define WINDOW         12
#define WINDOW_REQUEST 16

static bool repeats(const char *said, const char *secret, size_t window_len)
{
	char window[WINDOW_REQUEST + 1] = "";

	assert(window_len < sizeof window);
	for (; secret && strlen(said) >= window_len; said++) {
		memcpy(window, said, window_len);
		if (strstr(secret, window))
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

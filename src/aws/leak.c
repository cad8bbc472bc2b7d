#include "aws/leak.h"

#include <string.h>

/* So much of a secret is no coincidence, and no use. */
#define WINDOW 12

bool leak_repeats(const char *said, const char *secret)
{
	char window[WINDOW + 1] = "";

	for (; secret && strlen(said) >= WINDOW; said++) {
		memcpy(window, said, WINDOW);
		if (strstr(secret, window))
			return true;
	}
	return false;
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

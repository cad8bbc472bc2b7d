#include "base/uuid.h"

#include <assert.h>
#include <stdio.h>
#include <sys/random.h>

void uuid_make(char ret[static UUID_MAX])
{
	unsigned char b[16];

	/* So few bytes are always given whole. */
	ssize_t n = getrandom(b, sizeof b, 0);
	assert(n == (ssize_t)sizeof b);
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	snprintf(ret, UUID_MAX,
		"%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
		b[15]);
}

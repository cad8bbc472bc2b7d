#include "base/backoff.h"

#include <sys/random.h>

uint64_t backoff_random(uint64_t range)
{
	uint64_t r = 0;

	/* Without entropy (the first instants of a boot) the clock is jitter enough. */
	if (getrandom(&r, sizeof r, GRND_NONBLOCK) != (ssize_t)sizeof r)
		r = clock_monotonic() * UINT64_C(0x9e3779b97f4a7c15) >> 16;
	return range ? r % range : 0;
}

usec_t backoff_next(struct backoff *b)
{
	usec_t full = usec_max(1, usec_min(b->base, b->cap));

	for (unsigned i = 0; i < b->attempt && full < b->cap; i++)
		full = full > b->cap / 2 ? b->cap : full * 2;
	if (full < b->cap)
		b->attempt++;
	return full - backoff_random(full / 2);
}

void backoff_reset(struct backoff *b)
{
	b->attempt = 0;
}

#include "rng.h"

uint64_t rng_next(struct rng *rng)
{
	uint64_t z = rng->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

unsigned rng_below(struct rng *rng, unsigned range)
{
	return (unsigned)(rng_next(rng) % range);
}

void rng_uuid(struct rng *rng, char ret[RNG_UUID_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	static const char form[] = "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx";
	uint64_t bits = 0;

	for (unsigned i = 0, n_left = 0; i < sizeof form; i++) {
		if (form[i] != 'x' && form[i] != 'y') {
			ret[i] = form[i];
			continue;
		}
		if (n_left == 0) {
			bits = rng_next(rng);
			n_left = 16;
		}
		ret[i] = digits[form[i] == 'y' ? 8 + (bits & 3) : bits & 15];
		bits >>= 4;
		n_left--;
	}
}

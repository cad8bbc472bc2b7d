/*
 * Chance that can be repeated: splitmix64 from one seed. Not secret, not for keys.
 */
#pragma once

#include <stdint.h>

#define RNG_UUID_SIZE 37 /* with the NUL */

struct rng {
	uint64_t state;
};

uint64_t rng_next(struct rng *rng);
/* Evenly from [0, range); range is not 0. */
unsigned rng_below(struct rng *rng, unsigned range);
/* A version 4 UUID in lower case. */
void rng_uuid(struct rng *rng, char ret[RNG_UUID_SIZE]);

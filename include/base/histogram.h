/*
 * How many measurements there were up to each of some bounds, and their sum. One thread observes,
 * any may read; what it reads may lack what is being observed.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BOUNDS_MAX 18

struct histogram_bounds {
	const uint64_t *bounds; /* growing */
	size_t n;               /* at most HISTOGRAM_BOUNDS_MAX */
};

struct histogram {
	_Atomic(uint64_t) counts[HISTOGRAM_BOUNDS_MAX + 1]; /* the last: above all bounds */
	_Atomic(uint64_t) sum;
};

void histogram_observe(
	struct histogram *histogram, const struct histogram_bounds *bounds, uint64_t value);

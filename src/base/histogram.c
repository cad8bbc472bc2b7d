#include "base/histogram.h"

/* With one writer a load and a store are enough. */
static void histogram_add(_Atomic(uint64_t) *to, uint64_t n)
{
	atomic_store_explicit(
		to, atomic_load_explicit(to, memory_order_relaxed) + n, memory_order_relaxed);
}

void histogram_observe(
	struct histogram *histogram, const struct histogram_bounds *bounds, uint64_t value)
{
	size_t i = 0;

	while (i < bounds->n && value > bounds->bounds[i])
		i++;
	histogram_add(&histogram->counts[i], 1);
	histogram_add(&histogram->sum, value);
}

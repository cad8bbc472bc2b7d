#include "base/jump.h"

#include <stdlib.h>

#define SLEPT_MIN USEC_PER_SEC
/* More than a clock is put right by, little by little, between two looks. */
#define SET_MIN ((int64_t)(5 * USEC_PER_SEC))

/* Clocks that are read together differ by less. */
#define READING_MAX (100 * USEC_PER_MSEC)

/* Again where the reader was held up in between, for that looks like a jump. */
void jump_init(struct jump *jump)
{
	usec_t monotonic, boottime;

	do {
		monotonic = clock_monotonic();
		boottime = clock_boottime();
		jump->slept = usec_sub(boottime, monotonic);
		jump->set = (int64_t)(clock_realtime() - boottime);
	} while (clock_monotonic() - monotonic > READING_MAX);
}

bool jump_look(struct jump *jump, struct jump *ret_moved)
{
	struct jump now;

	jump_init(&now);
	usec_t slept = usec_sub(now.slept, jump->slept);
	int64_t set = now.set - jump->set;
	*jump = now;
	if (slept < SLEPT_MIN && llabs(set) < SET_MIN)
		return false;
	*ret_moved = (struct jump){
		.slept = slept < SLEPT_MIN ? 0 : slept,
		.set = llabs(set) < SET_MIN ? 0 : set,
	};
	return true;
}

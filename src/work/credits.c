#include "work/credits.h"

/* What an unknown body is taken for. */
#define BODY_BYTES_GUESSED 1024

void credits_init(struct credits *c, unsigned n_threads, const struct credits_limits *limits)
{
	*c = (struct credits){
		.n_threads = n_threads,
		.limits = *limits,
		.begin_allowance = 2 * n_threads,
	};
	pace_init(&c->ahead, n_threads, limits->prefetch_max);
}

static uint64_t room(uint64_t limit, uint64_t used)
{
	return limit > used ? limit - used : 0;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* It grows while the threads keep up with all of it, and falls by halves. */
unsigned credits_begin(struct credits *c, uint64_t n_turns, uint64_t n_started)
{
	uint64_t allowance = c->begin_allowance;

	if (n_turns == c->n_turns)
		return c->begin_allowance;
	uint64_t two_turns = 2 * (n_started - c->n_started) / (n_turns - c->n_turns);
	allowance = two_turns >= allowance ? 2 * allowance : most(two_turns, allowance / 2);
	allowance = least(allowance, c->limits.prefetch_max);
	c->begin_allowance = (unsigned)most(allowance, 2 * (uint64_t)c->n_threads);
	c->n_turns = n_turns;
	c->n_started = n_started;
	return c->begin_allowance;
}

/* As many average bodies as there is memory for. */
static uint64_t credits_memory_room(const struct credits *c, const struct credits_use *use)
{
	uint64_t average =
		use->n_bodies > 0 ? use->body_bytes / use->n_bodies + 1 : BODY_BYTES_GUESSED;

	return room(c->limits.memory, use->body_bytes) / average;
}

unsigned credits_receive(struct credits *c, const struct credits_use *use, usec_t now)
{
	unsigned ahead = pace_allow(&c->ahead, c->limits.prefetch_time, now, use->n_started);
	uint64_t wanted = c->n_threads + (use->ahead ? ahead : 0);
	uint64_t credits = room(wanted, use->n_need_thread + use->n_asked);

	uint64_t n_in_hand = use->n_holds + use->n_asked + use->n_undeleted;
	credits = least(credits, room(c->limits.prefetch_max, n_in_hand));
	return (unsigned)least(credits, room(credits_memory_room(c, use), use->n_asked));
}

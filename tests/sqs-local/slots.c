#include "slots.h"

#include "must.h"

uint32_t slots_put(struct slots *slots, struct local_message *message)
{
	uint32_t slot;

	if (slots->n_free > 0) {
		slot = slots->free[--slots->n_free];
	} else {
		if (slots->n_slots == slots->capacity) {
			uint32_t n = slots->capacity = slots->capacity ? 2 * slots->capacity : 256;
			slots->messages = must_grow(slots->messages, n, sizeof *slots->messages);
			slots->free = must_grow(slots->free, n, sizeof *slots->free);
		}
		slot = slots->n_slots++;
	}
	slots->messages[slot] = message;
	return slot;
}

struct local_message *slots_get(const struct slots *slots, uint32_t slot)
{
	return slot < slots->n_slots ? slots->messages[slot] : NULL;
}

void slots_free(struct slots *slots, uint32_t slot)
{
	slots->messages[slot] = NULL;
	slots->free[slots->n_free++] = slot;
}

void slots_done(struct slots *slots)
{
	free(slots->messages);
	free(slots->free);
	*slots = (struct slots){0};
}

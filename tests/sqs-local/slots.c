#include "slots.h"

#include "must.h"

void slots_init(struct slots *slots)
{
	*slots = (struct slots){.first_free = SLOTS_NONE};
}

void slots_done(struct slots *slots)
{
	free(slots->slots);
	slots_init(slots);
}

/* One more place at the end. */
static uint32_t slots_add(struct slots *slots)
{
	if (slots->n_slots == slots->capacity) {
		slots->capacity = slots->capacity ? 2 * slots->capacity : 256;
		slots->slots = must_grow(slots->slots, slots->capacity, sizeof *slots->slots);
	}
	return slots->n_slots++;
}

uint32_t slots_put(struct slots *slots, struct local_message *message)
{
	uint32_t slot = slots->first_free;

	if (slot == SLOTS_NONE)
		slot = slots_add(slots);
	else
		slots->first_free = slots->slots[slot].next_free;
	slots->slots[slot].message = message;
	return slot;
}

struct local_message *slots_get(const struct slots *slots, uint32_t slot)
{
	return slot < slots->n_slots ? slots->slots[slot].message : NULL;
}

void slots_free(struct slots *slots, uint32_t slot)
{
	slots->slots[slot] = (struct slot){.next_free = slots->first_free};
	slots->first_free = slot;
}

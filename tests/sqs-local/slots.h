/*
 * Where a message is, for a receipt handle that names its slot: an array of borrowed pointers whose
 * free places are chained and used again. A handle is only good while slot and serial belong
 * together.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct local_message;

struct slot {
	struct local_message *message; /* NULL: free */
	uint32_t next_free;
};

struct slots {
	struct slot *slots;
	uint32_t n_slots;
	uint32_t capacity;
	uint32_t first_free; /* SLOTS_NONE: all are taken */
};

#define SLOTS_NONE UINT32_MAX

void slots_init(struct slots *slots);
void slots_done(struct slots *slots);
uint32_t slots_put(struct slots *slots, struct local_message *message);
/* NULL for a free slot and for one that never was. */
struct local_message *slots_get(const struct slots *slots, uint32_t slot);
void slots_free(struct slots *slots, uint32_t slot);

/*
 * Where a message is, for a receipt handle that names its slot: an array of borrowed pointers whose
 * free places are used again. A handle is only good while slot and serial belong together.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct local_message;

struct slots {
	struct local_message **messages;
	uint32_t *free; /* a stack */
	uint32_t n_slots;
	uint32_t n_free;
	uint32_t capacity;
};

uint32_t slots_put(struct slots *slots, struct local_message *message);
/* NULL for a free slot and for one that never was. */
struct local_message *slots_get(const struct slots *slots, uint32_t slot);
void slots_free(struct slots *slots, uint32_t slot);
void slots_done(struct slots *slots);

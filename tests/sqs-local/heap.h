/*
 * Things that fall due, soonest first: a binary heap of deadlines that live inside what waits.
 *
 * Invariant: no node is later than one below it, and each knows its place, so that setting, moving
 * and removing one is O(log n) wherever it is. The heap owns its array only.
 */
#pragma once

#include <stddef.h>

#include "base/clock.h"

struct deadline {
	usec_t at;
	size_t place; /* from 1; 0: in no heap */
};

/* The moment stands beside the pointer, so that comparing does not have to follow it. */
struct heap_node {
	usec_t at;
	struct deadline *deadline; /* borrows */
};

struct heap {
	struct heap_node *nodes;
	size_t n_nodes;
	size_t capacity;
};

/* Puts d in, or moves it if it is in already. */
void heap_set(struct heap *heap, struct deadline *d, usec_t at);
/* Nothing happens if d is in no heap. */
void heap_remove(struct heap *heap, struct deadline *d);
/* The soonest, borrowed; NULL when empty. */
struct deadline *heap_first(const struct heap *heap);
/* Takes the soonest out if it is due by now, otherwise NULL. */
struct deadline *heap_take_due(struct heap *heap, usec_t now);
void heap_done(struct heap *heap);

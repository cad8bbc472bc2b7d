#include "heap.h"

#include "must.h"

/* Places count from 1, so that those below k are 2k and 2k + 1. */
static struct heap_node *heap_at(const struct heap *heap, size_t place)
{
	return &heap->nodes[place - 1];
}

static void heap_place(struct heap *heap, struct heap_node node, size_t place)
{
	*heap_at(heap, place) = node;
	node.deadline->place = place;
}

/* Finds the place for a node, from a free one upwards. */
static void heap_rise(struct heap *heap, struct heap_node node, size_t place)
{
	while (place > 1 && heap_at(heap, place / 2)->at > node.at) {
		heap_place(heap, *heap_at(heap, place / 2), place);
		place /= 2;
	}
	heap_place(heap, node, place);
}

/* The same downwards. */
static void heap_sink(struct heap *heap, struct heap_node node, size_t place)
{
	for (;;) {
		size_t child = 2 * place;
		if (child > heap->n_nodes)
			break;
		if (child < heap->n_nodes &&
			heap_at(heap, child + 1)->at < heap_at(heap, child)->at)
			child++;
		if (heap_at(heap, child)->at >= node.at)
			break;
		heap_place(heap, *heap_at(heap, child), place);
		place = child;
	}
	heap_place(heap, node, place);
}

static void heap_settle(struct heap *heap, struct heap_node node, size_t place)
{
	if (place > 1 && heap_at(heap, place / 2)->at > node.at)
		heap_rise(heap, node, place);
	else
		heap_sink(heap, node, place);
}

void heap_set(struct heap *heap, struct deadline *d, usec_t at)
{
	if (d->place == 0) {
		if (heap->n_nodes == heap->capacity) {
			heap->capacity = heap->capacity ? 2 * heap->capacity : 64;
			heap->nodes = must_grow(heap->nodes, heap->capacity, sizeof *heap->nodes);
		}
		d->place = ++heap->n_nodes;
	}
	d->at = at;
	heap_settle(heap, (struct heap_node){at, d}, d->place);
}

void heap_remove(struct heap *heap, struct deadline *d)
{
	if (d->place == 0)
		return;

	struct heap_node last = *heap_at(heap, heap->n_nodes);
	heap->n_nodes--;
	if (last.deadline != d)
		heap_settle(heap, last, d->place);
	d->place = 0;
}

struct deadline *heap_first(const struct heap *heap)
{
	return heap->n_nodes > 0 ? heap->nodes[0].deadline : NULL;
}

struct deadline *heap_take_due(struct heap *heap, usec_t now)
{
	struct deadline *first = heap_first(heap);

	if (!first || first->at > now)
		return NULL;
	heap_remove(heap, first);
	return first;
}

void heap_done(struct heap *heap)
{
	free(heap->nodes);
	*heap = (struct heap){0};
}

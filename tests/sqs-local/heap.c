#include "heap.h"

#include "must.h"

static void heap_place(struct heap *heap, struct deadline *d, size_t place)
{
	heap->nodes[place - 1] = d;
	d->place = place;
}

static void heap_rise(struct heap *heap, struct deadline *d)
{
	size_t place = d->place;

	while (place > 1 && heap->nodes[place / 2 - 1]->at > d->at) {
		heap_place(heap, heap->nodes[place / 2 - 1], place);
		place /= 2;
	}
	heap_place(heap, d, place);
}

static void heap_sink(struct heap *heap, struct deadline *d)
{
	size_t place = d->place;

	for (;;) {
		size_t child = 2 * place;
		if (child > heap->n_nodes)
			break;
		if (child < heap->n_nodes && heap->nodes[child]->at < heap->nodes[child - 1]->at)
			child++;
		if (heap->nodes[child - 1]->at >= d->at)
			break;
		heap_place(heap, heap->nodes[child - 1], place);
		place = child;
	}
	heap_place(heap, d, place);
}

void heap_set(struct heap *heap, struct deadline *d, usec_t at)
{
	d->at = at;
	if (d->place == 0) {
		if (heap->n_nodes == heap->capacity) {
			heap->capacity = heap->capacity ? 2 * heap->capacity : 64;
			heap->nodes = must_grow(heap->nodes, heap->capacity, sizeof *heap->nodes);
		}
		heap_place(heap, d, ++heap->n_nodes);
	}
	heap_rise(heap, d);
	heap_sink(heap, d);
}

void heap_remove(struct heap *heap, struct deadline *d)
{
	if (d->place == 0)
		return;

	struct deadline *last = heap->nodes[--heap->n_nodes];
	if (last != d) {
		heap_place(heap, last, d->place);
		heap_rise(heap, last);
		heap_sink(heap, last);
	}
	d->place = 0;
}

struct deadline *heap_first(const struct heap *heap)
{
	return heap->n_nodes > 0 ? heap->nodes[0] : NULL;
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

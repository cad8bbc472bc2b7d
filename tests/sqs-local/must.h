/*
 * Memory that is there, or the program ends: a tool for tests has nobody to tell and nothing to
 * save. Everything else that can fail is an answer to the client.
 */
#pragma once

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static inline void *must_zalloc(size_t size)
{
	void *p = calloc(1, size);
	assert(p);
	return p;
}

static inline void *must_grow(void *p, size_t n_items, size_t item_size)
{
	p = reallocarray(p, n_items, item_size);
	assert(p);
	return p;
}

static inline char *must_strdup(const char *text)
{
	char *copy = strdup(text);
	assert(copy);
	return copy;
}

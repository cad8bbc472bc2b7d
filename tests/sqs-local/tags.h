/*
 * A queue's tags, a map of names to values which only say what people want to know of it. Pure.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "failure.h"

/* May a tag be called so? */
bool tags_check_name(const char *name, struct failure *failure);

/* Adds more to the tags of the queue of that name; after false nothing is changed. */
bool tags_add(json_t *tags, const json_t *more, const char *queue, struct failure *failure);

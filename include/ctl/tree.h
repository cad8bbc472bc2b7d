/*
 * A folder and all that is in it. Links are not followed. Main thread; blocks.
 */
#pragma once

#include <stdint.h>

/* 0, or a negative errno and some of it may be left. */
int tree_remove(const char *path);

/* Bytes of all files in it that can be looked at. */
uint64_t tree_size(const char *path);

/*
 * Who could change what lies on the way to a path: who can, chooses what is written and removed
 * there by root.
 */
#pragma once

#define WAY_TEXT_MAX 512

/*
 * Every directory down to path, and path itself where it is there; as it is written, and as its
 * links lead. 0: root alone. A negative errno and one line: -EPERM, others can, or it cannot be
 * told.
 */
int way_is_roots(const char *path, char ret_text[static WAY_TEXT_MAX]);

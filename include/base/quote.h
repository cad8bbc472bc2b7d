/*
 * Foreign text made fit for a line of the log. Pure.
 */
#pragma once

#include <stddef.h>

/*
 * Into ret, of that size (at least 4) and ended by a NUL: whatever is not printable ASCII becomes
 * '?', and text that has no room ends with "...".
 */
void quote_text(const char *text, char *ret, size_t size);

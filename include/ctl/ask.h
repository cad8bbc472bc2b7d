/*
 * Asking before something is changed that cannot be changed back. Main thread.
 */
#pragma once

#include <stdbool.h>

/*
 * yes: --yes was given. Otherwise asks on the terminal and takes "y" or "yes"; where stdin is none
 * it is refused, and said how it would not be. 0, or 1 with what was said.
 */
int ask(bool yes, const char *format, ...) __attribute__((format(printf, 2, 3)));

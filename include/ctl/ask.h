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

/* The same of what --yes does not cover: option is what goes ahead, and was given. */
int ask_apart(bool given, const char *option, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Sentences for people, as wide as the terminal.
 */
#pragma once

#include <stdio.h>

/*
 * A line; where it is too wide for the terminal (80 without one) it is broken at blanks, and what
 * follows begins so many blanks further in. Nothing in it steers the terminal.
 */
void wrap_print(FILE *out, unsigned indent, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same where so many columns of the line are written already. */
void wrap_behind(FILE *out, unsigned column, unsigned indent, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

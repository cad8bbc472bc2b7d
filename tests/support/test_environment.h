/*
 * An environment of a test's own: what is not set there is not set, whatever the process has.
 */
#pragma once

#include <stddef.h>

/* NULL: not any more. Borrows the texts. */
void test_environment_set(const char *name, const char *value);

/* A credentials_getenv_fn. */
char *test_environment_get(const char *name);

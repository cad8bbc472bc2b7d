/*
 * Settings in the environment. It is given as data (as environ is), so a test needs no setenv().
 */
#pragma once

#include <stdbool.h>

#include "conf/report.h"
#include "conf/settings.h"

/* Borrowed; NULL where the variable is not set or, which means the same, empty. */
const char *environment_get(const char *const *environment, const char *name);

/* A switch of the SDKs: "true" in any case. */
bool environment_is_true(const char *const *environment, const char *name);

/* Assigns every key that has a variable; NEXUS_… beats its other names. 0 or -ENOMEM. */
int environment_read(
	const char *const *environment, struct settings *settings, struct report *report);

/*
 * Warns of variables that begin like ours and are none, or nearly have the name of one. A mistake
 * it cannot be: other programs that share the environment may use the same prefix.
 */
void environment_warn(const char *const *environment, struct report *report);

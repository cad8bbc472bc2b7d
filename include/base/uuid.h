/*
 * Random names that nobody else has given: version 4 UUIDs (RFC 9562). Any thread.
 */
#pragma once

#define UUID_MAX 37 /* with its NUL */

void uuid_make(char ret[static UUID_MAX]);

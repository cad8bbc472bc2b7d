/*
 * The moments in HTTP's headers (RFC 9110, 5.6.7). Pure.
 */
#pragma once

#include <stdbool.h>

#include "base/clock.h"

/* The one form that is written today: "Sun, 06 Nov 1994 08:49:37 GMT". ret is in CLOCK_REALTIME. */
bool http_date_read(const char *text, usec_t *ret);

/*
 * Points in time and how long ago they are, read and written for people. Pure.
 */
#pragma once

#include "base/clock.h"

#define WHEN_MAX 32

/* "just now" is "0s"; then "42s", "7min", "3h", "12d": the largest unit alone. */
const char *when_age(usec_t age, char buffer[WHEN_MAX]);
/* CLOCK_REALTIME as "2026-01-02T03:04:05Z". */
const char *when_utc(usec_t moment, char buffer[WHEN_MAX]);
/* A duration as the configuration has it ("30s", "2h"). 0 or -EINVAL. */
int when_parse_duration(const char *text, usec_t *ret);
/*
 * CLOCK_REALTIME of "2026-01-02T03:04:05Z" and what is shorter: a blank for the T, without the Z,
 * the seconds, or the time of day. UTC all the same; a fraction of the second is dropped. 0 or
 * -EINVAL.
 */
int when_parse_utc(const char *text, usec_t *ret);

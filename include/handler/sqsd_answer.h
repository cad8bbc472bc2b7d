/*
 * What a service's answer says, besides its status. Pure but for the clock.
 */
#pragma once

#include <stddef.h>

#include "base/clock.h"

#define SQSD_ANSWER_LINE_MAX 200 /* bytes */

/*
 * The body's first line, if it is text that is meant for people; else "". content_type may be NULL;
 * the body ends with a NUL that len does not count.
 */
void sqsd_answer_line(
	const char *content_type, const char *body, size_t len, char ret[SQSD_ANSWER_LINE_MAX + 1]);

/*
 * How long Retry-After (seconds, or a date) asks to wait: at least a second, at most the twelve
 * hours that a message can be kept back for. 0: it asks for nothing, or is NULL.
 */
usec_t sqsd_answer_retry_after(const char *value);

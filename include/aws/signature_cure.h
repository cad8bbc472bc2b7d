/*
 * What to do about a signature that AWS refuses, by what the refusal says and by its date. Pure.
 */
#pragma once

#include <stdint.h>

#define SIGNATURE_CURE_MAX 128

/*
 * One line, the same for the same fault, without a part of the message, which may hold the whole
 * request. clock_usec: AWS's clock minus ours; 0: right, or not known.
 */
void signature_cure(const char *message, int64_t clock_usec, char ret[static SIGNATURE_CURE_MAX]);

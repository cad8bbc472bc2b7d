/*
 * Whether what a service says repeats what it was sent. A gateway or an emulator may echo a request
 * with all that signed it; such words must not be quoted.
 *
 * Pure. A request may be of some MiB and this is asked on the loop's thread: each is read once, and
 * of what was said only as much as anybody quotes.
 */
#pragma once

#include <stdbool.h>

#include "aws/credentials.h"

/* So many bytes of what was said are looked at; to quote more of it would be a mistake. */
#define LEAK_SAID_MAX 512

/* Whether any twelve bytes in a row of the secret stand in the text; NULL: there is none. */
bool leak_repeats(const char *said, const char *secret);

/* Whether any 16 in a row of a request do: more than names that both may know; NULL: as above. */
bool leak_repeats_request(const char *said, const char *request);

/* As leak_repeats() of the secret key and the token; NULL: nothing was signed. */
bool leak_repeats_keys(const char *said, const struct credentials *signed_by);

/* Whether that, or what looks like a signed request's headers or a receipt handle. */
bool leak_is_in(const char *said, const struct credentials *signed_by);

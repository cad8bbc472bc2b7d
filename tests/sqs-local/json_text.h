/*
 * JSON written straight into a text, for the one answer that is both long and frequent: building
 * and dumping objects for ten received messages costs three times as much.
 */
#pragma once

#include "base/strbuf.h"

/* text, which is UTF-8, as a JSON string in its quotes. */
void json_text_string(struct strbuf *out, const char *text, size_t len);

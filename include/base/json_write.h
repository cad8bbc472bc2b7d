/*
 * Strings as JSON has them (RFC 8259), for who writes JSON by hand. Pure.
 */
#pragma once

#include "base/strbuf.h"

/*
 * Appends len bytes, in quotes. What is not UTF-8 stays as it is: whoever may have that has checked
 * it. Returns b's error.
 */
int json_write_string(struct strbuf *b, const char *text, size_t len);
/* A whole text, which ends with a NUL. */
int json_write_text(struct strbuf *b, const char *text);

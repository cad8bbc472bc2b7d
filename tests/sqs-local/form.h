/*
 * Percent-encoding, and the forms (application/x-www-form-urlencoded) of AWS's Query protocol.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/strbuf.h"

/* Appends the text decoded. 0; -EBADMSG for a "%" without two digits; -ENOMEM. */
int form_decode(struct strbuf *out, const char *text, size_t len, bool plus_is_space);

/* An object of strings, owned: of a name that comes twice the last; NULL: not a form, or no UTF-8.
 */
json_t *form_parse(const char *body, size_t len);

/* A parameter, borrowed; NULL: absent. */
const char *form_value(const json_t *form, const char *name);

/*
 * What all value types (conf/value.h) of owned texts have in common. Pure.
 */
#pragma once

#include "conf/value.h"

/* Puts a copy of the first len bytes into the field, a char *. 0 or -ENOMEM. */
int value_text_keep(const char *text, size_t len, void *field);

void value_text_write(const struct value_rule *rule, const void *field, struct strbuf *out);
void value_text_clear(void *field);

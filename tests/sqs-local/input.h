/*
 * Members of a request's JSON object, checked. What is null is absent. The texts of the refusals
 * are AWS's where they are known.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "failure.h"

/* A member of that type; *ret stays as it is when absent. Borrowed. False: another type. */
bool input_member(const json_t *object, const char *name, json_type type, const json_t **ret,
	struct failure *failure);

/* The same for a string, which must not hold a NUL. */
bool input_string(
	const json_t *object, const char *name, const char **ret, struct failure *failure);

/* A string that must be there and not empty. */
bool input_required(
	const json_t *object, const char *name, const char **ret, struct failure *failure);

struct input_range {
	unsigned min, max;
};

/* A whole number; *ret is the default when absent. False: another type, or out of range. */
bool input_number(const json_t *object, const char *name, struct input_range range, unsigned *ret,
	struct failure *failure);

/* Letters, digits, hyphens and underscores, at least one and at most len_max. */
bool input_is_name(const char *text, size_t len_max);

/* false, with the text for a parameter that is missing. */
bool input_missing(const char *name, struct failure *failure);

/* "" if every character may stand in a message, otherwise the offender as "#x1". */
void input_bad_character(const char *text, size_t len, char ret[16]);

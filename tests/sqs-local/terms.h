/*
 * What a test has ordered of a service, kept as the JSON that it came as.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/clock.h"

/* What a term may be; null takes it away. */
enum term_type {
	TERM_TEXT,
	TERM_NAMES,   /* a list of strings */
	TERM_SECONDS, /* more than 0 and at most 1e9 */
	TERM_STATUS,  /* 0, or a status of HTTP */
	TERM_FLAG,
};

struct term {
	const char *name; /* NULL: the end of the list */
	enum term_type type;
	bool renews; /* keys that were issued before are not what is asked for any more */
};

/* Changes the terms that are named, and no others. NULL, or what is wrong, a constant. */
const char *terms_change(json_t *terms, const struct term *known, const json_t *change);
/* Do such changes ask for other keys than before? */
bool terms_renews(const struct term *known, const json_t *change);

/* A term, or what is used without it. */
const char *terms_text(const json_t *terms, const char *name, const char *otherwise);
usec_t terms_seconds(const json_t *terms, const char *name, usec_t otherwise);
bool terms_flag(const json_t *terms, const char *name);
/* The term of that name; 0: none, answer as usual. */
unsigned terms_status(const json_t *terms);

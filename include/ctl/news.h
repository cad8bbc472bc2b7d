/*
 * What became of one thing: a line for people, or with --json an object.
 */
#pragma once

#include "ctl/ctl.h"

/* What is NULL is not told. */
struct news {
	const char *result; /* "made", "there", "differs", "would delete" … */
	const char *kind;   /* "queue", "table" … */
	const char *name;
	const char *attribute;
	const char *detail; /* reads on from the attribute, or the name */
	const char *fix;
};

/* With --json: its members as they are named here. */
void news_tell(const struct ctl *ctl, const struct news *news);

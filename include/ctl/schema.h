/*
 * The job table as it is given: what is there of it, what differs, and the statements that make it.
 *
 * It belongs to the web application too: what is there is never altered here, only made where it is
 * missing, or dropped as a whole. Main thread; blocks as ctl/database does.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "ctl/database.h"

enum schema_state {
	SCHEMA_THERE,
	SCHEMA_MISSING,
	SCHEMA_DIFFERS,
};

#define SCHEMA_TEXT_MAX  128
#define SCHEMA_FACTS_MAX 16

/* One thing of the table. */
struct schema_fact {
	const char *kind; /* "enum", "table", "column", "primary key", "index" */
	const char *name;
	enum schema_state state;
	char text[SCHEMA_TEXT_MAX]; /* how it differs, reading on from its name */
	char fix[SCHEMA_TEXT_MAX];  /* the statement that mends it; "": there is none */
	const char *make;           /* the statement that makes what is missing; or NULL */
};

/* Enum and table, then of a table that is there its keys, and the columns that differ. */
struct schema {
	struct schema_fact facts[SCHEMA_FACTS_MAX];
	size_t n_facts;
};

/* 0; or negative: what was asked failed, and database_error() says why. */
int schema_look(struct database *database, struct schema *ret);

/* Makes in one transaction all that can be made. 0; or negative, and then nothing was made. */
int schema_make(struct database *database, const struct schema *schema);

/* The table, then the enum, unless something else needs them. 0; or negative, and both are there.
 */
int schema_drop(struct database *database);

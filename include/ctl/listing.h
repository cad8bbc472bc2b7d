/*
 * A listing: the same things as columns for people, or with --json as one object a line.
 *
 * Columns are as wide as what stands in them; where a line would be wider than the terminal (80
 * without one) the elastic columns give way, each cut text ends in "…". Nothing in a cell steers a
 * terminal. With --json a line is written at once, otherwise all of them at the end. Main thread.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "ctl/ctl.h"

struct listing_column {
	const char *title;
	bool right;   /* numbers */
	bool elastic; /* may be cut; ids may not, they are to be copied */
};

struct listing;

#define LISTING_COLUMNS_MAX 12

/* Borrows the columns. NULL: no memory, which was said. */
struct listing *listing_new(
	const struct ctl *ctl, const struct listing_column *columns, size_t n_columns);
/* cells: one for each column, copied, NULL is "-"; json: stolen. */
void listing_add(struct listing *listing, const char *const *cells, json_t *json);
/* Writes what is not written yet. nothing: the line in place of an empty table. 0 or 1, said. */
int listing_end(struct listing *listing, const char *nothing);
struct listing *listing_free(struct listing *listing);
DEFINE_CLEANUP(struct listing *, listing_free)

/* One object on a line of its own, in ASCII, so that nothing in it steers a terminal; json: stolen.
 */
void listing_put_json(json_t *json);

/*
 * A text of anybody's, as lines that fit the terminal with so many blanks before each. Its own
 * lines are kept, and nothing in it steers a terminal.
 */
void listing_put_text(const char *text, unsigned indent);
/* One thing in full: a name, and what it is beside it on a line, or below it. NULL: nothing. */
void listing_put_field(const char *name, const char *text);
void listing_put_section(const char *name, const char *text);
/* A text that is JSON is indented. */
void listing_put_json_section(const char *name, const char *text);

/* The width of the terminal that stdout is, else 80. */
unsigned listing_width(void);
/* Whether stdout is a terminal that takes colours, and NO_COLOR does not forbid them. */
bool listing_colours(void);

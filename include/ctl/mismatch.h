/*
 * Where rows and messages are out of step, as far as it can be known without receiving from the
 * queue (ctl/standing). Nothing is changed here. Main thread.
 */
#pragma once

#include "ctl/dead_letters.h"
#include "ctl/desk.h"
#include "ctl/row.h"

enum mismatch_kind {
	MISMATCH_LOST,     /* row processing, its lease over, its message dead */
	MISMATCH_STRANDED, /* row pending, or processing with its lease over, and no message */
	MISMATCH_BURIED,   /* row pending, its message dead */
	MISMATCH_WAITING,  /* row as when stranded, but the queue has messages: maybe its too */
	MISMATCH_NO_ROW,   /* dead letter of a job without a row, or of no job */
	MISMATCH_DONE,     /* dead letter of a job that is completed */
};
#define MISMATCH_N_KINDS (MISMATCH_DONE + 1)

struct mismatch {
	enum mismatch_kind kind;
	bool has_row;
	struct row row;
	const struct dead *letter; /* NULL: there is none */
};

struct mismatches {
	struct mismatch *all; /* owned */
	size_t n;
	struct dead_letters *dead; /* owned; letters and their rows are of it */
	PGresult *rows[2];         /* owned */
};

struct mismatch_terms {
	usec_t pending;      /* younger rows that are pending are none */
	unsigned long limit; /* of dead letters, and of rows of each status, that are looked at */
};

/* 0; or 1 with what was said, and ret is to be done with all the same. */
int mismatches_find(struct desk *desk, const struct mismatch_terms *terms, struct mismatches *ret);
void mismatches_done(struct mismatches *mismatches);

/* For programs: "lost", "stranded", "buried", "waiting", "no row", "done". */
const char *mismatch_name(enum mismatch_kind kind);

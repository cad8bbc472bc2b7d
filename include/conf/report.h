/*
 * What there is to say about settings, gathered while they are read: problems, which make them
 * useless, and warnings. A line each; of endless problems the first hundred, then their number.
 */
#pragma once

#include <stdbool.h>

#include "base/strbuf.h"

#define REPORT_PROBLEMS_MAX 100

struct report {
	struct strbuf *problems; /* borrowed, as is the next */
	struct strbuf *warnings;
	const char *directory; /* borrowed: of settings, whose modes the package sets */
	unsigned n_problems;
	bool unread; /* a file could not be read, so nobody knows what is missing */
};

void report_problem(struct report *report, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void report_warning(struct report *report, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A file or directory that is there and cannot be read, by -errno, with who may. */
void report_unreadable(struct report *report, const char *path, int r);

/* Whether one more would only be counted, so that nobody need find words for it. */
bool report_is_full(const struct report *report);

/* Says how many problems were not listed. */
void report_end(struct report *report);

/*
 * Which dead letters a command is about: those of a type, of an error, of certain ids, or all; and
 * how many are looked at. Pure, but for what is said of mistakes.
 */
#pragma once

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>

#include "ctl/dead.h"

#define CHOICE_LIMIT_USUAL 1000

/* The members of a command's table of options that choice_option() takes. */
#define CHOICE_OPTIONS                                                                             \
	{"type", required_argument, NULL, 't'}, {"error", required_argument, NULL, 'e'},           \
	{                                                                                          \
		"limit", required_argument, NULL, 'l'                                              \
	}

/* Borrows all texts. */
struct choice {
	size_t limit;
	const char *type;       /* NULL: any */
	const char *error;      /* a part of it; NULL: any */
	const char *const *ids; /* of jobs or messages; NULL: any */
	size_t n_ids;
};

/* Of getopt_long(). 0, or 64 for what it cannot be, which was said; -1: not one of these. */
int choice_option(struct choice *choice, int option, const char *text);

/* A command line that is one id, and options of these. 0 or 64. */
int choice_parse_id(struct choice *choice, const char *command, int argc, char **argv);

bool choice_takes(const struct choice *choice, const struct dead *dead);

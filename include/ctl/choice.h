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
#define CHOICE_LIMIT_MAX   120000 /* as many as SQS lets be in flight */

/* The members of a command's table of options that choice_option() takes. */
#define CHOICE_OPTIONS                                                                             \
	{"job", required_argument, NULL, 'j'}, {"type", required_argument, NULL, 't'},             \
		{"error", required_argument, NULL, 'e'},                                           \
	{                                                                                          \
		"limit", required_argument, NULL, 'l'                                              \
	}

/* Borrows all texts. */
struct choice {
	size_t limit;
	const char *type;  /* NULL: any */
	const char *error; /* a part of it; NULL: any */
	const char **ids;  /* of jobs or messages; owned; none: any */
	size_t n_ids;
};
#define CHOICE_INIT ((struct choice){.limit = CHOICE_LIMIT_USUAL})

/* Of getopt_long(). 0, or 64 or 1 for what it cannot be or none of these, which was said. */
int choice_option(struct choice *choice, int option, const char *text);
/* 0 or 1. */
int choice_add_id(struct choice *choice, const char *id);
void choice_done(struct choice *choice);

/* What stands behind the options: one id. 0, 64 or 1. */
int choice_take_id(struct choice *choice, const char *command, int argc, char **argv);

bool choice_names(const struct dead *dead, const char *id);
bool choice_takes(const struct choice *choice, const struct dead *dead);

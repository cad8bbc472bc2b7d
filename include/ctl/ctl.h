/*
 * nexusctl's commands: what they are given, and what each of them returns.
 *
 * Each command has a file of its own in src/ctl, and a row in the table of src/nexusctl.c. It reads
 * its own arguments (argv[0] is the program's name, with which getopt_long() complains), writes
 * what it is asked for to stdout and what went wrong to stderr, one line each, and returns the
 * program's exit status: 0; 1: it failed; 64: usage; 78: the configuration. Whether stdout took all
 * of it is looked at behind the last.
 *
 * All of src/ctl belongs to the main thread, and may block, unless its header says otherwise.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base/strbuf.h"

struct settings;

struct ctl {
	const char *config; /* --config; NULL: the usual one */
	bool json;          /* --json: one object a line */
};

typedef int ctl_fn(const struct ctl *ctl, int argc, char **argv);

/* What a command can be told to do, such as the list of nexusctl dlq list. */
struct ctl_part {
	const char *name; /* NULL behind the last one */
	ctl_fn *run;
};

/* Runs the part that argv[1] names; which: the question where it names none. */
int ctl_run_part(const struct ctl *ctl, const char *command, const struct ctl_part *parts,
	const char *which, int argc, char **argv);

ctl_fn ctl_config;
ctl_fn ctl_deploy;
ctl_fn ctl_dlq;
ctl_fn ctl_doctor;
ctl_fn ctl_job;
ctl_fn ctl_logs;
ctl_fn ctl_provision;
ctl_fn ctl_publish;
ctl_fn ctl_queue;
ctl_fn ctl_reconcile;
ctl_fn ctl_run;
ctl_fn ctl_teardown;
ctl_fn ctl_top;

extern const char ctl_config_help[];
extern const char ctl_deploy_help[];
extern const char ctl_dlq_help[];
extern const char ctl_doctor_help[];
extern const char ctl_job_help[];
extern const char ctl_logs_help[];
extern const char ctl_provision_help[];
extern const char ctl_publish_help[];
extern const char ctl_queue_help[];
extern const char ctl_reconcile_help[];
extern const char ctl_run_help[];
extern const char ctl_teardown_help[];
extern const char ctl_top_help[];

/*
 * The settings as the daemon reads them, mistakes and all: as settings_load() returns them, also
 * where they are only fit to be shown.
 */
int ctl_load(const struct ctl *ctl, struct strbuf *problems, struct strbuf *warnings,
	struct settings **ret);
/* The same without mistakes; those were said on stderr, and NULL: the exit status is in ret_status.
 */
struct settings *ctl_settings(const struct ctl *ctl, int *ret_status);

/* A handler's text, whatever is in it, as one line and without what steers a terminal. */
void ctl_put_line(FILE *out, const char *text);

/* From 1 to max, else 64: option is what is said to take it. */
int ctl_read_number(const char *command, const char *option, const char *text, unsigned long max,
	unsigned long *ret);

/* One line on stderr, "nexusctl: …"; returns status, so that a failure is one statement. */
int ctl_fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same for a mistake in the command line, with where to read on; returns 64. */
int ctl_usage(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * The kind "lambda": AWS Lambda functions as they are, in runtimes that stay.
 *
 * A bundle is what was uploaded to Lambda, unpacked: for nodejs a module with an exported function,
 * which our small bootstrap loads; for provided a program called bootstrap, in whatever language.
 * Either is a process that speaks the Lambda Runtime API (2018-06-01) to this one, and is given the
 * event that Lambda's event source mapping would give it: one record, the job's message. How it
 * answers is how its job ends.
 *
 * Runtimes start when a job needs one, up to max_runtimes, do one job at a time, and stay warm. One
 * is replaced after max_jobs or max_age, and when the bundle's folder has become another; never
 * under a job. One that crashes, or is killed at a job's deadline, costs that job only. A
 * runtime that could not be started fails the jobs that waited for it, with its text.
 *
 * What a runtime can do is what its user and confines let it (handler/child.h); its port answers to
 * it and its children only (net/peer.h).
 */
#pragma once

#include <systemd/sd-event.h>

#include "handler/child.h"

struct handler;

enum lambda_runtime {
	LAMBDA_NODEJS,
	LAMBDA_PROVIDED,
};

/*
 * From a runtime's start, or its answer, to its question for work. Lambda gives the start 10 s; but
 * here many may start at once on a small machine.
 */
#define LAMBDA_ASK_LIMIT (30 * USEC_PER_SEC)

struct lambda_options {
	sd_event *event;
	const struct child_means *means; /* borrowed, for longer than the handler lives */
	const char *type;                /* the jobs', which is the function's name */
	const char *bundle;              /* a folder, or a link to one */
	const char *handler;             /* "file.export"; as Lambda's setting Handler */
	enum lambda_runtime runtime;
	/* Its program, argv and usual environment are ours to say. */
	struct child_settings child;
	uint64_t output; /* bytes of a job's output, into the log; 0: all */
	unsigned max_runtimes;
	unsigned max_jobs; /* 0: no limit, as max_age */
	usec_t max_age;
	usec_t ask_limit; /* 0: LAMBDA_ASK_LIMIT */
	bool measure;     /* jobs are told how much memory their runtime took */
};

/*
 * Returns owned: a handler with one share. Starts nothing yet; copies options. 0, or a negative
 * errno and what is wrong as one line. Loop thread.
 */
int lambda_new(const struct lambda_options *options, char ret_error[CHILD_ERROR_MAX],
	struct handler **ret);

/*
 * For --check-config: appends one line for each mistake that can be seen from here, beginning with
 * the key. Whether the module exports the handler only loading it tells. How many, or a negative
 * errno.
 */
int lambda_check(const struct lambda_options *options, struct strbuf *problems);

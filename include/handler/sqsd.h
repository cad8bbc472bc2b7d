/*
 * Jobs that a service does, mostly one on this machine: each is POSTed to it as AWS Elastic
 * Beanstalk's daemon aws-sqsd does it, so that applications written for worker environments run
 * unchanged. The body is the message's, byte for byte; what came with the message is in headers
 * X-Aws-Sqsd-...
 *
 * The answer 200 means done; any other, 201 and redirects included, means failed. Retry-After is
 * kept to. A service may see the same delivery twice with an equal receive count, as with aws-sqsd:
 * when a connection that was kept alive turns out to be closed, the request is sent once more. At
 * its time limit, or when it is to stop, a job's connection is closed.
 *
 * The message attribute beanstalk.sqsd.path names another path than the configured one: who may
 * send to the queue may have anything POSTed to the service, but to no other.
 *
 * Owns its connections, one for each job at the same time, kept alive. See handler.h for threads.
 */
#pragma once

#include "handler/handler.h"

struct sqsd_options {
	/* https, or http to this machine, which is never asked through a proxy. */
	const char *url;
};

#define SQSD_TEXT_MAX 1280

/* Copies the options. -EINVAL with ret_text, one line, for what is no such URL; or -ENOMEM. */
int sqsd_new(
	const struct sqsd_options *options, struct handler **ret, char ret_text[SQSD_TEXT_MAX]);

/*
 * Whether the service can be connected to: 0, or a negative errno and one line that says what to
 * do. Blocks, for two seconds at most.
 */
int sqsd_check(const struct sqsd_options *options, char ret_text[SQSD_TEXT_MAX]);

/*
 * What a queue's URL tells, and where its neighbours are. Pure.
 */
#pragma once

#include "base/strbuf.h"

/*
 * Appends the URL of the queue that has this ARN (arn:PARTITION:sqs:REGION:ACCOUNT:NAME), as a
 * queue of that host; url is one that is known there. -EINVAL: it is no queue's ARN, or url has
 * no path to put the name into. Or out's error.
 */
int queue_url_of_arn(const char *url, const char *arn, struct strbuf *out);

/*
 * Appends the queue's ARN; region: that it is in. Where the URL names no account, as with some
 * emulators, it is 000000000000, as there. Returns out's error.
 */
int queue_url_arn(const char *url, const char *region, struct strbuf *out);

/* A queue's name in its ARN or URL. Borrowed. */
const char *queue_url_name(const char *text);

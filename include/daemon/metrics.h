/*
 * What Prometheus is told, gathered when it asks: nothing is computed in between. Names and labels
 * are a contract. A label's value is a configured job type, "other", or one of our own words, so
 * there are never more series than that.
 *
 * Loop thread only; keeps nothing.
 */
#pragma once

#include "aws/sqs.h"
#include "base/strbuf.h"
#include "daemon/identity.h"
#include "handler/registry.h"
#include "work/dispatcher.h"

/* Borrowed. */
struct metrics_sources {
	const struct dispatcher *dispatcher;
	const struct registry *registry;
	const struct sqs *sqs;
	struct identity *identity;
};

void metrics_write(const struct metrics_sources *sources, struct strbuf *out);

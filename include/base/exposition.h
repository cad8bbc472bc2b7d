/*
 * Metrics as Prometheus reads them: the text format, version 0.0.4.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 *
 * A family is begun, and then come its samples; names and labels' names are ours, their values may
 * be anybody's. Pure; appends to a strbuf, whose error tells of all.
 */
#pragma once

#include "base/histogram.h"
#include "base/strbuf.h"

#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct exposition_label {
	const char *name;
	const char *value;
};

/* type: "counter", "gauge" or "histogram". */
void exposition_family(struct strbuf *out, const char *name, const char *type, const char *help);
void exposition_sample(struct strbuf *out, const char *name, const struct exposition_label *labels,
	size_t n_labels, double value);
/* unit: so many of what was observed are one of what is shown. label: NULL: none. */
void exposition_histogram(struct strbuf *out, const char *name,
	const struct exposition_label *label, const struct histogram *histogram,
	const struct histogram_bounds *bounds, double unit);

/*
 * What Prometheus' own libraries tell of their process, by the same names.
 * https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics
 *
 * Reads /proc/self; what cannot be read there is left out. Loop thread only.
 */
#pragma once

#include "base/strbuf.h"

void process_metrics_write(struct strbuf *out);

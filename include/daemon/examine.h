/*
 * What only the upper rooms can tell about settings: whether libpq takes the URL, whether handlers,
 * programs and bundles are there, whether AWS_CA_BUNDLE is one, whether anything can be served. For
 * a start, a reload, --check-config and doctor. Main thread; may block.
 */
#pragma once

#include <stdbool.h>

#include "base/strbuf.h"
#include "conf/settings.h"

/*
 * services: whether those of [job] sections can be reached now, too. Appends one line for each
 * mistake; returns how many.
 */
unsigned examine_settings(const struct settings *settings, bool services, struct strbuf *problems);

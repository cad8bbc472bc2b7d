/*
 * Fills settings from everything that may hold a value, in the order of settings.h: defaults,
 * file, drop-ins, environment, command line; and, where none of them names the database, from the
 * file database-url in $CREDENTIALS_DIRECTORY or else in the directory of the configuration.
 *
 * Every value that cannot be read is a problem in the report; the value before it is kept, and
 * reading goes on.
 */
#pragma once

#include "conf/report.h"
#include "conf/settings.h"

/* settings is all zero before; it is the caller's to free on failure too. 0 or -ENOMEM. */
int sources_read(
	const struct settings_request *request, struct settings *settings, struct report *report);

/* Appends the name of a file in the directory of the configuration. */
void sources_path(const struct settings_request *request, const char *name, struct strbuf *out);

/* The configuration file: as requested, or the directory's. */
void sources_config_path(const struct settings_request *request, struct strbuf *out);

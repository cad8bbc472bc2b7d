/*
 * A configuration file and its drop-ins, assigned key by key. What is not understood (a line, a
 * section, a key, a value) becomes a problem, with the nearest known name for a misspelt one, and
 * the rest is read.
 */
#pragma once

#include <stdbool.h>

#include "conf/report.h"
#include "conf/settings.h"

/* 0 or -ENOMEM; a file that cannot be read is a problem too, unless it may be missing and is. */
int config_file_read(
	const char *path, bool may_be_missing, struct settings *settings, struct report *report);

/* PATH.d, the files that end in .conf, in the order of their names. 0 or -ENOMEM. */
int config_file_read_drop_ins(const char *path, struct settings *settings, struct report *report);

/* The section for that type, made with its defaults if it is not there; valid until the next. */
int config_file_job(struct settings *settings, const char *type, struct settings_job **ret);

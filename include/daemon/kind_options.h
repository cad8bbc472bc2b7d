/*
 * A job type's section, in the words of the handlers' room: what the settings are to each kind.
 * All texts are borrowed from the settings. Pure, but for the environment variables that name
 * files.
 */
#pragma once

#include "conf/settings.h"
#include "handler/command.h"
#include "handler/lambda.h"
#include "handler/sqsd.h"

/* Without means, which the caller adds, as the loop where there is one. */
void kind_options_command(const struct settings *settings, const struct settings_job *job,
	struct command_options *ret);
void kind_options_lambda(const struct settings *settings, const struct settings_job *job,
	struct lambda_options *ret);
void kind_options_sqsd(const struct settings_job *job, struct sqsd_options *ret);

#define KIND_OPTIONS_HIDDEN_MAX 16

/*
 * The files and folders that programs which do jobs must not read: those that the daemon has its
 * settings and secrets from, as far as the environment names them. config: a configuration file
 * elsewhere; NULL: none. Ended by a NULL.
 */
void kind_options_hidden(const char *config, const char *ret[static KIND_OPTIONS_HIDDEN_MAX]);

#include "daemon/kind_options.h"

#include <stdlib.h>

static void child_options(
	const struct settings *settings, const struct settings_job *job, struct child_settings *ret)
{
	*ret = (struct child_settings){
		.program = job->program,
		.environment = job->environment,
		.environment_file = job->environment_file,
		.database_url = job->pass_database_url ? settings->database.url : NULL,
		.pass_aws_credentials = job->pass_aws_credentials,
		.working_directory = job->working_directory,
		.limits =
			{
				.memory = job->memory_bytes,
				.cpu_time = job->cpu_time,
				.open_files = job->open_files,
				.file_size = job->file_size_bytes,
			},
	};
}

void kind_options_command(const struct settings *settings, const struct settings_job *job,
	struct command_options *ret)
{
	*ret = (struct command_options){.output = job->output_bytes};
	child_options(settings, job, &ret->child);
	ret->child.limit_address_space = true;
}

void kind_options_lambda(
	const struct settings *settings, const struct settings_job *job, struct lambda_options *ret)
{
	*ret = (struct lambda_options){
		.type = job->type,
		.bundle = job->bundle,
		.handler = job->handler,
		.runtime = job->runtime == SETTINGS_NODEJS ? LAMBDA_NODEJS : LAMBDA_PROVIDED,
		.output = job->output_bytes,
		.max_runtimes =
			job->max_concurrency ? job->max_concurrency : settings->worker.concurrency,
		.max_jobs = job->max_jobs,
		.max_age = job->max_age,
	};
	child_options(settings, job, &ret->child);
}

void kind_options_sqsd(const struct settings_job *job, struct sqsd_options *ret)
{
	*ret = (struct sqsd_options){.url = job->url};
}

/* What a program has no business to read, whoever runs it. */
void kind_options_hidden(const char *config, const char *ret[static KIND_OPTIONS_HIDDEN_MAX])
{
	static const char *const variables[] = {
		"CREDENTIALS_DIRECTORY",
		"RUNTIME_DIRECTORY",
		"AWS_SHARED_CREDENTIALS_FILE",
		"AWS_CONFIG_FILE",
		"AWS_WEB_IDENTITY_TOKEN_FILE",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
		"PGPASSFILE",
		"PGSERVICEFILE",
		"PGSSLKEY",
	};
	size_t n = 0;

	ret[n++] = SETTINGS_DIRECTORY;
	if (config)
		ret[n++] = config;
	for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
		const char *path = getenv(variables[i]);
		if (path && path[0] == '/')
			ret[n++] = path;
	}
	ret[n] = NULL;
}

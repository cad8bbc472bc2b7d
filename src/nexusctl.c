/*
 * nexusctl: the operators' runbook as a tool. It reads the configuration, credentials and database
 * settings that the daemon reads, and does what it does with the daemon's own parts.
 *
 * This file: the command line, the table of commands, and the exit status. Each command is a file
 * in src/ctl.
 */
#include <curl/curl.h>
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

#include "aws/profile.h"
#include "conf/settings.h"
#include "ctl/cell.h"
#include "ctl/ctl.h"

/* Where the daemon's unit lets it look for AWS' files. */
#define AWS_FILES SETTINGS_DIRECTORY "/aws/"

static const struct command {
	const char *name;
	ctl_fn *run;
	const char *help;
	const char *words;
} commands[] = {
	{"queue", ctl_queue, ctl_queue_help, "how many messages wait, run and are dead, and rows"},
	{"dlq", ctl_dlq, ctl_dlq_help, "dead letters: list, show, redrive, purge, replay"},
	{"publish", ctl_publish, ctl_publish_help, "publish a job, and wait for its end"},
	{"job", ctl_job, ctl_job_help, "one job's row, message and log; rows; retry, wait"},
	{"reconcile", ctl_reconcile, ctl_reconcile_help,
		"find, and mend, rows and messages that are out of step"},
	{"logs", ctl_logs, ctl_logs_help, "what the daemon logged: of a job, a type, an outcome"},
	{"config", ctl_config, ctl_config_help, "every setting, and what a reload would change"},
	{"provision", ctl_provision, ctl_provision_help,
		"make queues and job table, or say what differs"},
	{"teardown", ctl_teardown, ctl_teardown_help, "delete the queues, when they are empty"},
	{"doctor", ctl_doctor, ctl_doctor_help, "whether everything is right, line by line"},
	{"top", ctl_top, ctl_top_help, "a live screen: queue, slots, rate, ends, errors"},
	{"run", ctl_run, ctl_run_help, "run one handler here and now, without queue or row"},
	{"deploy", ctl_deploy, ctl_deploy_help,
		"put a new bundle in place for a job type, or tell which runs"},
};
#define N_COMMANDS (sizeof commands / sizeof commands[0])

static void print_usage(FILE *out)
{
	fputs("Usage: nexusctl [--config FILE] [--json] COMMAND [ARGUMENT...]\n"
	      "The operators' runbook for nexus-worker.\n"
	      "\n",
		out);
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].words);
	fputs("\n"
	      "  --config FILE  read FILE instead of " SETTINGS_DIRECTORY "/nexus-worker.conf\n"
	      "                 (its NAME.conf is nexus-worker@NAME.service's)\n"
	      "  --json         print one JSON object a line\n"
	      "  --version      show the version, and exit\n"
	      "  --help         show this, and exit; behind COMMAND: how to use that\n"
	      "\n"
	      "Example: nexusctl run test-echo '{\"delayMs\": 50}'\n"
	      "\n"
	      "Exit status: 0 done, 1 failed, 64 usage, 78 configuration.\n",
		out);
}

void ctl_put_line(FILE *out, const char *text)
{
	size_t len = strlen(text), n;

	for (; len > 0; text += n, len -= n) {
		n = cell_character(text, len);
		if (n > 0) {
			fwrite(text, 1, n, out);
			continue;
		}
		fputs(*text == '\n' ? "\\n" : "?", out);
		n = 1;
	}
	fputc('\n', out);
}

static __attribute__((format(printf, 1, 0))) void ctl_complain(const char *format, va_list args)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;

	strbuf_vprintf(&text, format, args);
	fputs("nexusctl: ", stderr);
	ctl_put_line(stderr, strbuf_str(&text));
}

int ctl_fail(int status, const char *format, ...)
{
	va_list args;

	fflush(stdout);
	va_start(args, format);
	ctl_complain(format, args);
	va_end(args);
	return status;
}

int ctl_usage(const char *command, const char *format, ...)
{
	va_list args;

	if (format) {
		va_start(args, format);
		ctl_complain(format, args);
		va_end(args);
	}
	fprintf(stderr, "Try 'nexusctl %s%s--help'.\n", command, *command ? " " : "");
	return EX_USAGE;
}

int ctl_read_number(const char *command, const char *option, const char *text, unsigned long max,
	unsigned long *ret)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end || n < 1 || n > max)
		return ctl_usage(
			command, "%s %s: accepted is a number from 1 to %lu", option, text, max);
	*ret = n;
	return EXIT_SUCCESS;
}

int ctl_run_part(const struct ctl *ctl, const char *command, const struct ctl_part *parts,
	const char *which, int argc, char **argv)
{
	if (argc < 2)
		return ctl_usage(command, "%s", which);
	for (; parts->name; parts++) {
		if (strcmp(argv[1], parts->name) != 0)
			continue;
		argv[1] = argv[0];
		return parts->run(ctl, argc - 1, argv + 1);
	}
	return ctl_usage(command, "%s: no such command", argv[1]);
}

int ctl_load(const struct ctl *ctl, struct strbuf *problems, struct strbuf *warnings,
	struct settings **ret)
{
	_cleanup_free_ char *region = NULL;
	char text[CREDENTIALS_TEXT_MAX];

	/* What is wrong with the profile is told when its credentials are asked for. */
	profile_region(getenv, &region, text);
	struct settings_request request = {
		.config = ctl->config,
		.environment = (const char *const *)environ,
		.profile_region = region,
	};
	return settings_load(&request, problems, warnings, ret);
}

struct settings *ctl_settings(const struct ctl *ctl, int *ret_status)
{
	_cleanup_strbuf_ struct strbuf problems = STRBUF_INIT, warnings = STRBUF_INIT;
	_cleanup_(settings_freep) struct settings *settings = NULL;

	int r = ctl_load(ctl, &problems, &warnings, &settings);
	fputs(strbuf_str(&warnings), stderr);
	fputs(strbuf_str(&problems), stderr);
	if (r == 0)
		return TAKE_PTR(settings);
	*ret_status = r == -EINVAL ? EX_CONFIG : ctl_fail(EXIT_FAILURE, "%s", strerror(-r));
	return NULL;
}

/* As the daemon's unit has it, for whoever has no wish of his own. */
static void use_the_units_files(void)
{
	if (access(AWS_FILES "credentials", F_OK) == 0)
		setenv("AWS_SHARED_CREDENTIALS_FILE", AWS_FILES "credentials", false);
	if (access(AWS_FILES "config", F_OK) == 0)
		setenv("AWS_CONFIG_FILE", AWS_FILES "config", false);
}

/* --json is taken behind the command too, wherever it stands. Returns how many words are left. */
static int take_json(struct ctl *ctl, int argc, char **argv)
{
	int n = 0;

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			memmove(&argv[n], &argv[i], (size_t)(argc - i) * sizeof argv[0]);
			n += argc - i;
			break;
		}
		if (strcmp(argv[i], "--json") == 0)
			ctl->json = true;
		else
			argv[n++] = argv[i];
	}
	argv[n] = NULL;
	return n;
}

static int run_command(struct ctl *ctl, int argc, char **argv)
{
	argc = take_json(ctl, argc, argv);
	if (argc == 0)
		return ctl_usage("", "which command?");
	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (strcmp(argv[0], commands[i].name) != 0)
			continue;
		for (int k = 1; k < argc && strcmp(argv[k], "--") != 0; k++)
			if (strcmp(argv[k], "--help") == 0) {
				fputs(commands[i].help, stdout);
				return EXIT_SUCCESS;
			}
		argv[0] = program_invocation_short_name;
		return commands[i].run(ctl, argc, argv);
	}
	return ctl_usage("", "%s: no such command", argv[0]);
}

/* What did not get to whoever asked for it is no success: a disk is full, a reader is gone. */
static int end(int status)
{
	errno = 0;
	bool lost = fflush(stdout) != 0 || ferror(stdout);

	if (!lost || status != EXIT_SUCCESS)
		return status;
	return ctl_fail(EXIT_FAILURE, "standard output: %s",
		errno ? strerror(errno) : "not all of it could be written");
}

static int nexusctl(int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"json", no_argument, NULL, 'j'},
		{"version", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct ctl ctl = {0};
	int c;

	argv[0] = program_invocation_short_name;
	while ((c = getopt_long(argc, argv, "+", options, NULL)) >= 0) {
		switch (c) {
		case 'c':
			ctl.config = optarg;
			break;
		case 'j':
			ctl.json = true;
			break;
		case 'v':
			puts("nexusctl " NEXUS_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			print_usage(stdout);
			return EXIT_SUCCESS;
		default:
			return ctl_usage("", NULL);
		}
	}
	/* UTF-8 is what is written, whoever calls, and wide characters are to be known as such. */
	setlocale(LC_CTYPE, "C.UTF-8");
	/* No core, no debugger of the same user: the memory holds secrets. */
	prctl(PR_SET_DUMPABLE, 0);
	use_the_units_files();
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return ctl_fail(EXIT_FAILURE, "libcurl cannot be initialised");
	int status = run_command(&ctl, argc - optind, argv + optind);
	curl_global_cleanup();
	return status;
}

int main(int argc, char **argv)
{
	return end(nexusctl(argc, argv));
}

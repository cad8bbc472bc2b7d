/*
 * nexus-worker: runs background jobs from an SQS queue and keeps their rows in Postgres.
 *
 * The rooms, from the ground up; each includes only what is below it:
 *
 *     base/     strings, clocks, queues between threads, the log      knows nothing of jobs
 *     net/      HTTP: asking, and being asked on loopback
 *     aws/      credentials, signatures, SQS
 *     job/      what a job is, and its row
 *     conf/     settings
 *     handler/  what doing a job means: the four kinds, and what is built in
 *     work/     the flow; begin with work/dispatcher
 *     daemon/   all of the above: signals, systemd, start and end
 *     ctl/      nexusctl's commands, of the same parts
 *
 * This file: the command line and the exit status.
 */
#include <curl/curl.h>
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

#include "aws/profile.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "conf/settings.h"
#include "daemon/daemon.h"
#include "daemon/examine.h"

enum action {
	ACTION_RUN,
	ACTION_CHECK_CONFIG,
	ACTION_PRINT_CONFIG,
	ACTION_DONE, /* --help, --version */
};

struct command_line {
	enum action action;
	bool until_empty;
	const char *config;
	struct settings_argument log_level;
};

static const char usage[] =
	"Usage: nexus-worker [OPTION...]\n"
	"Runs background jobs from an SQS queue and keeps their rows in Postgres.\n"
	"\n"
	"  --config FILE       read FILE instead of /etc/nexus-worker/nexus-worker.conf\n"
	"  --check-config      report every mistake in the configuration, and exit\n"
	"  --print-config      show all settings and where they came from, and exit\n"
	"  --until-empty       stop once the queue is empty and nothing is in hand\n"
	"  --log-level LEVEL   error, warning, notice, info or debug\n"
	"  --version           show the version, and exit\n"
	"  --help              show this, and exit\n"
	"\n"
	"Example: nexus-worker --config ./nexus-worker.conf --log-level debug\n"
	"\n"
	"Exit status: 0 clean stop, 1 failure, 64 usage, 78 configuration.\n";

static int parse_command_line(int argc, char **argv, struct command_line *ret)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"check-config", no_argument, NULL, 'k'},
		{"print-config", no_argument, NULL, 'p'},
		{"until-empty", no_argument, NULL, 'e'},
		{"log-level", required_argument, NULL, 'l'},
		{"version", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case 'c':
			ret->config = optarg;
			break;
		case 'k':
			ret->action = ACTION_CHECK_CONFIG;
			break;
		case 'p':
			ret->action = ACTION_PRINT_CONFIG;
			break;
		case 'e':
			ret->until_empty = true;
			break;
		case 'l':
			ret->log_level = (struct settings_argument){"--log-level", optarg};
			break;
		case 'v':
			puts("nexus-worker " NEXUS_VERSION);
			ret->action = ACTION_DONE;
			return 0;
		case 'h':
			fputs(usage, stdout);
			ret->action = ACTION_DONE;
			return 0;
		default:
			return -EINVAL;
		}
	}
	if (optind == argc)
		return 0;
	fprintf(stderr, "nexus-worker: %s: not an option\n", argv[optind]);
	return -EINVAL;
}

/* What there is, also when that is not all, or wrong: the rest was said on stderr. */
static void print_config(const struct settings *settings)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;

	settings_print(settings, &text);
	fputs(strbuf_str(&text), stdout);
}

static void praise_config(const struct settings *settings)
{
	const char *region = settings->queue.region;

	printf("the configuration is good: queue %s in %s, %u threads; credentials are looked for "
	       "at the start only\n",
		settings->queue.url,
		region[0] ? region : "the region that the metadata service names",
		settings->worker.concurrency);
}

static int run(const struct command_line *line, const struct settings_request *request,
	struct settings *settings)
{
	struct daemon_options options = {request, settings, line->until_empty};
	struct log_options log = {
		.format = settings->log.format,
		.level = settings->log.level,
		.identifier = "nexus-worker",
	};

	if (log_open(&log) < 0)
		log_warning("[log] format: the journal is not there; the log goes to stderr");
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		log_error("libcurl cannot be initialised");
		settings_free(settings);
		return EXIT_FAILURE;
	}
	int status = daemon_run(&options);
	curl_global_cleanup();
	log_close();
	return status;
}

/* Every mistake, not only the first; ret: also with a mistake, and NULL where memory ended. */
static int load(const struct settings_request *request, bool services, struct settings **ret)
{
	_cleanup_strbuf_ struct strbuf problems = STRBUF_INIT, warnings = STRBUF_INIT;

	int r = settings_load(request, &problems, &warnings, ret);
	if (r == 0 && examine_settings(*ret, services, &problems) > 0)
		r = -EINVAL;
	fputs(strbuf_str(&warnings), stderr);
	fputs(strbuf_str(&problems), stderr);
	if (r == -ENOMEM)
		fputs("nexus-worker: out of memory\n", stderr);
	return r == 0 ? EXIT_SUCCESS : r == -EINVAL ? EX_CONFIG : EXIT_FAILURE;
}

static int act(const struct command_line *line)
{
	_cleanup_free_ char *region = NULL;
	char text[CREDENTIALS_TEXT_MAX];
	struct settings *settings = NULL;

	/* What is wrong with the profile is told when its credentials are asked for. */
	profile_region(getenv, &region, text);
	struct settings_request request = {
		.config = line->config,
		.environment = (const char *const *)environ,
		.profile_region = region,
		.arguments = &line->log_level,
		.n_arguments = line->log_level.option ? 1 : 0,
	};
	/* A service may be down for now, which keeps the daemon from nothing. */
	int status = load(&request, line->action == ACTION_CHECK_CONFIG, &settings);
	if (line->action == ACTION_RUN && status == EXIT_SUCCESS)
		return run(line, &request, settings);
	if (line->action == ACTION_PRINT_CONFIG && settings)
		print_config(settings);
	if (line->action == ACTION_CHECK_CONFIG && status == EXIT_SUCCESS)
		praise_config(settings);
	settings_free(settings);
	return status;
}

/*
 * What a burst of large bodies took goes back to the kernel after it. Left to itself malloc learns
 * from the first megabyte that is freed to keep such blocks, and does so once for every thread.
 */
static void keep_memory_small(void)
{
	enum {
		LARGE = 128 * 1024,
		ARENAS = 2
	};

	mallopt(M_MMAP_THRESHOLD, LARGE);
	mallopt(M_ARENA_MAX, ARENAS);
}

/* What did not get to whoever asked for it is no success. */
static int end(int status)
{
	errno = 0;
	bool lost = fflush(stdout) != 0 || ferror(stdout);

	if (!lost || status != EXIT_SUCCESS)
		return status;
	fprintf(stderr, "nexus-worker: standard output: %s\n",
		errno ? strerror(errno) : "not all of it could be written");
	return EXIT_FAILURE;
}

static int nexus_worker(int argc, char **argv)
{
	struct command_line line = {.action = ACTION_RUN};

	if (parse_command_line(argc, argv, &line) < 0) {
		fputs("Try 'nexus-worker --help'.\n", stderr);
		return EX_USAGE;
	}
	if (line.action == ACTION_DONE)
		return EXIT_SUCCESS;

	/* No core, no debugger of the same user: the memory holds secrets. */
	prctl(PR_SET_DUMPABLE, 0);
	keep_memory_small();
	/* Before any thread, so that all inherit it. */
	int r = daemon_block_signals();
	if (r < 0) {
		fprintf(stderr, "nexus-worker: signals cannot be blocked: %s\n", strerror(-r));
		return EXIT_FAILURE;
	}
	return act(&line);
}

int main(int argc, char **argv)
{
	return end(nexus_worker(argc, argv));
}

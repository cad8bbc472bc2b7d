#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/backoff.h"
#include "conf/settings.h"
#include "ctl/body.h"
#include "ctl/ctl.h"
#include "ctl/here.h"
#include "ctl/listing.h"

const char ctl_run_help[] =
	"Usage: nexusctl run TYPE [PAYLOAD] [--attempt N] [--job ID]\n"
	"                    [--allow-row-writes] [--user NAME]\n"
	"\n"
	"Runs the handler of the job type TYPE here and now, as the daemon would: with\n"
	"the same limits, environment and credentials, but without queue and row. Shows\n"
	"what it writes, how it ends, its time and peak memory. PAYLOAD is JSON ({}\n"
	"without one), @FILE, or - for stdin. There is no cgroup: memory is a limit for\n"
	"each process alone, whatever the daemon has.\n"
	"\n"
	"  --attempt N         the attempt that the handler is told (1)\n"
	"  --job ID            the job's id that the handler is told (run-...)\n"
	"  --allow-row-writes  also where the handler writes its job's row itself\n"
	"                      (rows = handler)\n"
	"  --user NAME         root runs the handler as this user (nexus-worker)\n"
	"\n"
	"With --json: job_id, type, attempt, outcome, error (null: none), for_good (no\n"
	"further attempt would be made), run_ms, peak_memory_bytes and cpu_usec.\n"
	"\n"
	"Examples: nexusctl run test-echo '{\"delayMs\": 50}'\n"
	"          nexusctl run generate-thumbnail @payload.json --allow-row-writes\n"
	"\n"
	"Exit status: 0 the job would be completed, 1 it would not, 64 usage,\n"
	"78 configuration.\n";

struct run {
	struct here here;
	const char *type;
	const char *payload;
	const char *id;
	int attempt;
	struct job job;
};

/* ---- The job ---- */

static int run_make_job(struct run *run)
{
	_cleanup_strbuf_ struct strbuf body = STRBUF_INIT;
	struct message parsed;

	int status = body_compose("run", run->id, run->type, run->payload, &body, &parsed);
	if (status != EXIT_SUCCESS)
		return status;
	size_t len = body.len;
	if (job_init(&run->job, strbuf_take(&body), parsed.job_id, parsed.type) < 0)
		return ctl_fail(EXIT_FAILURE, "out of memory");
	run->job.body_len = len;
	run->job.payload = run->job.body + parsed.payload_offset;
	run->job.payload_len = parsed.payload_len;
	run->job.attempt = run->attempt;
	return EXIT_SUCCESS;
}

/* ---- The command line ---- */

static int run_parse_number(struct run *run, const char *text)
{
	unsigned long n;

	int status = ctl_read_number("run", "--attempt", text, INT_MAX, &n);
	if (status == EXIT_SUCCESS)
		run->attempt = (int)n;
	return status;
}

static int run_parse(struct run *run, int argc, char **argv)
{
	static const struct option options[] = {
		{"attempt", required_argument, NULL, 'n'},
		{"job", required_argument, NULL, 'j'},
		{"allow-row-writes", no_argument, NULL, 'w'},
		{"user", required_argument, NULL, 'u'},
		{0},
	};
	int c, status;

	optind = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case 'n':
			status = run_parse_number(run, optarg);
			if (status != EXIT_SUCCESS)
				return status;
			break;
		case 'j':
			run->id = optarg;
			break;
		case 'w':
			run->here.allow_row_writes = true;
			break;
		case 'u':
			run->here.user = optarg;
			break;
		default:
			return ctl_usage("run", NULL);
		}
	}
	if (optind == argc)
		return ctl_usage("run", "which job type?");
	run->type = argv[optind++];
	run->payload = optind < argc ? argv[optind++] : NULL;
	return optind < argc ? ctl_usage("run", "%s: one payload at a time", argv[optind])
			     : EXIT_SUCCESS;
}

static void run_show(const struct run *run)
{
	if (run->here.ctl->json)
		listing_put_json(here_json(&run->job));
	else
		here_print(&run->job);
}

static int run_all(struct run *run)
{
	int status = here_check(&run->here, run->type);
	if (status == EXIT_SUCCESS)
		status = run_make_job(run);
	if (status == EXIT_SUCCESS)
		status = here_run(&run->here, &run->job);
	if (status != EXIT_SUCCESS)
		return status;
	run_show(run);
	return here_status(&run->job);
}

int ctl_run(const struct ctl *ctl, int argc, char **argv)
{
	struct run run = {
		.here = {.ctl = ctl,
			.message_id = "00000000-0000-0000-0000-000000000000",
			.sent_at = clock_realtime()},
		.attempt = 1,
	};
	char id[32];

	int status = run_parse(&run, argc, argv);
	if (status != EXIT_SUCCESS)
		return status;
	if (!run.id) {
		snprintf(id, sizeof id, "run-%08" PRIx64, backoff_random(UINT64_C(1) << 32));
		run.id = id;
	}
	_cleanup_(settings_freep) struct settings *settings = ctl_settings(ctl, &status);
	if (!settings)
		return status;
	run.here.settings = settings;
	status = run_all(&run);
	job_done(&run.job);
	return status;
}

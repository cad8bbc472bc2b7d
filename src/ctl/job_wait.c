#include <getopt.h>

#include "ctl/follow.h"
#include "ctl/job.h"
#include "ctl/when.h"

static int wait_parse(struct follow *job, int argc, char **argv)
{
	static const struct option options[] = {{"timeout", required_argument, NULL, 't'}, {0}};
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (c != 't')
			return ctl_usage("job", NULL);
		if (when_parse_duration(optarg, &job->timeout) < 0)
			return ctl_usage(
				"job", "--timeout %s: accepted is a duration (30s, 5min)", optarg);
	}
	if (optind + 1 != argc)
		return ctl_usage("job", "wait takes one job's id");
	job->id = argv[optind];
	return EXIT_SUCCESS;
}

int job_wait(const struct ctl *ctl, int argc, char **argv)
{
	struct follow job = {.timeout = FOLLOW_TIMEOUT_USUAL};
	_cleanup_(desk_close) struct desk desk = {0};

	int status = wait_parse(&job, argc, argv);
	if (status == EXIT_SUCCESS)
		status = desk_open(&desk, ctl, DESK_QUEUE | DESK_DATABASE);
	if (status != EXIT_SUCCESS)
		return status;
	job.receives = follow_receives(desk.client, desk.settings->queue.url);
	return follow(ctl, desk.database, &job);
}

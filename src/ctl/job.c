#include "ctl/job.h"

#include <getopt.h>

#include "ctl/choice.h"

const char ctl_job_help[] =
	"Usage: nexusctl job show ID [--limit N]\n"
	"       nexusctl job list [--status STATUS] [--type TYPE] [--since WHEN]\n"
	"                         [--limit N]\n"
	"       nexusctl job retry ID [--limit N]\n"
	"       nexusctl job wait ID [--timeout DURATION]\n"
	"\n"
	"  show   the job's row, where its message is as far as can be known, and what\n"
	"         this machine's journal has of it. Messages in the queue cannot be\n"
	"         looked for; dead letters are, and are visible again at once.\n"
	"  list   rows, the newest first\n"
	"  retry  makes the row of a failed job pending, unless somebody has changed it\n"
	"         meanwhile, and sends a new message with the row's payload. Also for one\n"
	"         that is pending, or processing with its lease over. Refused for one\n"
	"         that is completed or being done, and where its message is a dead\n"
	"         letter: 'nexusctl dlq redrive --job ID' sends that one back.\n"
	"  wait   follows the row to its end, and shows it: completed, or failed as\n"
	"         often as the queue gives a message\n"
	"\n"
	"  --status STATUS     only pending, processing, completed or failed ones\n"
	"  --type TYPE         only those of that type\n"
	"  --since WHEN        not what was made earlier: 30min or 2h ago, or a time in\n"
	"                      UTC, as 2026-01-02 or 2026-01-02T03:04:05Z\n"
	"  --limit N           list: so many at most (50); show, retry: look at so many\n"
	"                      dead letters at most (1000)\n"
	"  --timeout DURATION  how long to wait at most (10min)\n"
	"\n"
	"With --json a job is its row, whose members are named as its columns: id, type,\n"
	"payload, status, attempts, error, started_at, completed_at, created_at,\n"
	"updated_at. show adds message (deleted, in flight, waiting, dead, none),\n"
	"dead_letter (message_id, job_id, type, body, receives, sent_at; or null) and log\n"
	"(at and message each; null without a journal). retry has job_id, type and\n"
	"message_id.\n"
	"\n"
	"Examples: nexusctl job show test-123\n"
	"          nexusctl job list --status failed --since 1h\n"
	"          nexusctl --json job list --type generate-thumbnail | jq -r .id\n"
	"          nexusctl job wait test-123 --timeout 2min\n"
	"\n"
	"Exit status: 0 done (wait: completed), 1 failed, or there is no such job,\n"
	"64 usage, 78 configuration.\n";

int job_parse(const char *command, int argc, char **argv, struct job_choice *ret)
{
	static const struct option options[] = {{"limit", required_argument, NULL, 'l'}, {0}};
	int c;

	ret->limit = CHOICE_LIMIT_USUAL;
	optind = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		int status = c == 'l' ? ctl_read_number("job", "--limit", optarg, CHOICE_LIMIT_MAX,
						&ret->limit)
				      : ctl_usage("job", NULL);
		if (status != EXIT_SUCCESS)
			return status;
	}
	if (optind + 1 != argc)
		return ctl_usage("job", "%s takes one job's id", command);
	ret->id = argv[optind];
	return EXIT_SUCCESS;
}

int job_find(struct desk *desk, const char *id, PGresult **ret_result, struct row *ret)
{
	*ret_result = row_find(desk->database, &id, 1);
	if (!*ret_result)
		return EXIT_FAILURE;
	if (PQntuples(*ret_result) == 0)
		return ctl_fail(EXIT_FAILURE, "there is no job %s", id);
	row_read(*ret_result, 0, ret);
	return EXIT_SUCCESS;
}

int ctl_job(const struct ctl *ctl, int argc, char **argv)
{
	static const struct ctl_part parts[] = {
		{"show", job_show},
		{"list", job_list},
		{"retry", job_retry},
		{"wait", job_wait},
		{0},
	};

	return ctl_run_part(ctl, "job", parts, "show, list, retry or wait?", argc, argv);
}

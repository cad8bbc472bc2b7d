#include "ctl/dlq.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/interrupt.h"

const char ctl_dlq_help[] =
	"Usage: nexusctl dlq list [--type TYPE] [--error TEXT] [--group] [--limit N]\n"
	"       nexusctl dlq show ID [--limit N]\n"
	"\n"
	"Dead letters: the messages that the queue has given up, beside their jobs' rows. They "
	"are\n"
	"received to be looked at, which counts as a receive, and are visible again at once at "
	"the\n"
	"end, also after Ctrl-C; after kill -9 within a minute. Nothing is deleted but by purge, "
	"and\n"
	"by redrive once its copy is sent.\n"
	"\n"
	"  list   one line each: the job's id (the message's where the body is no job's), its "
	"type,\n"
	"         age, receives, the row's status and attempts, and the error: the row's, else "
	"what\n"
	"         the daemon wrote beside the copy that it sent. Below that the same by type and\n"
	"         error; with --group that alone.\n"
	"  show   all of one letter: body, attributes, and the row. ID is a job's or a message's.\n"
	"\n"
	"  --type TYPE   only those of that type\n"
	"  --error TEXT  only those whose error holds TEXT\n"
	"  --limit N     look at N letters at most (1000)\n"
	"\n"
	"With --json a letter has message_id, job_id, type, body, receives, sent_at, error,\n"
	"attributes (as SQS has them) and row (its columns, or null); a group has count, type, "
	"error\n"
	"and oldest_sent_at.\n"
	"\n"
	"Examples: nexusctl dlq list --type generate-thumbnail\n"
	"          nexusctl dlq list --group\n"
	"          nexusctl dlq show 7c3e\n"
	"\n"
	"Exit status: 0 done, 1 failed, or there is no such letter.\n";

int dlq_open(struct dlq *dlq, const struct ctl *ctl)
{
	int status;

	*dlq = (struct dlq){.ctl = ctl};
	dlq->settings = ctl_settings(ctl, &status);
	if (!dlq->settings)
		return status;
	interrupt_catch();
	status = client_open(dlq->settings, &dlq->client);
	if (status != EXIT_SUCCESS)
		return status;
	return dead_letters_open(dlq->client, dlq->settings->queue.url, &dlq->dead);
}

int dlq_read(struct dlq *dlq, size_t limit)
{
	int status = database_open(dlq->settings, &dlq->database);

	if (status == EXIT_SUCCESS)
		status = dead_letters_read(dlq->dead, limit);
	if (status == EXIT_SUCCESS)
		status = dead_letters_join(dlq->dead, dlq->database);
	return status;
}

int dlq_look(struct dlq *dlq, size_t limit, int *ret_status)
{
	int status = dead_letters_read(dlq->dead, limit);

	/* Who reads a listing may take his time. */
	if (dead_letters_release(dlq->dead) != EXIT_SUCCESS)
		status = EXIT_FAILURE;
	if (status != EXIT_SUCCESS)
		return status;
	if (database_open(dlq->settings, &dlq->database) != EXIT_SUCCESS ||
		dead_letters_join(dlq->dead, dlq->database) != EXIT_SUCCESS)
		*ret_status = EXIT_FAILURE;
	return EXIT_SUCCESS;
}

void dlq_close(struct dlq *dlq)
{
	dead_letters_free(dlq->dead);
	database_close(dlq->database);
	client_close(dlq->client);
	settings_free(dlq->settings);
}

int ctl_dlq(const struct ctl *ctl, int argc, char **argv)
{
	static const struct {
		const char *name;
		ctl_fn *run;
	} commands[] = {{"list", dlq_list}, {"show", dlq_show}};

	if (argc < 2)
		return ctl_usage("dlq", "list, show, or what?");
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(ctl, argc - 1, argv + 1);
	return ctl_usage("dlq", "%s: no such command", argv[1]);
}

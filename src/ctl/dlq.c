#include "ctl/dlq.h"

#include <stdlib.h>

const char ctl_dlq_help[] =
	"Usage: nexusctl dlq list [--job ID...] [--type TYPE] [--error TEXT] [--limit N]\n"
	"                         [--group]\n"
	"       nexusctl dlq show ID [--limit N]\n"
	"       nexusctl dlq redrive --job ID... | [--type TYPE] [--error TEXT] | --all\n"
	"                            [--rate N/s] [--limit N] [--dry-run] [--yes]\n"
	"       nexusctl dlq redrive --all --move-task [--rate N/s] [--dry-run] [--yes]\n"
	"       nexusctl dlq purge [--job ID...] [--type TYPE] [--error TEXT] [--limit N]\n"
	"                          [--save FILE | --no-save] [--dry-run] [--yes]\n"
	"       nexusctl dlq replay ID [--allow-row-writes] [--user NAME] [--limit N]\n"
	"\n"
	"Dead letters: the messages that the queue has given up, beside their jobs' rows.\n"
	"They are received to be looked at (which counts as a receive), and are visible\n"
	"again at once at the end, also after Ctrl-C; after kill -9 within a minute.\n"
	"\n"
	"  list     One line each: the job's id (the message's where the body is no\n"
	"           job's), type, age, receives, the row's status and attempts, and the\n"
	"           error: the row's, else what the daemon wrote beside the copy that it\n"
	"           sent. Below that the same by type and error; with --group that alone.\n"
	"  show     All of one letter: error, attributes, body, and its row.\n"
	"  redrive  Sends letters back to the queue, one by one: first a copy, with the\n"
	"           message's own attributes; then the row becomes pending, if it is\n"
	"           still failed as it was seen; then the letter is deleted. kill -9\n"
	"           between these leaves at worst a message twice, which the daemon runs\n"
	"           once. Kept, and said, are letters whose job is completed (it must not\n"
	"           run again), has no row or one of another type, or came from another\n"
	"           queue, and those that are no job's. Ctrl-C ends between two letters.\n"
	"           --all asks first.\n"
	"           With --move-task SQS moves them all itself, whatever they are, and\n"
	"           goes on if nexusctl is killed; Ctrl-C cancels it. Rows stay failed,\n"
	"           which the daemon begins all the same.\n"
	"  purge    Deletes letters for good; without a choice all. Asks first, and saves\n"
	"           each as a line of JSON, as list --json has it, in a file that only\n"
	"           its owner can read: it is on disk before the first one is deleted.\n"
	"  replay   Runs the letter's handler here and now, as nexusctl run does: with\n"
	"           the daemon's limits, environment and credentials. Nothing is deleted,\n"
	"           and no row written by us. Shows the outcome beside the recorded one.\n"
	"\n"
	"  --job ID...   only those of these jobs, or these messages\n"
	"  --type TYPE   only those of this type\n"
	"  --error TEXT  only those whose error holds TEXT\n"
	"  --limit N     look at N letters at most (1000)\n"
	"  --rate N/s    at most so many in a second; N/min: in a minute\n"
	"  --dry-run     show what would be done\n"
	"  --yes         do not ask\n"
	"  --save FILE   into this file, which is made (QUEUE-TIME.jsonl in the current\n"
	"                directory)\n"
	"  --no-save     delete without a copy\n"
	"  --allow-row-writes\n"
	"                replay a handler, too, that writes its job's row itself\n"
	"                (rows = handler)\n"
	"  --user NAME   root runs the handler as this user (nexus-worker)\n"
	"\n"
	"With --json a letter has message_id, job_id, type, body, receives, sent_at,\n"
	"error, attributes (as SQS has them) and row (its columns, or null); a group has\n"
	"count, type, error and oldest_sent_at; redrive and purge tell of each letter\n"
	"with message_id, job_id, type, action (\"sent\", \"deleted\", \"kept\" …) and reason;\n"
	"purge with saved, the file; a move task with source, destination, status, moved\n"
	"and to_move. A replay has what nexusctl run has, and recorded: status, attempts\n"
	"and error.\n"
	"\n"
	"Examples: nexusctl dlq list --group\n"
	"          nexusctl dlq show job-17\n"
	"          nexusctl dlq replay job-17\n"
	"          nexusctl dlq redrive --error 'ECONNREFUSED' --dry-run\n"
	"          nexusctl dlq redrive --all --rate 20/s\n"
	"          nexusctl dlq purge --type generate-thumbnail --save letters.jsonl\n"
	"\n"
	"Exit status: 0 done, 1 failed, or there is no such letter, or some were kept, or\n"
	"a replayed job would not be completed; 64 usage, 78 configuration.\n";

int dlq_open(struct dlq *dlq, const struct ctl *ctl)
{
	*dlq = (struct dlq){0};
	int status = desk_open(&dlq->desk, ctl, DESK_QUEUE);
	if (status != EXIT_SUCCESS)
		return status;
	return dead_letters_open(dlq->desk.client, dlq->desk.settings->queue.url, &dlq->dead);
}

int dlq_read(struct dlq *dlq, const struct choice *choice)
{
	int status = database_open(dlq->desk.settings, &dlq->desk.database);

	if (status == EXIT_SUCCESS)
		status = dead_letters_read(dlq->dead, choice->limit);
	if (status == EXIT_SUCCESS)
		status = dead_letters_join(dlq->dead, dlq->desk.database);
	return status == EXIT_SUCCESS ? dead_letters_choose(dlq->dead, choice) : status;
}

int dlq_look(struct dlq *dlq, const struct choice *choice, int *ret_status)
{
	int status = dead_letters_read(dlq->dead, choice->limit);

	/* Who reads a listing may take his time. What cannot be given back is shown all the same:
	 * it was received for that, and is out of sight for a while. */
	if (dead_letters_release(dlq->dead) != EXIT_SUCCESS)
		*ret_status = EXIT_FAILURE;
	if (status != EXIT_SUCCESS)
		return status;
	if (database_open(dlq->desk.settings, &dlq->desk.database) != EXIT_SUCCESS ||
		dead_letters_join(dlq->dead, dlq->desk.database) != EXIT_SUCCESS)
		*ret_status = EXIT_FAILURE;
	return dead_letters_choose(dlq->dead, choice);
}

int dlq_missing(const struct dlq *dlq, const struct choice *choice)
{
	int status = EXIT_SUCCESS;

	for (size_t i = 0; i < choice->n_ids; i++) {
		bool there = false;
		for (size_t k = 0; k < dlq->dead->n_letters && !there; k++)
			there = choice_names(&dlq->dead->letters[k], choice->ids[i]);
		if (!there)
			status = ctl_fail(EXIT_FAILURE, "%s: no dead letter of that id is in %s",
				choice->ids[i], dlq->dead->name);
	}
	return status;
}

void dlq_disconnect(struct dlq *dlq)
{
	dlq->desk.database = database_close(dlq->desk.database);
	dlq->desk.client = client_close(dlq->desk.client);
}

void dlq_close(struct dlq *dlq)
{
	dead_letters_free(dlq->dead);
	desk_close(&dlq->desk);
}

int ctl_dlq(const struct ctl *ctl, int argc, char **argv)
{
	static const struct ctl_part parts[] = {
		{"list", dlq_list},
		{"show", dlq_show},
		{"redrive", dlq_redrive},
		{"purge", dlq_purge},
		{"replay", dlq_replay},
		{0},
	};

	return ctl_run_part(ctl, "dlq", parts, "list, show, redrive, purge or replay?", argc, argv);
}

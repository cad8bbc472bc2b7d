#include "ctl/dead_letters.h"
#include "ctl/job.h"
#include "ctl/send.h"
#include "ctl/standing.h"

/* Whether a new message is what it needs. 0 or 1. */
static int retry_judge(struct desk *desk, const struct row *row, size_t limit)
{
	_cleanup_(dead_letters_freep) struct dead_letters *dead = NULL;
	struct standing_queue queue = {0};

	int status = standing_ask(desk, &queue);
	if (status != EXIT_SUCCESS)
		return status;
	switch (standing_of(row, &queue, false)) {
	case STANDING_DONE:
		return ctl_fail(EXIT_FAILURE,
			"job %s is completed, and never runs again: nexusctl publish makes "
			"another",
			row->id);
	case STANDING_RUNNING:
		return ctl_fail(EXIT_FAILURE, "job %s is being done: nexusctl job wait %s", row->id,
			row->id);
	case STANDING_WAITING:
	case STANDING_DEAD:
	case STANDING_STRANDED:
		break;
	}
	/* Where they cannot be looked at that is said; a second message does no harm. */
	standing_look(desk, &queue, limit, &dead);
	if (standing_letter(dead, row->id))
		return ctl_fail(EXIT_FAILURE,
			"the message of job %s is a dead letter: nexusctl dlq redrive --job %s "
			"sends it back",
			row->id, row->id);
	return EXIT_SUCCESS;
}

static int retry_send(struct desk *desk, const struct row *row)
{
	_cleanup_free_ char *message_id = NULL;

	int sent = send_again(desk, row, &message_id);
	if (sent == 0)
		return ctl_fail(EXIT_FAILURE,
			"the row of job %s has changed just now, and was left alone: nexusctl job "
			"show %s",
			row->id, row->id);
	if (sent > 0)
		send_show(desk->ctl, row->id, row->type, message_id);
	return sent > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int job_retry(const struct ctl *ctl, int argc, char **argv)
{
	_cleanup_(desk_close) struct desk desk = {0};
	_cleanup_result_ PGresult *result = NULL;
	struct job_choice choice;
	struct row row;

	int status = job_parse("retry", argc, argv, &choice);
	if (status == EXIT_SUCCESS)
		status = desk_open(&desk, ctl, DESK_QUEUE | DESK_DATABASE);
	if (status == EXIT_SUCCESS)
		status = job_find(&desk, choice.id, &result, &row);
	if (status == EXIT_SUCCESS)
		status = retry_judge(&desk, &row, choice.limit);
	return status == EXIT_SUCCESS ? retry_send(&desk, &row) : status;
}

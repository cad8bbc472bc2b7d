#include <inttypes.h>
#include <string.h>

#include "aws/queue_url.h"
#include "ctl/ask.h"
#include "ctl/attributes.h"
#include "ctl/deed.h"
#include "ctl/interrupt.h"
#include "ctl/progress.h"

#define PAUSE_FIRST (50 * USEC_PER_MSEC)
#define PAUSE_MOST  (2 * USEC_PER_SEC)

/* SQS' own task that moves all that is visible from one queue to another. */
struct move {
	struct dlq *dlq;
	const char *from, *to; /* names */
	json_t *from_attributes, *to_attributes;
	json_t *task; /* its TaskHandle */
	json_t *seen; /* what SQS has said of it last; NULL: nothing yet */
};

static const char *move_arn(const json_t *attributes)
{
	return json_string_value(json_object_get(attributes, "QueueArn"));
}

static int move_fail(const struct move *move)
{
	return ctl_fail(EXIT_FAILURE, "%s", client_error(move->dlq->desk.client));
}

/* ---- Its beginning ---- */

static int move_look_at_queues(struct move *move)
{
	struct client *client = move->dlq->desk.client;

	if (client_attributes(client, move->dlq->dead->url, &move->from_attributes) != SQS_OK ||
		client_attributes(client, move->dlq->desk.settings->queue.url,
			&move->to_attributes) != SQS_OK)
		return move_fail(move);
	if (!move_arn(move->from_attributes) || !move_arn(move->to_attributes))
		return ctl_fail(EXIT_FAILURE, "SQS does not tell the queues' ARNs");
	return EXIT_SUCCESS;
}

static int move_start(struct move *move, unsigned per_second)
{
	const char *source = move_arn(move->from_attributes);
	/* The copies that the daemon sends came from no queue: without it they would stay. */
	json_t *request = json_pack(
		"{s:s, s:s}", "SourceArn", source, "DestinationArn", move_arn(move->to_attributes));

	if (per_second > 0)
		json_object_set_new(
			request, "MaxNumberOfMessagesPerSecond", json_integer(per_second));
	/* Once it is asked for it is there, and only its handle cancels it. */
	interrupt_hold(true);
	enum sqs_result result =
		client_ask(move->dlq->desk.client, SQS_START_MOVE, source, request, &move->task);
	interrupt_hold(false);
	return result == SQS_OK ? EXIT_SUCCESS : move_fail(move);
}

/* ---- On its way ---- */

static json_int_t move_number(const json_t *from, const char *name)
{
	return json_integer_value(json_object_get(from, name));
}

static const char *move_text(const struct move *move, const char *name)
{
	return json_string_value(json_object_get(move->seen, name));
}

static bool move_is_under_way(const struct move *move)
{
	const char *status = move_text(move, "Status");

	return status && (strcmp(status, "RUNNING") == 0 || strcmp(status, "CANCELLING") == 0);
}

static int move_look(struct move *move)
{
	const char *source = move_arn(move->from_attributes);
	json_t *request = json_pack("{s:s, s:i}", "SourceArn", source, "MaxResults", 1);
	json_auto_t *answer = NULL;

	interrupt_hold(true);
	enum sqs_result result =
		client_ask(move->dlq->desk.client, SQS_LIST_MOVES, source, request, &answer);
	interrupt_hold(false);
	if (result != SQS_OK)
		return ctl_fail(EXIT_FAILURE, "SQS moves them, but does not tell how far it is: %s",
			client_error(move->dlq->desk.client));
	json_decref(move->seen);
	move->seen = json_incref(json_array_get(json_object_get(answer, "Results"), 0));
	return EXIT_SUCCESS;
}

static int move_cancel(struct move *move)
{
	json_t *handle = json_object_get(move->task, "TaskHandle");
	json_auto_t *answer = NULL;

	progress_end();
	interrupt_hold(true);
	enum sqs_result result = client_ask(move->dlq->desk.client, SQS_CANCEL_MOVE,
		move_arn(move->from_attributes), json_pack("{s:O}", "TaskHandle", handle), &answer);
	interrupt_hold(false);
	if (result != SQS_OK)
		return ctl_fail(EXIT_FAILURE, "interrupted, but SQS goes on: %s",
			client_error(move->dlq->desk.client));
	return ctl_fail(EXIT_FAILURE,
		"interrupted, and the move is cancelled: about %" JSON_INTEGER_FORMAT
		" dead letters are back in %s, the others are still in %s",
		move_number(answer, "ApproximateNumberOfMessagesMoved"), move->to, move->from);
}

static int move_follow(struct move *move)
{
	for (usec_t pause = PAUSE_FIRST;; pause = usec_min(2 * pause, PAUSE_MOST)) {
		if (interrupted())
			return move_cancel(move);
		int status = move_look(move);
		if (status != EXIT_SUCCESS || !move_is_under_way(move))
			return status;
		progress("%" JSON_INTEGER_FORMAT " of about %" JSON_INTEGER_FORMAT
			 " dead letters are back in %s",
			move_number(move->seen, "ApproximateNumberOfMessagesMoved"),
			move_number(move->seen, "ApproximateNumberOfMessagesToMove"), move->to);
		interrupt_pause(pause);
	}
}

/* ---- Its end ---- */

static void move_put(const struct move *move, const char *status, json_int_t moved, json_int_t all)
{
	if (move->dlq->desk.ctl->json)
		listing_put_json(json_pack("{s:s, s:s, s:s, s:I, s:I}", "source", move->from,
			"destination", move->to, "status", status, "moved", moved, "to_move", all));
	else
		printf("about %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
		       " dead letters of %s are back in %s\n",
			moved, all, move->from, move->to);
}

static int move_end(const struct move *move)
{
	const char *status = move_text(move, "Status"), *why = move_text(move, "FailureReason");

	progress_end();
	move_put(move, status ? status : "UNKNOWN",
		move_number(move->seen, "ApproximateNumberOfMessagesMoved"),
		move_number(move->seen, "ApproximateNumberOfMessagesToMove"));
	if (status && strcmp(status, "COMPLETED") == 0)
		return EXIT_SUCCESS;
	return ctl_fail(EXIT_FAILURE, "the move ended as %s%s%s", status ? status : "nobody knows",
		why ? ": " : "", why ? why : "");
}

static int move_preview(const struct move *move, uint64_t n)
{
	if (move->dlq->desk.ctl->json)
		move_put(move, "DRY_RUN", 0, (json_int_t)n);
	else
		printf("about %" PRIu64 " dead letters of %s would be moved to %s by SQS\n", n,
			move->from, move->to);
	return EXIT_SUCCESS;
}

static int move_run(struct move *move, const struct deed *deed, unsigned per_second)
{
	int status = move_look_at_queues(move);
	if (status != EXIT_SUCCESS)
		return status;
	uint64_t n = attributes_number(move->from_attributes, "ApproximateNumberOfMessages");
	if (deed->dry_run)
		return move_preview(move, n);
	status = ask(deed->yes, "Have SQS move about %" PRIu64 " dead letters of %s to %s?", n,
		move->from, move->to);
	if (status == EXIT_SUCCESS)
		status = move_start(move, per_second);
	if (status == EXIT_SUCCESS)
		status = move_follow(move);
	return status == EXIT_SUCCESS ? move_end(move) : status;
}

int dlq_move(struct dlq *dlq, const struct deed *deed, unsigned per_second)
{
	struct move move = {
		.dlq = dlq,
		.from = dlq->dead->name,
		.to = queue_url_name(dlq->desk.settings->queue.url),
	};

	int status = move_run(&move, deed, per_second);
	json_decref(move.from_attributes);
	json_decref(move.to_attributes);
	json_decref(move.task);
	json_decref(move.seen);
	return status;
}

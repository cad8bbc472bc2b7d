#include "ctl/standing.h"

#include <string.h>

#include "ctl/attributes.h"
#include "daemon/preflight.h"

int standing_ask(struct desk *desk, struct standing_queue *ret)
{
	const struct settings *settings = desk->settings;
	json_auto_t *attributes = NULL;

	if (client_attributes(desk->client, settings->queue.url, &attributes) != SQS_OK)
		return ctl_fail(EXIT_FAILURE, "%s", client_error(desk->client));
	/* The lease is three quarters of this; the rest is the margin. */
	ret->lease = preflight_visibility(settings->queue.visibility_timeout,
		attributes_number(attributes, "VisibilityTimeout") * USEC_PER_SEC);
	ret->messages = attributes_messages(attributes);
	ret->has_dead_letters = attributes_receives(attributes) > 0;
	return EXIT_SUCCESS;
}

int standing_look(struct desk *desk, const struct standing_queue *queue, size_t limit,
	struct dead_letters **ret)
{
	_cleanup_(dead_letters_freep) struct dead_letters *dead = NULL;

	if (!queue->has_dead_letters)
		return EXIT_SUCCESS;
	int status = dead_letters_open(desk->client, desk->settings->queue.url, &dead);
	if (status == EXIT_SUCCESS)
		status = dead_letters_read(dead, limit);
	if (status == EXIT_SUCCESS)
		status = dead_letters_release(dead);
	if (status == EXIT_SUCCESS)
		*ret = TAKE_PTR(dead);
	return status;
}

const struct dead *standing_letter(const struct dead_letters *dead, const char *job_id)
{
	const struct dead *newest = NULL;

	for (size_t i = 0; dead && i < dead->n_letters; i++) {
		const struct letter *letter = dead->letters[i].letter;
		if (letter->job_id && strcmp(letter->job_id, job_id) == 0 &&
			(!newest || letter->sent_at >= newest->letter->sent_at))
			newest = &dead->letters[i];
	}
	return newest;
}

enum standing standing_of(
	const struct row *row, const struct standing_queue *queue, bool has_dead_letter)
{
	if (strcmp(row->status, "completed") == 0)
		return STANDING_DONE;
	if (strcmp(row->status, "processing") == 0 && row->age <= queue->lease)
		return STANDING_RUNNING;
	if (has_dead_letter)
		return STANDING_DEAD;
	if (strcmp(row->status, "pending") == 0 && row->age < queue->fresh)
		return STANDING_WAITING;
	return queue->messages > 0 ? STANDING_WAITING : STANDING_STRANDED;
}

const char *standing_name(enum standing standing)
{
	static const char *const names[STANDING_N] = {
		[STANDING_DONE] = "deleted",
		[STANDING_RUNNING] = "in flight",
		[STANDING_WAITING] = "waiting",
		[STANDING_DEAD] = "dead",
		[STANDING_STRANDED] = "none",
	};

	return names[standing];
}

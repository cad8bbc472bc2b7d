#include "ctl/dead_letters.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "aws/queue_url.h"
#include "base/clock.h"
#include "ctl/attributes.h"
#include "ctl/ctl.h"
#include "ctl/interrupt.h"
#include "ctl/progress.h"

/* Long enough for an answer that takes its time, short for those who wait after kill -9. */
#define IN_HAND (60 * USEC_PER_SEC)
/* What a receive waits that is to tell whether there is anything: it asks all of SQS' servers. */
#define LOOK_CLOSELY USEC_PER_SEC
#define ROWS_AT_ONCE 100

/* One short poll asks but some of SQS' servers. */
#define LOOKS 3

/* ---- Receiving ---- */

struct taking {
	struct dead_letters *dead;
	usec_t until;
	size_t n_new;
	bool failed; /* for want of memory */
};

static struct dead *dead_letters_add(struct dead_letters *dead, const char *message_id)
{
	size_t n = dead->n_letters;

	/* Grown at every power of two. */
	if ((n & (n - 1)) == 0) {
		struct dead *letters =
			reallocarray(dead->letters, n ? 2 * n : 1, sizeof letters[0]);
		if (!letters)
			return NULL;
		dead->letters = letters;
	}
	if (json_object_set_new(dead->index, message_id, json_integer((json_int_t)n)) < 0)
		return NULL;
	dead->letters[n] = (struct dead){0};
	dead->n_letters++;
	return &dead->letters[n];
}

static struct dead *taking_place(struct taking *taking, const char *message_id)
{
	struct dead_letters *dead = taking->dead;
	const json_t *known = json_object_get(dead->index, message_id);

	if (known)
		return &dead->letters[json_integer_value(known)];
	taking->n_new++;
	return dead_letters_add(dead, message_id);
}

static int on_letter(void *userdata, const struct sqs_message *message)
{
	struct taking *taking = userdata;
	struct letter *letter = letter_new(message);
	struct dead *dead = letter ? taking_place(taking, message->message_id) : NULL;

	if (!dead) {
		letter_free(letter);
		taking->failed = true;
		return -1;
	}
	/* Of one that has come again the newer handle is the one with power. */
	letter_free(dead->letter);
	dead->letter = letter;
	dead->until = taking->until;
	return 0;
}

static int dead_letters_receive(
	struct dead_letters *dead, size_t limit, usec_t wait, size_t *ret_n_new)
{
	size_t room = limit - dead->n_letters;
	const struct sqs_receive what = {
		.max_messages = room < SQS_BATCH_MAX ? (unsigned)room : SQS_BATCH_MAX,
		.wait = wait,
		.visibility_timeout = IN_HAND,
		.details = true,
	};
	struct taking taking = {.dead = dead, .until = clock_boottime() + IN_HAND};

	/* What an answer holds that nobody reads stays invisible. */
	interrupt_hold(true);
	enum sqs_result result = client_receive(dead->client, dead->url, &what, on_letter, &taking);
	interrupt_hold(false);
	*ret_n_new = taking.n_new;
	if (result != SQS_OK)
		return ctl_fail(EXIT_FAILURE, "%s", client_error(dead->client));
	return taking.failed ? ctl_fail(EXIT_FAILURE, "out of memory") : EXIT_SUCCESS;
}

/* How many there are as SQS counts; where it does not tell, as many as can be. */
struct counted {
	uint64_t visible;
	uint64_t in_flight;
};

static struct counted dead_letters_count(struct dead_letters *dead)
{
	json_auto_t *attributes = NULL;

	if (client_attributes(dead->client, dead->url, &attributes) != SQS_OK)
		return (struct counted){.visible = UINT64_MAX};
	return (struct counted){
		.visible = attributes_number(attributes, "ApproximateNumberOfMessages"),
		.in_flight = attributes_number(attributes, "ApproximateNumberOfMessagesNotVisible"),
	};
}

static void dead_letters_tell(
	const struct dead_letters *dead, size_t limit, const struct counted *counted)
{
	char left[CLOCK_DURATION_MAX];

	if (dead->n_letters == limit && counted->visible > limit)
		ctl_fail(0, "only %zu dead letters were looked at, and there are more: --limit N",
			limit);
	else if (dead->n_letters == 0 && counted->in_flight > 0)
		ctl_fail(0,
			"%" PRIu64
			" dead letters are in somebody's hands; those of a look that was "
			"killed are visible again within %s",
			counted->in_flight, clock_format_duration(IN_HAND, left));
}

/* Empty answers are believed where as many letters are here as SQS counts, or it looked closely. */
int dead_letters_read(struct dead_letters *dead, size_t limit)
{
	const struct counted counted = dead_letters_count(dead);
	int status = EXIT_SUCCESS;
	unsigned n_empty = 0;
	usec_t wait = 0;

	while (status == EXIT_SUCCESS && dead->n_letters < limit) {
		size_t n_new;
		if (interrupted()) {
			status = ctl_fail(EXIT_FAILURE, "interrupted: nothing was changed");
			break;
		}
		status = dead_letters_receive(dead, limit, wait, &n_new);
		n_empty = n_new > 0 ? 0 : n_empty + 1;
		if (n_empty > 0 && (wait > 0 || n_empty == LOOKS)) {
			if (wait > 0 || dead->n_letters >= counted.visible)
				break;
			wait = LOOK_CLOSELY;
		}
		if (status == EXIT_SUCCESS)
			status = dead_letters_keep(dead);
		progress("%zu dead letters read", dead->n_letters);
	}
	progress_end();
	if (status == EXIT_SUCCESS)
		dead_letters_tell(dead, limit, &counted);
	return status;
}

/* ---- What is in hand ---- */

/* The visibility of ten, at most. */
static int dead_letters_change(
	struct dead_letters *dead, struct dead *const *ten, size_t n, usec_t timeout)
{
	struct sqs_visibility entries[SQS_BATCH_MAX];
	enum sqs_result results[SQS_BATCH_MAX];
	usec_t until = timeout ? clock_boottime() + timeout : 0;
	int status = EXIT_SUCCESS;

	for (size_t i = 0; i < n; i++)
		entries[i] = (struct sqs_visibility){ten[i]->letter->handle, timeout};
	interrupt_hold(true);
	client_change_visibility(dead->client, dead->url, entries, n, results);
	interrupt_hold(false);
	for (size_t i = 0; i < n; i++) {
		/* That of a stale handle somebody else has in hand. */
		if (results[i] != SQS_OK && results[i] != SQS_STALE)
			status = EXIT_FAILURE;
		if (results[i] == SQS_OK)
			ten[i]->until = until;
		else if (results[i] == SQS_STALE || timeout == 0)
			ten[i]->until = 0;
	}
	return status;
}

/* Changes that of all from the first on whose time in hand ends before a moment. */
static int dead_letters_change_all(
	struct dead_letters *dead, size_t first, usec_t before, usec_t timeout)
{
	struct dead *ten[SQS_BATCH_MAX];
	int status = EXIT_SUCCESS;
	size_t n = 0;

	for (size_t i = first; i < dead->n_letters; i++) {
		struct dead *one = &dead->letters[i];
		if (one->until > 0 && one->until <= before)
			ten[n++] = one;
		if (n == SQS_BATCH_MAX || (n > 0 && i + 1 == dead->n_letters)) {
			if (dead_letters_change(dead, ten, n, timeout) != EXIT_SUCCESS)
				status = EXIT_FAILURE;
			n = 0;
		}
	}
	return status;
}

int dead_letters_keep(struct dead_letters *dead)
{
	usec_t soon = clock_boottime() + IN_HAND / 2;

	if (dead_letters_change_all(dead, 0, soon, IN_HAND) == EXIT_SUCCESS)
		return EXIT_SUCCESS;
	return ctl_fail(EXIT_FAILURE, "%s", client_error(dead->client));
}

static int dead_letters_release_from(struct dead_letters *dead, size_t first)
{
	char left[CLOCK_DURATION_MAX];

	if (dead_letters_change_all(dead, first, USEC_INFINITY, 0) == EXIT_SUCCESS)
		return EXIT_SUCCESS;
	return ctl_fail(EXIT_FAILURE, "some dead letters are visible again only within %s: %s",
		clock_format_duration(IN_HAND, left), client_error(dead->client));
}

int dead_letters_release(struct dead_letters *dead)
{
	return dead_letters_release_from(dead, 0);
}

int dead_letters_choose(struct dead_letters *dead, const struct choice *choice)
{
	size_t n = 0;

	/* Those that stay change places with the others before them. */
	for (size_t i = 0; i < dead->n_letters; i++) {
		struct dead one = dead->letters[i];
		if (!choice_takes(choice, &one))
			continue;
		dead->letters[i] = dead->letters[n];
		dead->letters[n++] = one;
	}
	int status = dead_letters_release_from(dead, n);
	while (dead->n_letters > n)
		letter_free(dead->letters[--dead->n_letters].letter);
	return status;
}

/* ---- Rows ---- */

static int dead_letters_join_some(
	struct dead_letters *dead, size_t first, size_t n, struct database *database)
{
	struct dead *letters = &dead->letters[first];
	const char *ids[ROWS_AT_ONCE];
	size_t n_ids = 0;

	for (size_t i = 0; i < n; i++)
		if (letters[i].letter->job_id)
			ids[n_ids++] = letters[i].letter->job_id;
	PGresult *result = row_find(database, ids, n_ids);
	if (!result)
		return EXIT_FAILURE;
	dead->results[dead->n_results++] = result;
	for (size_t i = 0; i < n; i++)
		letters[i].asked = true;
	for (int k = 0; k < PQntuples(result); k++) {
		struct row row;
		row_read(result, k, &row);
		for (size_t i = 0; i < n; i++) {
			const char *id = letters[i].letter->job_id;
			if (!id || strcmp(id, row.id) != 0)
				continue;
			letters[i].row = row;
			letters[i].has_row = true;
		}
	}
	return EXIT_SUCCESS;
}

int dead_letters_join(struct dead_letters *dead, struct database *database)
{
	size_t n_results = dead->n_letters / ROWS_AT_ONCE + 1;

	dead->results = calloc(n_results, sizeof dead->results[0]);
	if (!dead->results)
		return ctl_fail(EXIT_FAILURE, "out of memory");
	for (size_t i = 0; i < dead->n_letters; i += ROWS_AT_ONCE) {
		size_t n = dead->n_letters - i;
		n = n < ROWS_AT_ONCE ? n : ROWS_AT_ONCE;
		if (dead_letters_join_some(dead, i, n, database) != EXIT_SUCCESS)
			return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

/* ---- Its life ---- */

int dead_letters_open(struct client *client, const char *queue_url, struct dead_letters **ret)
{
	_cleanup_(dead_letters_freep) struct dead_letters *dead = calloc(1, sizeof *dead);

	if (!dead || !(dead->index = json_object()))
		return ctl_fail(EXIT_FAILURE, "out of memory");
	dead->client = client;
	if (client_dead_letters(client, queue_url, &dead->url) != SQS_OK)
		return ctl_fail(EXIT_FAILURE, "%s", client_error(client));
	if (!dead->url)
		return ctl_fail(EXIT_FAILURE,
			"the queue %s has no redrive policy, and so no dead letters: nexusctl "
			"provision --fix",
			queue_url_name(queue_url));
	dead->name = queue_url_name(dead->url);
	*ret = TAKE_PTR(dead);
	return EXIT_SUCCESS;
}

struct dead_letters *dead_letters_free(struct dead_letters *dead)
{
	if (!dead)
		return NULL;
	dead_letters_release(dead);
	for (size_t i = 0; i < dead->n_letters; i++)
		letter_free(dead->letters[i].letter);
	for (size_t i = 0; i < dead->n_results; i++)
		PQclear(dead->results[i]);
	free(dead->results);
	free(dead->letters);
	json_decref(dead->index);
	free(dead->url);
	free(dead);
	return NULL;
}

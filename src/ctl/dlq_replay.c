#include <stdio.h>
#include <string.h>

#include "ctl/choice.h"
#include "ctl/dlq.h"
#include "ctl/here.h"
#include "ctl/listing.h"
#include "work/dead_letter.h"

struct replay {
	struct choice choice;
	struct here here;
	struct dlq dlq;
	struct job job;
	struct envelope_message_attribute attributes[SQS_MESSAGE_ATTRIBUTES_MAX];
};

/* ---- The job, as a redrive would bring it back ---- */

static void replay_give_attributes(struct replay *replay, const struct letter *letter)
{
	for (size_t i = 0; i < letter->n_attributes; i++) {
		const struct sqs_message_attribute *a = &letter->attributes[i];
		if (!dead_letter_is_ours(a->name))
			replay->attributes[replay->here.n_attributes++] =
				(struct envelope_message_attribute){
					a->name, a->data_type, a->string_value, a->binary_value};
	}
	replay->here.attributes = replay->attributes;
}

static int replay_make_job(struct replay *replay, const struct dead *dead)
{
	const struct letter *letter = dead->letter;

	if (!letter->job_id)
		return ctl_fail(EXIT_FAILURE, "%s: no handler can run this: %s", letter->message_id,
			letter->reason);
	int status = here_check(&replay->here, letter->type);
	if (status != EXIT_SUCCESS)
		return status;
	char *body = malloc(letter->body_len + 1);
	if (!body)
		return ctl_fail(EXIT_FAILURE, "out of memory");
	memcpy(body, letter->body, letter->body_len + 1);
	if (job_init(&replay->job, body, letter->job_id, letter->type) < 0)
		return ctl_fail(EXIT_FAILURE, "out of memory");
	replay->job.body_len = letter->body_len;
	replay->job.payload = body + letter->payload_offset;
	replay->job.payload_len = letter->payload_len;
	replay->job.attempt = dead->has_row ? dead->row.attempts + 1 : 1;
	replay->here.message_id = letter->message_id;
	replay->here.sent_at = letter->sent_at;
	replay_give_attributes(replay, letter);
	return EXIT_SUCCESS;
}

/* ---- What came of it, beside what had come of it ---- */

static void replay_print(const struct replay *replay, const struct dead *dead)
{
	const char *error = dead_error(dead);
	char state[ROW_STATE_MAX];

	printf("recorded  %s%s", dead_state(dead, state), error ? ": " : "");
	ctl_put_line(stdout, error ? error : "");
	fputs("now       ", stdout);
	here_print(&replay->job);
}

static void replay_put(const struct replay *replay, const struct dead *dead)
{
	json_t *all = here_json(&replay->job);

	json_object_set_new(all, "recorded",
		json_pack("{s:s?, s:o, s:s?}", "status", dead->has_row ? dead->row.status : NULL,
			"attempts", dead->has_row ? json_integer(dead->row.attempts) : json_null(),
			"error", dead_error(dead)));
	listing_put_json(all);
}

/* ---- The command ---- */

static int replay_parse(struct replay *replay, int argc, char **argv)
{
	static const struct option options[] = {CHOICE_OPTIONS,
		{"allow-row-writes", no_argument, NULL, 'w'},
		{"user", required_argument, NULL, 'u'}, {0}};
	int c, status;

	optind = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case 'w':
			replay->here.allow_row_writes = true;
			break;
		case 'u':
			replay->here.user = optarg;
			break;
		default:
			status = choice_option(&replay->choice, c, optarg);
			if (status != EXIT_SUCCESS)
				return status;
		}
	}
	return choice_take_id(&replay->choice, "replay", argc, argv);
}

static int replay_run(struct replay *replay)
{
	struct dlq *dlq = &replay->dlq;
	int rows = EXIT_SUCCESS;

	replay->here.settings = dlq->desk.settings;
	int status = dlq_look(dlq, &replay->choice, &rows);
	if (status == EXIT_SUCCESS)
		status = dlq_missing(dlq, &replay->choice);
	if (status != EXIT_SUCCESS)
		return status;
	const struct dead *dead = &dlq->dead->letters[0];
	status = replay_make_job(replay, dead);
	if (status != EXIT_SUCCESS)
		return status;
	/* The handler's room has an event loop, and threads, of its own. */
	dlq_disconnect(dlq);
	status = here_run(&replay->here, &replay->job);
	if (status != EXIT_SUCCESS)
		return status;
	if (replay->here.ctl->json)
		replay_put(replay, dead);
	else
		replay_print(replay, dead);
	return here_status(&replay->job);
}

static void replay_done(struct replay *replay)
{
	choice_done(&replay->choice);
	job_done(&replay->job);
	dlq_close(&replay->dlq);
}

int dlq_replay(const struct ctl *ctl, int argc, char **argv)
{
	_cleanup_(replay_done) struct replay replay = {.choice = CHOICE_INIT, .here = {.ctl = ctl}};

	int status = replay_parse(&replay, argc, argv);
	if (status == EXIT_SUCCESS)
		status = dlq_open(&replay.dlq, ctl);
	return status == EXIT_SUCCESS ? replay_run(&replay) : status;
}

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "aws/queue_url.h"
#include "ctl/ask.h"
#include "ctl/deed.h"
#include "ctl/interrupt.h"
#include "ctl/progress.h"
#include "work/dead_letter.h"

struct redrive {
	struct deed deed;
	bool move_task;
	unsigned rate; /* letters in each unit; 0: as fast as it goes */
	usec_t unit;

	struct dlq dlq;
	const char *to; /* the queue's name */
	size_t n_sent;
	size_t n_begun; /* of these, before we came to their rows */
	size_t n_kept;
};

/* ---- Which are sent ---- */

static bool redrive_is_elsewheres(const struct redrive *redrive, const struct letter *letter)
{
	return letter->source && strcmp(queue_url_name(letter->source), redrive->to) != 0;
}

/* Why its job would not run if it were sent, or must not; NULL: it may. */
static const char *redrive_objection(const struct redrive *redrive, const struct dead *dead)
{
	if (!dead->letter->job_id)
		return dead->letter->reason;
	if (redrive_is_elsewheres(redrive, dead->letter))
		return "another queue gave it up: --config FILE of the daemon there";
	if (!dead->has_row)
		return "its job has no row";
	if (strcmp(dead->row.type, dead->letter->type) != 0)
		return "its job's row is of another type";
	return strcmp(dead->row.status, "completed") == 0
		       ? "its job is completed, and the letter of no use: nexusctl dlq purge"
		       : NULL;
}

/* ---- One letter: a copy, the row, and only then the delete ---- */

static void redrive_keep(struct redrive *redrive, const struct dead *dead, const char *reason)
{
	redrive->n_kept++;
	deed_complain(redrive->dlq.desk.ctl, dead, "kept", reason);
}

static enum sqs_result redrive_send(struct redrive *redrive, const struct letter *letter)
{
	struct sqs_message_attribute own[SQS_MESSAGE_ATTRIBUTES_MAX];
	struct sqs_send what = {
		.queue_url = redrive->dlq.desk.settings->queue.url,
		.body = letter->body,
		.body_len = letter->body_len,
		.attributes = own,
	};

	for (size_t i = 0; i < letter->n_attributes; i++)
		if (!dead_letter_is_ours(letter->attributes[i].name))
			own[what.n_attributes++] = letter->attributes[i];
	return client_send(redrive->dlq.desk.client, &what, NULL);
}

/* 0, or 1: it failed, which was said. */
static int redrive_reopen(struct redrive *redrive, const struct row *row)
{
	if (strcmp(row->status, "failed") != 0)
		return EXIT_SUCCESS;
	int moved = row_move(redrive->dlq.desk.database, row, "pending", NULL);
	redrive->n_begun += moved == 0;
	return moved < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int redrive_delete(struct redrive *redrive, struct dead *dead)
{
	struct dlq *dlq = &redrive->dlq;
	const char *handle = dead->letter->handle;

	if (client_delete(dlq->desk.client, dlq->dead->url, &handle, 1, NULL) == SQS_OK) {
		dead->until = 0;
		deed_tell(dlq->desk.ctl, dead, "sent");
		return EXIT_SUCCESS;
	}
	deed_complain(
		dlq->desk.ctl, dead, "sent, but still here too", client_error(dlq->desk.client));
	return EXIT_FAILURE;
}

/* 0: go on with the next; 1: it would fare no better, and why was said. */
static int redrive_letter(struct redrive *redrive, struct dead *dead)
{
	struct dlq *dlq = &redrive->dlq;

	enum sqs_result result = redrive_send(redrive, dead->letter);
	if (result != SQS_OK) {
		redrive_keep(redrive, dead, client_error(dlq->desk.client));
		return result == SQS_REFUSED ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	redrive->n_sent++;
	/* Without its row it will run all the same: a failed one may be begun. */
	int row = redrive_reopen(redrive, &dead->row);
	int status = redrive_delete(redrive, dead);
	return row == EXIT_SUCCESS ? status : row;
}

/* What was read at the start may be minutes old. The row's texts are in *ret_result. */
static int redrive_look_again(struct redrive *redrive, struct dead *dead, PGresult **ret_result)
{
	const char *id = dead->letter->job_id;

	if (!id)
		return EXIT_SUCCESS;
	*ret_result = row_find(redrive->dlq.desk.database, &id, 1);
	if (!*ret_result)
		return EXIT_FAILURE;
	dead->has_row = PQntuples(*ret_result) > 0;
	if (dead->has_row)
		row_read(*ret_result, 0, &dead->row);
	return EXIT_SUCCESS;
}

static int redrive_one(struct redrive *redrive, struct dead *dead)
{
	_cleanup_result_ PGresult *result = NULL;
	struct dead now = *dead;

	if (dead->until == 0) {
		redrive_keep(redrive, dead, "somebody else has it in hand now");
		return EXIT_SUCCESS;
	}
	int status = redrive_look_again(redrive, &now, &result);
	if (status != EXIT_SUCCESS)
		return status;
	const char *objection = redrive_objection(redrive, &now);
	if (objection)
		redrive_keep(redrive, &now, objection);
	else
		status = redrive_letter(redrive, &now);
	dead->until = now.until;
	return status;
}

/* ---- All of them ---- */

/* Until it is the next letter's turn. 0, or 1: a Ctrl-C came, or they cannot be kept in hand. */
static int redrive_wait(struct redrive *redrive, usec_t turn)
{
	for (;;) {
		usec_t now = clock_boottime();
		if (interrupted() || dead_letters_keep(redrive->dlq.dead) != EXIT_SUCCESS)
			return EXIT_FAILURE;
		if (now >= turn)
			return EXIT_SUCCESS;
		/* Those that wait are to be kept meanwhile. */
		interrupt_pause(usec_min(turn - now, 10 * USEC_PER_SEC));
	}
}

static int redrive_all(struct redrive *redrive)
{
	struct dead_letters *dead = redrive->dlq.dead;
	usec_t pause = redrive->rate ? redrive->unit / redrive->rate : 0, turn = 0;
	int status = EXIT_SUCCESS;

	for (size_t i = 0; i < dead->n_letters && status == EXIT_SUCCESS; i++) {
		status = redrive_wait(redrive, turn);
		if (status != EXIT_SUCCESS)
			break;
		turn = clock_boottime() + pause;
		interrupt_hold(true);
		status = redrive_one(redrive, &dead->letters[i]);
		interrupt_hold(false);
		progress("%zu of %zu dead letters are back in %s", redrive->n_sent, dead->n_letters,
			redrive->to);
	}
	progress_end();
	return status;
}

static void redrive_summary(const struct redrive *redrive, struct strbuf *out)
{
	size_t n_left = redrive->dlq.dead->n_letters - redrive->n_sent - redrive->n_kept;

	strbuf_printf(out, "%zu dead letters are back in %s", redrive->n_sent, redrive->to);
	if (redrive->n_begun > 0)
		strbuf_printf(out, ", of which %zu had been begun before their rows were pending",
			redrive->n_begun);
	if (redrive->n_kept > 0)
		strbuf_printf(out, "; %zu were kept", redrive->n_kept);
	if (n_left > 0)
		strbuf_printf(out, "; %zu were not tried", n_left);
}

/* ---- Without doing it ---- */

static int redrive_preview(const struct redrive *redrive)
{
	const struct dead_letters *dead = redrive->dlq.dead;
	_cleanup_(listing_freep) struct listing *listing = deed_listing_new(redrive->dlq.desk.ctl);

	if (!listing)
		return EXIT_FAILURE;
	for (size_t i = 0; i < dead->n_letters; i++) {
		const char *objection = redrive_objection(redrive, &dead->letters[i]);
		deed_list(listing, &dead->letters[i], objection ? "kept" : "sent", objection);
	}
	return listing_end(listing, "no dead letters");
}

/* ---- The command ---- */

static int redrive_read_rate(struct redrive *redrive, const char *text)
{
	static const struct {
		const char *name;
		usec_t unit;
	} units[] = {{"", USEC_PER_SEC}, {"/s", USEC_PER_SEC}, {"/min", USEC_PER_MIN}};
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (text[0] >= '1' && text[0] <= '9' && n <= 10000 &&
			strcmp(end, units[i].name) == 0) {
			redrive->rate = (unsigned)n;
			redrive->unit = units[i].unit;
			return EXIT_SUCCESS;
		}
	return ctl_usage(
		"dlq", "--rate %s: accepted is 1/s to 10000/s, or 1/min to 10000/min", text);
}

static int redrive_check(const struct redrive *redrive)
{
	const struct deed *deed = &redrive->deed;

	if (!deed->all && !deed_has_choice(deed))
		return ctl_usage("dlq", "which? --job ID, --type TYPE, --error TEXT, or --all");
	if (redrive->move_task && !deed->all)
		return ctl_usage("dlq", "--move-task moves all: it needs --all");
	if (redrive->move_task && redrive->rate &&
		(redrive->unit != USEC_PER_SEC || redrive->rate > DLQ_MOVE_RATE_MAX))
		return ctl_usage("dlq", "--move-task takes 1/s to %d/s", DLQ_MOVE_RATE_MAX);
	return EXIT_SUCCESS;
}

static int redrive_parse(struct redrive *redrive, int argc, char **argv)
{
	static const struct option options[] = {DEED_OPTIONS,
		{"rate", required_argument, NULL, 'r'}, {"move-task", no_argument, NULL, 'm'}, {0}};
	int c, status;

	optind = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (c == 'm')
			redrive->move_task = true;
		status = c == 'm'   ? EXIT_SUCCESS
			 : c == 'r' ? redrive_read_rate(redrive, optarg)
				    : deed_option(&redrive->deed, c, optarg);
		if (status != EXIT_SUCCESS)
			return status;
	}
	status = deed_parse_rest(&redrive->deed, argc, argv);
	return status == EXIT_SUCCESS ? redrive_check(redrive) : status;
}

static int redrive_run(struct redrive *redrive)
{
	_cleanup_strbuf_ struct strbuf summary = STRBUF_INIT;
	struct dlq *dlq = &redrive->dlq;

	int status = dlq_read(dlq, &redrive->deed.choice);
	if (status != EXIT_SUCCESS)
		return status;
	int missing = dlq_missing(dlq, &redrive->deed.choice);
	if (redrive->deed.dry_run)
		return redrive_preview(redrive) == EXIT_SUCCESS ? missing : EXIT_FAILURE;
	if (redrive->deed.all && dlq->dead->n_letters > 0)
		status = ask(redrive->deed.yes, "Send %zu dead letters of %s back to %s?",
			dlq->dead->n_letters, dlq->dead->name, redrive->to);
	if (status != EXIT_SUCCESS)
		return status;
	status = redrive_all(redrive);
	redrive_summary(redrive, &summary);
	if (status != EXIT_SUCCESS)
		return ctl_fail(EXIT_FAILURE, "%s: %s", interrupted() ? "interrupted" : "stopped",
			strbuf_str(&summary));
	if (!dlq->desk.ctl->json)
		puts(strbuf_str(&summary));
	return redrive->n_kept > 0 ? EXIT_FAILURE : missing;
}

static void redrive_done(struct redrive *redrive)
{
	choice_done(&redrive->deed.choice);
	dlq_close(&redrive->dlq);
}

int dlq_redrive(const struct ctl *ctl, int argc, char **argv)
{
	_cleanup_(redrive_done) struct redrive redrive = {.deed = DEED_INIT};

	int status = redrive_parse(&redrive, argc, argv);
	if (status == EXIT_SUCCESS)
		status = dlq_open(&redrive.dlq, ctl);
	if (status != EXIT_SUCCESS)
		return status;
	redrive.to = queue_url_name(redrive.dlq.desk.settings->queue.url);
	if (redrive.move_task)
		return dlq_move(&redrive.dlq, &redrive.deed, redrive.rate);
	return redrive_run(&redrive);
}

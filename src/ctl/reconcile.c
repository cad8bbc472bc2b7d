#include <assert.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "ctl/choice.h"
#include "ctl/interrupt.h"
#include "ctl/listing.h"
#include "ctl/mismatch.h"
#include "ctl/send.h"
#include "ctl/when.h"

const char ctl_reconcile_help[] =
	"Usage: nexusctl reconcile [--apply] [--resend] [--dry-run] [--pending DURATION]\n"
	"                          [--limit N]\n"
	"\n"
	"Finds where rows and messages are out of step. Changes nothing unless told to:\n"
	"\n"
	"  --apply             rows that are lost become failed (--yes is the same)\n"
	"  --resend            jobs that are stranded get a new message\n"
	"  --dry-run           change nothing, whatever else is said\n"
	"  --pending DURATION  since when a row has to be pending to be looked at (5min)\n"
	"  --limit N           look at so many dead letters, and rows of each status, at\n"
	"                      most (1000)\n"
	"\n"
	"  lost      the row is processing, but was not touched for as long as the\n"
	"            queue's visibility timeout, so that nobody does the job any more;\n"
	"            and its message is dead. --apply makes the row failed.\n"
	"  stranded  the row is pending, or processing as above, and there is no message:\n"
	"            none in the queue in two looks, and no dead letter. --resend makes\n"
	"            the row pending and sends a message with the row's payload. SQS\n"
	"            counts approximately: a second message for a job does no harm.\n"
	"  buried    the row is pending, but its message is dead: nexusctl dlq redrive\n"
	"  waiting   as stranded, but the queue has messages, and its may be among them,\n"
	"            or not all dead letters could be seen\n"
	"  no row    a dead letter of a job that has no row, or of no job at all\n"
	"  done      a dead letter of a job that is completed: nexusctl dlq purge\n"
	"\n"
	"A row is changed only if it is still as it was seen; one that is not is left\n"
	"alone. With --json: mismatch (one of the words above), job_id, type, status,\n"
	"attempts, updated_at, message_id (of the dead letter, or of the message that\n"
	"was sent), and done (failed, sent, left alone, or null).\n"
	"\n"
	"nexus-reconcile.timer runs 'nexusctl reconcile --apply' every ten minutes.\n"
	"\n"
	"Examples: nexusctl reconcile\n"
	"          nexusctl reconcile --apply --resend\n"
	"          nexusctl --json reconcile | jq 'select(.mismatch == \"no row\")'\n"
	"\n"
	"Exit status: 0 done, whatever was found, 1 failed, 64 usage, 78 configuration.\n";

#define PENDING_USUAL (5 * USEC_PER_MIN)

struct reconcile {
	struct mismatch_terms terms;
	bool apply;
	bool resend;
	bool dry_run;

	struct desk desk;
	struct mismatches mismatches;
	size_t n_done;
	int status; /* once it is a failure nothing more is changed */
};

/* What became of one; message_id: of what was sent, owned. */
struct deal {
	const char *done;
	char *message_id;
};

/* ---- Changing ---- */

static void reconcile_fail(struct reconcile *r, const struct mismatch *one, struct deal *deal)
{
	char error[128];

	snprintf(error, sizeof error,
		"attempt %d did not come to an end, and its message went to the dead letter queue",
		one->row.attempts);
	int moved = row_move(r->desk.database, &one->row, "failed", error);
	if (moved < 0)
		r->status = EXIT_FAILURE;
	else
		deal->done = moved ? "failed" : "left alone";
}

static void reconcile_resend(struct reconcile *r, const struct mismatch *one, struct deal *deal)
{
	int sent = send_again(&r->desk, &one->row, &deal->message_id);

	if (sent < 0)
		r->status = EXIT_FAILURE;
	else
		deal->done = sent ? "sent" : "left alone";
}

static void reconcile_one(struct reconcile *r, const struct mismatch *one, struct deal *deal)
{
	if (r->status != EXIT_SUCCESS || r->dry_run)
		return;
	if (interrupted()) {
		r->status = ctl_fail(EXIT_FAILURE, "interrupted: %zu were changed", r->n_done);
		return;
	}
	interrupt_hold(true);
	if (one->kind == MISMATCH_LOST && r->apply)
		reconcile_fail(r, one, deal);
	else if (one->kind == MISMATCH_STRANDED && r->resend)
		reconcile_resend(r, one, deal);
	interrupt_hold(false);
	r->n_done += deal->done && strcmp(deal->done, "left alone") != 0;
}

/* ---- Showing ---- */

static json_t *reconcile_json(const struct mismatch *one, const struct deal *deal)
{
	const struct row *row = one->has_row ? &one->row : NULL;
	const struct letter *letter = one->letter ? one->letter->letter : NULL;

	assert(row || letter);
	return json_pack("{s:s, s:s?, s:s?, s:s?, s:o, s:s?, s:s?, s:s?}", "mismatch",
		mismatch_name(one->kind), "job_id", row ? row->id : letter->job_id, "type",
		row ? row->type : letter->type, "status", row ? row->status : NULL, "attempts",
		row ? json_integer(row->attempts) : json_null(), "updated_at",
		row ? row->updated_at : NULL, "message_id",
		letter ? letter->message_id : deal->message_id, "done", deal->done);
}

static void reconcile_list(
	struct listing *listing, const struct mismatch *one, const struct deal *deal)
{
	const struct row *row = one->has_row ? &one->row : NULL;
	char state[ROW_STATE_MAX], age[WHEN_MAX];

	when_age(row ? row->age : dead_age(one->letter), age);
	const char *const cells[] = {row ? row->id : dead_id(one->letter),
		row ? row->type : one->letter->letter->type, row ? row_state(row, state) : "none",
		age, deal->done};
	listing_add(listing, cells, reconcile_json(one, deal));
}

static const char *const headings[MISMATCH_N_KINDS] = {
	[MISMATCH_LOST] = "Lost: nobody does the job any more, and its message is dead. --apply "
			  "makes the row failed.",
	[MISMATCH_STRANDED] = "Stranded: there is no message for the row. --resend sends one.",
	[MISMATCH_BURIED] = "Buried: the row is pending, but its message is dead: nexusctl dlq "
			    "redrive --job ID",
	[MISMATCH_WAITING] = "Waiting: the row's message may be in the queue, or a dead letter "
			     "that could not be seen.",
	[MISMATCH_NO_ROW] = "Dead letters without a row: nexusctl dlq show ID",
	[MISMATCH_DONE] = "Dead letters of jobs that are completed: nexusctl dlq purge",
};

static bool reconcile_has(const struct reconcile *r, enum mismatch_kind kind)
{
	for (size_t i = 0; i < r->mismatches.n; i++)
		if (r->mismatches.all[i].kind == kind)
			return true;
	return false;
}

static void reconcile_kind(struct reconcile *r, enum mismatch_kind kind, struct listing *listing)
{
	for (size_t i = 0; i < r->mismatches.n; i++) {
		const struct mismatch *one = &r->mismatches.all[i];
		struct deal deal = {0};
		if (one->kind != kind)
			continue;
		reconcile_one(r, one, &deal);
		reconcile_list(listing, one, &deal);
		free(deal.message_id);
	}
}

static int reconcile_section(struct reconcile *r, enum mismatch_kind kind, bool first)
{
	static const struct listing_column columns[] = {
		{.title = "job"},
		{.title = "type", .elastic = true},
		{.title = "row"},
		{.title = "age", .right = true},
		{.title = "done"},
	};
	_cleanup_(listing_freep) struct listing *listing =
		listing_new(r->desk.ctl, columns, sizeof columns / sizeof columns[0]);

	if (!listing)
		return EXIT_FAILURE;
	if (!r->desk.ctl->json) {
		fputs(first ? "" : "\n", stdout);
		listing_put_text(headings[kind], 0);
	}
	reconcile_kind(r, kind, listing);
	return listing_end(listing, "");
}

static int reconcile_all(struct reconcile *r)
{
	bool first = true;

	int status = mismatches_find(&r->desk, &r->terms, &r->mismatches);
	if (status != EXIT_SUCCESS)
		return status;
	for (enum mismatch_kind kind = 0; kind < MISMATCH_N_KINDS; kind++) {
		if (!reconcile_has(r, kind))
			continue;
		status = reconcile_section(r, kind, first);
		if (status != EXIT_SUCCESS)
			return status;
		first = false;
	}
	if (first && !r->desk.ctl->json)
		puts("rows and messages are in step");
	return r->status;
}

/* ---- The command line ---- */

static int reconcile_parse(struct reconcile *r, int argc, char **argv)
{
	static const struct option options[] = {
		{"apply", no_argument, NULL, 'a'},
		{"yes", no_argument, NULL, 'a'},
		{"resend", no_argument, NULL, 'r'},
		{"dry-run", no_argument, NULL, 'n'},
		{"pending", required_argument, NULL, 'p'},
		{"limit", required_argument, NULL, 'l'},
		{0},
	};
	int c, status = EXIT_SUCCESS;

	optind = 0;
	while (status == EXIT_SUCCESS && (c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case 'a':
			r->apply = true;
			break;
		case 'r':
			r->resend = true;
			break;
		case 'n':
			r->dry_run = true;
			break;
		case 'p':
			if (when_parse_duration(optarg, &r->terms.pending) < 0)
				status = ctl_usage("reconcile",
					"--pending %s: accepted is a duration (30s, 5min)", optarg);
			break;
		case 'l':
			status = ctl_read_number(
				"reconcile", "--limit", optarg, CHOICE_LIMIT_MAX, &r->terms.limit);
			break;
		default:
			status = ctl_usage("reconcile", NULL);
		}
	}
	if (status == EXIT_SUCCESS && optind < argc)
		status = ctl_usage("reconcile", "%s: see the options", argv[optind]);
	return status;
}

int ctl_reconcile(const struct ctl *ctl, int argc, char **argv)
{
	struct reconcile r = {
		.terms = {.pending = PENDING_USUAL, .limit = CHOICE_LIMIT_USUAL},
	};

	int status = reconcile_parse(&r, argc, argv);
	if (status != EXIT_SUCCESS)
		return status;
	status = desk_open(&r.desk, ctl, DESK_QUEUE | DESK_DATABASE);
	if (status == EXIT_SUCCESS)
		status = reconcile_all(&r);
	mismatches_done(&r.mismatches);
	desk_close(&r.desk);
	return status;
}

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/cell.h"
#include "ctl/job.h"
#include "ctl/journal.h"
#include "ctl/listing.h"
#include "ctl/standing.h"
#include "ctl/when.h"

#define LOG_LINES 200
#define WORDS_MAX 160
/* The message of a row that was made a moment ago may be on its way. */
#define FRESH USEC_PER_MIN

/* All that is known of one job. */
struct view {
	struct row row;
	bool has_queue; /* it could be asked */
	struct standing_queue queue;
	struct dead_letters *dead; /* owned; NULL: there are none */
	const struct dead *letter; /* the job's; NULL: it has none */
	enum standing standing;
	json_t *log; /* owned: of {at, message}; NULL: there is no journal */
};

/* ---- Asking ---- */

static void on_line(void *userdata, usec_t at, const char *text)
{
	struct view *view = userdata;
	_cleanup_free_ char *line = cell_new(text);
	char when[WHEN_MAX];

	json_array_append_new(
		view->log, json_pack("{s:s, s:s?}", "at", when_utc(at, when), "message", line));
}

static int view_read_log(struct view *view)
{
	view->log = json_array();
	int r = view->log ? journal_read(view->row.id, LOG_LINES, on_line, view) : -ENOMEM;
	if (r >= 0)
		return EXIT_SUCCESS;
	json_decref(TAKE_PTR(view->log));
	return r == -ENOENT ? EXIT_SUCCESS
			    : ctl_fail(EXIT_FAILURE, "the journal: %s", strerror(-r));
}

/* What cannot be asked is said, and the rest is shown. */
static int view_ask(struct view *view, struct desk *desk, size_t limit)
{
	int status = standing_ask(desk, &view->queue);

	view->has_queue = status == EXIT_SUCCESS;
	if (view->has_queue && strcmp(view->row.status, "completed") != 0)
		status = standing_look(desk, &view->queue, limit, &view->dead);
	view->letter = standing_letter(view->dead, view->row.id);
	view->standing = standing_of(&view->row, &view->queue, view->letter);
	return view_read_log(view) == EXIT_SUCCESS ? status : EXIT_FAILURE;
}

static void view_done(struct view *view)
{
	dead_letters_free(view->dead);
	json_decref(view->log);
}

/* ---- Showing ---- */

/* Of a message in the queue nothing is known but that it may be there. */
static void show_message(const struct view *view)
{
	const struct row *row = &view->row;
	char words[WORDS_MAX], age[WHEN_MAX];

	when_age(row->age, age);
	switch (view->standing) {
	case STANDING_DONE:
		snprintf(words, sizeof words, "It is deleted, or about to be.");
		break;
	case STANDING_RUNNING:
		snprintf(words, sizeof words,
			"It is in flight: somebody does the job, and touched the row %s ago.", age);
		break;
	case STANDING_WAITING:
		snprintf(words, sizeof words,
			"It may be one of the %" PRIu64
			" in the queue; the row was touched %s ago.",
			view->queue.messages, age);
		break;
	case STANDING_DEAD:
		snprintf(words, sizeof words, "It is a dead letter: nexusctl dlq show %s",
			view->letter->letter->message_id);
		break;
	case STANDING_STRANDED:
		snprintf(words, sizeof words, "There is none, for the queue is empty.");
		break;
	}
	listing_put_section("message", words);
}

static void show_log(const struct view *view)
{
	const json_t *line;
	size_t i;

	if (!view->log || json_array_size(view->log) == 0) {
		listing_put_section("log", view->log ? "The journal has nothing of this job."
						     : "There is no journal here to be read.");
		return;
	}
	puts("\nlog");
	json_array_foreach (view->log, i, line) {
		_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
		strbuf_printf(&text, "%s %s", json_string_value(json_object_get(line, "at")),
			json_string_value(json_object_get(line, "message")));
		listing_put_text(strbuf_str(&text), 2);
	}
}

static void show(const struct view *view)
{
	const struct row *row = &view->row;
	char state[ROW_STATE_MAX];

	listing_put_field("job", row->id);
	listing_put_field("type", row->type);
	listing_put_field("row", row_state(row, state));
	listing_put_field("created", row->created_at);
	listing_put_field("started", row->started_at);
	listing_put_field("completed", row->completed_at);
	listing_put_field("updated", row->updated_at);
	listing_put_section("error", row->error);
	if (view->has_queue)
		show_message(view);
	listing_put_json_section("payload", row->payload);
	show_log(view);
}

static void put(const struct view *view)
{
	json_t *json = row_json(&view->row);

	json_object_update_new(
		json, json_pack("{s:s?, s:o, s:O?}", "message",
			      view->has_queue ? standing_name(view->standing) : NULL, "dead_letter",
			      view->letter ? letter_json(view->letter->letter) : json_null(), "log",
			      view->log));
	listing_put_json(json);
}

/* ---- The command ---- */

int job_show(const struct ctl *ctl, int argc, char **argv)
{
	_cleanup_(view_done) struct view view = {.queue.fresh = FRESH};
	_cleanup_result_ PGresult *result = NULL;
	_cleanup_(desk_close) struct desk desk = {0};
	struct job_choice choice;

	int status = job_parse("show", argc, argv, &choice);
	if (status == EXIT_SUCCESS)
		status = desk_open(&desk, ctl, DESK_QUEUE | DESK_DATABASE);
	if (status == EXIT_SUCCESS)
		status = job_find(&desk, choice.id, &result, &view.row);
	if (status != EXIT_SUCCESS)
		return status;
	status = view_ask(&view, &desk, choice.limit);
	if (ctl->json)
		put(&view);
	else
		show(&view);
	return status;
}

#include "ctl/mismatch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/attributes.h"
#include "ctl/interrupt.h"
#include "ctl/standing.h"

/* Between two looks at a queue that seems to be empty. */
#define LOOK_AGAIN (USEC_PER_SEC / 2)

/* ---- Asking ---- */

/* Old rows of a status, the oldest first. NULL: it failed, which was said. */
static PGresult *mismatch_ask_rows(
	struct desk *desk, const char *status, usec_t age, unsigned long limit)
{
	_cleanup_strbuf_ struct strbuf sql = STRBUF_INIT;
	char seconds[24], count[24];

	strbuf_printf(&sql,
		"SELECT %s FROM background_jobs WHERE status = $1::job_status"
		" AND created_at < (now() AT TIME ZONE 'UTC') - $2::bigint * interval '1 s'"
		" AND updated_at < (now() AT TIME ZONE 'UTC') - $2::bigint * interval '1 s'"
		" ORDER BY created_at LIMIT $3::bigint",
		row_columns);
	snprintf(seconds, sizeof seconds, "%" PRIu64, age / USEC_PER_SEC);
	snprintf(count, sizeof count, "%lu", limit);
	PGresult *result = database_query(
		desk->database, strbuf_str(&sql), (const char *const[]){status, seconds, count}, 3);
	if (result && (unsigned long)PQntuples(result) == limit)
		ctl_fail(0, "only %lu rows that are %s were looked at: --limit N looks at N", limit,
			status);
	return result;
}

/* Those that were not read may be the very ones that a row lacks. */
static int mismatch_count_unread(struct desk *desk, const struct dead_letters *dead, uint64_t *ret)
{
	json_auto_t *attributes = NULL;

	if (client_attributes(desk->client, dead->url, &attributes) != SQS_OK)
		return ctl_fail(EXIT_FAILURE, "%s", client_error(desk->client));
	uint64_t counted = attributes_messages(attributes);
	*ret = counted > dead->n_letters ? counted - dead->n_letters : 0;
	return EXIT_SUCCESS;
}

static int mismatch_ask_letters(struct desk *desk, const struct mismatch_terms *terms,
	struct standing_queue *queue, struct mismatches *m)
{
	uint64_t unread = 0;

	int status = standing_look(desk, queue, terms->limit, &m->dead);
	if (status == EXIT_SUCCESS && m->dead)
		status = dead_letters_join(m->dead, desk->database);
	if (status == EXIT_SUCCESS && m->dead)
		status = mismatch_count_unread(desk, m->dead, &unread);
	queue->messages += unread;
	return status;
}

/* What SQS counts may overlook a message that is just changing hands. */
static int mismatch_look_again(struct desk *desk, struct standing_queue *queue)
{
	struct standing_queue again = *queue;

	interrupt_pause(LOOK_AGAIN);
	if (interrupted())
		return ctl_fail(EXIT_FAILURE, "interrupted: nothing was changed");
	int status = standing_ask(desk, &again);
	if (again.messages > queue->messages)
		queue->messages = again.messages;
	return status;
}

/* ---- Judging ---- */

static void mismatches_add(struct mismatches *m, enum mismatch_kind kind, const struct row *row,
	const struct dead *letter)
{
	struct mismatch *one = &m->all[m->n++];

	*one = (struct mismatch){.kind = kind, .has_row = row, .letter = letter};
	if (row)
		one->row = *row;
}

static void mismatch_judge_row(
	struct mismatches *m, const struct standing_queue *queue, const struct row *row)
{
	const struct dead *letter = standing_letter(m->dead, row->id);
	bool pending = strcmp(row->status, "pending") == 0;

	switch (standing_of(row, queue, letter)) {
	case STANDING_DONE:
	case STANDING_RUNNING:
		break;
	case STANDING_DEAD:
		mismatches_add(m, pending ? MISMATCH_BURIED : MISMATCH_LOST, row, letter);
		break;
	case STANDING_WAITING:
		mismatches_add(m, MISMATCH_WAITING, row, NULL);
		break;
	case STANDING_STRANDED:
		mismatches_add(m, MISMATCH_STRANDED, row, NULL);
		break;
	}
}

static void mismatch_judge_letter(struct mismatches *m, const struct dead *letter)
{
	if (!letter->has_row)
		mismatches_add(m, MISMATCH_NO_ROW, NULL, letter);
	else if (strcmp(letter->row.status, "completed") == 0)
		mismatches_add(m, MISMATCH_DONE, &letter->row, letter);
}

static int mismatches_judge(struct mismatches *m, const struct standing_queue *queue)
{
	size_t n_rows = (size_t)PQntuples(m->rows[0]) + (size_t)PQntuples(m->rows[1]);
	size_t n_letters = m->dead ? m->dead->n_letters : 0;
	struct row row;

	m->all = calloc(n_rows + n_letters + 1, sizeof m->all[0]);
	if (!m->all)
		return ctl_fail(EXIT_FAILURE, "out of memory");
	for (size_t k = 0; k < 2; k++)
		for (int i = 0; i < PQntuples(m->rows[k]); i++) {
			row_read(m->rows[k], i, &row);
			mismatch_judge_row(m, queue, &row);
		}
	for (size_t i = 0; i < n_letters; i++)
		mismatch_judge_letter(m, &m->dead->letters[i]);
	return EXIT_SUCCESS;
}

/* ---- The whole ---- */

int mismatches_find(struct desk *desk, const struct mismatch_terms *terms, struct mismatches *ret)
{
	struct standing_queue queue = {0};

	int status = standing_ask(desk, &queue);
	if (status == EXIT_SUCCESS)
		status = mismatch_ask_letters(desk, terms, &queue, ret);
	if (status != EXIT_SUCCESS)
		return status;
	ret->rows[0] = mismatch_ask_rows(desk, "processing", queue.lease, terms->limit);
	ret->rows[1] = ret->rows[0]
			       ? mismatch_ask_rows(desk, "pending", terms->pending, terms->limit)
			       : NULL;
	if (!ret->rows[1])
		return EXIT_FAILURE;
	if (queue.messages == 0 && PQntuples(ret->rows[0]) + PQntuples(ret->rows[1]) > 0)
		status = mismatch_look_again(desk, &queue);
	return status == EXIT_SUCCESS ? mismatches_judge(ret, &queue) : status;
}

void mismatches_done(struct mismatches *mismatches)
{
	PQclear(mismatches->rows[0]);
	PQclear(mismatches->rows[1]);
	dead_letters_free(mismatches->dead);
	free(mismatches->all);
}

const char *mismatch_name(enum mismatch_kind kind)
{
	static const char *const names[MISMATCH_N_KINDS] = {
		[MISMATCH_LOST] = "lost",
		[MISMATCH_STRANDED] = "stranded",
		[MISMATCH_BURIED] = "buried",
		[MISMATCH_WAITING] = "waiting",
		[MISMATCH_NO_ROW] = "no row",
		[MISMATCH_DONE] = "done",
	};

	return names[kind];
}

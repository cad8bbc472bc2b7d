#include "job/store_judge.h"

#include <limits.h>
#include <string.h>

#include "job/store_sql.h"

enum status {
	STATUS_PENDING,
	STATUS_PROCESSING,
	STATUS_COMPLETED,
	STATUS_FAILED,
	STATUS_UNKNOWN, /* the enum may have grown */
};

static enum status status_of(const char *name)
{
	static const char *const names[] = {"pending", "processing", "completed", "failed"};
	enum status status = STATUS_PENDING;

	while (status < STATUS_UNKNOWN && strcmp(name, names[status]) != 0)
		status++;
	return status;
}

/* What a finish is to make of the row. */
static enum status status_wanted(const struct store_ask *ask)
{
	return status_of(store_sql_status(ask->job->outcome));
}

/* ---- Rows that the worker keeps ---- */

static enum store_verdict judge_ours(
	const struct store_ask *ask, enum store_step step, const struct store_row *row)
{
	const struct job_claim *claim = &ask->job->claim;
	enum status status = status_of(row->status);

	if (row->fence != claim->fence || row->attempts != claim->attempts)
		return STORE_TAKEN;
	if (step == STORE_FINISH && status == status_wanted(ask))
		return STORE_WRITTEN; /* by a commit whose answer was lost */
	return status == STATUS_PROCESSING ? STORE_LOCKED : STORE_TAKEN;
}

/* ---- Rows that the handler keeps ---- */

static enum store_verdict judge_kept_touch(enum status status)
{
	switch (status) {
	case STATUS_PROCESSING:
		return STORE_LOCKED;
	case STATUS_PENDING:
	case STATUS_COMPLETED:
	case STATUS_FAILED:
		return STORE_UNHELD;
	case STATUS_UNKNOWN:
		break;
	}
	return STORE_TAKEN;
}

/* counted: this run is, so that what the row says of an end was said in it. */
static enum store_verdict judge_kept_finish(enum status wanted, enum status status, bool counted)
{
	switch (status) {
	case STATUS_COMPLETED:
		return wanted == STATUS_COMPLETED ? STORE_WRITTEN : STORE_COMPLETED;
	case STATUS_PROCESSING:
		return STORE_LOCKED;
	case STATUS_PENDING:
		return wanted == STATUS_PENDING ? STORE_WRITTEN : STORE_LOCKED;
	case STATUS_FAILED:
		if (wanted == STATUS_PENDING)
			return counted ? STORE_FAILED : STORE_WRITTEN;
		return wanted == STATUS_FAILED && counted ? STORE_WRITTEN : STORE_LOCKED;
	case STATUS_UNKNOWN:
		break;
	}
	return STORE_TAKEN;
}

static enum store_verdict judge_kept(
	const struct store_ask *ask, enum store_step step, const struct store_row *row)
{
	int before = ask->job->claim.attempts;
	enum status status = status_of(row->status);

	if (row->attempts != before && row->attempts != before + 1)
		return STORE_TAKEN;
	return step == STORE_TOUCH
		       ? judge_kept_touch(status)
		       : judge_kept_finish(status_wanted(ask), status, row->attempts == before + 1);
}

/* ---- Begin ---- */

static enum store_verdict judge_elsewhere(
	struct store_ask *ask, const struct store_row *row, const struct store_turn *turn)
{
	/* A row's clock may run ahead of the database's; its lease is no longer for that. */
	ask->wait = row->left > 0 ? usec_min((usec_t)row->left, turn->lease) : 0;
	return STORE_ELSEWHERE;
}

static enum store_verdict judge_same_fence(
	struct store_ask *ask, const struct store_row *row, const struct store_turn *turn)
{
	bool processing = status_of(row->status) == STATUS_PROCESSING;

	/* Granted before, by a commit whose answer was lost. */
	if (ask->job->claim.unsure)
		return processing ? STORE_LOCKED : STORE_TAKEN;
	/* Another daemon has chosen the same: the next time this one has another. */
	return processing ? judge_elsewhere(ask, row, turn) : STORE_ELSEWHERE;
}

static enum store_verdict judge_begin(
	struct store_ask *ask, const struct store_row *row, const struct store_turn *turn)
{
	const struct job *job = ask->job;
	enum status status = status_of(row->status);

	if (strcmp(row->type, job->type) != 0)
		return STORE_OTHER_TYPE;
	if (status == STATUS_COMPLETED)
		return STORE_COMPLETED;
	if (!job->keeps_row && row->fence == job->claim.fence)
		return judge_same_fence(ask, row, turn);
	if (status == STATUS_PROCESSING && (row->left > 0 || !turn->may_take_over))
		return judge_elsewhere(ask, row, turn);
	if (!job->keeps_row || status == STATUS_UNKNOWN)
		return STORE_LOCKED;
	/* Granted as it is; one more must be a number, too. */
	ask->attempts = row->attempts < INT_MAX ? row->attempts : INT_MAX - 1;
	return STORE_WRITTEN;
}

void store_judge(struct store_ask *ask, enum store_step step, const struct store_row *row,
	const struct store_turn *turn)
{
	switch (step) {
	case STORE_BEGIN:
		ask->verdict = judge_begin(ask, row, turn);
		return;
	case STORE_TOUCH:
	case STORE_FINISH:
		ask->verdict = ask->job->keeps_row ? judge_kept(ask, step, row)
						   : judge_ours(ask, step, row);
		return;
	}
}

#include "work/drain.h"

void drain_begin(struct drain *drain, usec_t now, usec_t timeout, usec_t kill_grace)
{
	*drain = (struct drain){
		.deadline = now + timeout,
		.handlers_by = now + timeout + kill_grace + USEC_PER_SEC,
	};
}

bool drain_may_begin(const struct drain *drain, usec_t now, usec_t job_timeout)
{
	return now + job_timeout <= drain->deadline;
}

static enum drain_verdict drain_end(struct drain *drain, enum drain_verdict verdict)
{
	drain->ended = true;
	return verdict;
}

enum drain_verdict drain_step(struct drain *drain, usec_t now, const struct drain_work *work)
{
	if (drain->ended)
		return DRAIN_ENDED;
	if (work->n_in_hand == 0 && work->n_polls == 0)
		return drain_end(drain, DRAIN_CLEAN);
	if (!drain->cancelled && now >= drain->deadline) {
		drain->cancelled = true;
		return DRAIN_CANCEL;
	}
	bool over = drain->cancelled && now >= drain->handlers_by;
	if (over && work->n_begun > 0 && work->n_in_hand == work->n_begun)
		return drain_end(drain, DRAIN_LEAVE);
	if (work->n_running > 0 && !over)
		drain->finish_by = 0; /* one may begin after the last has ended */
	else if (drain->finish_by == 0)
		drain->finish_by = now + DRAIN_FINISH;
	if (drain->finish_by > 0 && now >= drain->finish_by)
		return drain_end(drain, DRAIN_LEAVE);
	return DRAIN_GOES_ON;
}

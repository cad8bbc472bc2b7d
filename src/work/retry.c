#include "work/retry.h"

#include "base/backoff.h"
#include "work/delivery.h"

static usec_t retry_wanted(const struct registry_entry *type, const struct job *job)
{
	struct backoff pause = {
		.base = type->base_delay,
		.cap = type->max_delay,
		.attempt = job->attempt > 1 ? (unsigned)job->attempt - 1 : 0,
	};

	/* One that never ran may still have the pause for which it waited as elsewhere. */
	if (job->ran && job->for_good)
		return 0;
	if (job->ran && job->retry_in > 0)
		return job->retry_in;
	return type->base_delay > 0 ? backoff_next(&pause) : 0;
}

usec_t retry_pause(const struct registry_entry *type, const struct job *job, usec_t hidden)
{
	usec_t wanted = usec_min(retry_wanted(type, job), DELIVERY_HIDDEN_MAX);
	usec_t most = usec_sub(DELIVERY_HIDDEN_MAX, hidden);

	return usec_min(usec_whole_seconds(wanted), most - most % USEC_PER_SEC);
}

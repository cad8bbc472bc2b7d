/*
 * The runtimes of one job type, and the invocations that wait for one.
 *
 * A runtime is started when an invocation waits that no runtime will soon be there for; one that
 * is idle and fit is taken again, the last one first, so that those too many grow old and end.
 * Unfit is what has done max_jobs, or has done one and first asked for work max_age ago, or began
 * on another folder than the bundle's name means now.
 *
 * Owns the runtimes. Invocations come from worker threads (runtime_pool_submit and _stop); all else
 * is the loop's.
 */
#pragma once

#include "handler/invocation.h"
#include "handler/runtime_plan.h"

struct runtime_pool;

/* Takes plan; options: as for lambda_new(), of which it keeps numbers only. 0 or a negative errno.
 */
int runtime_pool_new(
	const struct lambda_options *options, struct runtime_plan *plan, struct runtime_pool **ret);
/* Nothing may be in its hands any more. Kills the runtimes. Returns NULL. */
struct runtime_pool *runtime_pool_free(struct runtime_pool *pool);
DEFINE_CLEANUP(struct runtime_pool *, runtime_pool_free)

/* Any thread. */
void runtime_pool_submit(struct runtime_pool *pool, struct invocation *invocation);
void runtime_pool_stop(struct runtime_pool *pool, struct invocation *invocation);

const char *runtime_pool_arn(const struct runtime_pool *pool);

#include "handler/lambda.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/cleanup.h"
#include "base/uuid.h"
#include "handler/handler.h"
#include "handler/invocation.h"
#include "handler/lambda_event.h"
#include "handler/runtime_pool.h"
#include "job/envelope.h"
#include "job/job.h"

/* The largest body, each of its bytes escaped, and what came with it. */
#define EVENT_MAX (8u << 20)

struct lambda {
	struct handler handler;
	struct runtime_pool *pool;
};

/* ---- On a worker thread ---- */

static void fill_work(struct runtime_work *work, const struct lambda *lambda,
	const struct handler_context *context, const struct strbuf *event)
{
	const struct envelope *envelope = context->job->envelope;

	*work = (struct runtime_work){
		.event = event->data,
		.event_len = event->len,
		.deadline = clock_realtime() + usec_sub(context->deadline, clock_boottime()),
		.arn = runtime_pool_arn(lambda->pool),
		.trace_id = lambda_event_trace_id(envelope),
		.job_id = context->job_id,
		.attempt = context->attempt,
		.message_id = envelope->message_id,
	};
	uuid_make(work->request_id);
}

/* Until what is wanted was said; done_fd adds up what was. */
static void await(int done_fd, uint64_t wanted, uint64_t *said)
{
	while ((*said & wanted) != wanted) {
		struct pollfd done = {.fd = done_fd, .events = POLLIN};
		uint64_t more;

		poll(&done, 1, -1);
		if (read(done_fd, &more, sizeof more) == sizeof more)
			*said |= more;
	}
}

/* Ends when the invocation has: 0, or what it was to be stopped for. */
static int await_end(
	struct lambda *lambda, struct handler_context *context, struct invocation *invocation)
{
	struct pollfd done = {.fd = invocation->done_fd, .events = POLLIN};
	uint64_t said = 0;

	int r = handler_poll(context, &done, 1, USEC_INFINITY);
	if (r >= 0) {
		await(invocation->done_fd, INVOCATION_ENDED, &said);
		return 0;
	}
	/* At its deadline Lambda stops a function at once; when the daemon stops there is time. */
	invocation->stop_grace = r == -ECANCELED ? context->grace : 0;
	runtime_pool_stop(lambda->pool, invocation);
	await(invocation->done_fd, INVOCATION_ENDED | INVOCATION_STOPPED, &said);
	return r;
}

static enum handler_result lambda_result(
	struct handler_context *context, const struct invocation *invocation)
{
	if (invocation->peak_memory > 0)
		handler_used(context, invocation->peak_memory, 0);
	switch (invocation->result) {
	case INVOCATION_GOOD:
		return HANDLER_DONE;
	case INVOCATION_BAD:
		return handler_fail(context, "%s", invocation->text);
	case INVOCATION_CUT:
		break;
	}
	return HANDLER_INTERRUPTED;
}

static enum handler_result lambda_run(struct handler_context *context)
{
	struct lambda *lambda = container_of(context->handler, struct lambda, handler);
	_cleanup_strbuf_ struct strbuf event = STRBUF_INIT;
	_cleanup_close_ int done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct invocation invocation = {.done_fd = done_fd};

	strbuf_init(&event, EVENT_MAX);
	int r = done_fd < 0 ? -errno : lambda_event_write(&event, context->job);
	if (r < 0)
		return handler_fail(
			context, "no event could be made of the message: %s", strerrordesc_np(-r));
	fill_work(&invocation.work, lambda, context, &event);
	runtime_pool_submit(lambda->pool, &invocation);
	await_end(lambda, context, &invocation);
	return lambda_result(context, &invocation);
}

/* ---- On the loop thread ---- */

static void lambda_free(struct handler *handler)
{
	struct lambda *lambda = container_of(handler, struct lambda, handler);

	runtime_pool_free(lambda->pool);
	free(lambda);
}

int lambda_new(
	const struct lambda_options *options, char ret_error[CHILD_ERROR_MAX], struct handler **ret)
{
	_cleanup_free_ struct lambda *lambda = calloc(1, sizeof *lambda);
	struct runtime_plan *plan = NULL;

	snprintf(ret_error, CHILD_ERROR_MAX, "out of memory");
	int r = lambda ? runtime_plan_new(options, ret_error, &plan) : -ENOMEM;
	if (r < 0)
		return r;
	r = runtime_pool_new(options, plan, &lambda->pool);
	if (r < 0) {
		snprintf(ret_error, CHILD_ERROR_MAX, "%s", strerrordesc_np(-r));
		return r;
	}
	lambda->handler = (struct handler){
		.name = "lambda",
		.run = lambda_run,
		.free = lambda_free,
		.wants_envelope = true,
		.n_refs = 1,
	};
	*ret = &TAKE_PTR(lambda)->handler;
	return 0;
}

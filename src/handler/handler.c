#include "handler/handler.h"

#include "job/job.h"

struct handler *handler_ref(struct handler *handler)
{
	if (handler && handler->free)
		handler->n_refs++;
	return handler;
}

struct handler *handler_unref(struct handler *handler)
{
	if (handler && handler->free && --handler->n_refs == 0)
		handler->free(handler);
	return NULL;
}

void handler_fails_for_good(struct handler_context *context)
{
	context->job->for_good = true;
}

void handler_retry_in(struct handler_context *context, usec_t pause)
{
	context->job->retry_in = pause;
}

void handler_used(struct handler_context *context, uint64_t peak_memory, usec_t cpu_time)
{
	context->job->peak_memory = peak_memory;
	context->job->cpu_time = cpu_time;
}

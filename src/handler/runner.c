#include "handler/runner.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "handler/handler.h"
#include "job/job.h"

static enum job_cancel runner_cancelled(struct job *job)
{
	return (enum job_cancel)atomic_load(&job->cancel);
}

/* It may have been meant for the worker's job before this one; the flag alone says what counts. */
static void runner_take_wake(const struct handler_context *context)
{
	uint64_t count;
	ssize_t n = read(context->wake_fd, &count, sizeof count);

	(void)n;
}

/* One wait: how many descriptors are ready, the wake's not counted, or a negative errno. */
static int runner_poll(
	const struct handler_context *context, struct pollfd *fds, size_t n_fds, usec_t left)
{
	struct pollfd all[HANDLER_POLL_MAX + 1] = {{.fd = context->wake_fd, .events = POLLIN}};
	struct timespec timeout = {
		.tv_sec = (time_t)(left / USEC_PER_SEC),
		.tv_nsec = (long)(left % USEC_PER_SEC) * 1000,
	};

	for (size_t i = 0; i < n_fds; i++)
		all[i + 1] = fds[i];
	int r = ppoll(all, n_fds + 1, &timeout, NULL);
	if (r < 0)
		return errno == EINTR ? 0 : -errno;
	for (size_t i = 0; i < n_fds; i++)
		fds[i].revents = all[i + 1].revents;
	if (all[0].revents)
		runner_take_wake(context);
	return all[0].revents ? r - 1 : r;
}

int handler_poll(struct handler_context *context, struct pollfd *fds, size_t n_fds, usec_t until)
{
	assert(n_fds <= HANDLER_POLL_MAX);
	for (;;) {
		usec_t now = clock_boottime();
		if (runner_cancelled(context->job) != JOB_GO)
			return -ECANCELED;
		if (now >= context->deadline)
			return -ETIMEDOUT;
		if (now >= until)
			return 0;
		int r = runner_poll(context, fds, n_fds, usec_min(until, context->deadline) - now);
		if (r != 0)
			return r;
	}
}

int handler_wait(struct handler_context *context, usec_t duration)
{
	usec_t now = clock_boottime();

	return handler_poll(
		context, NULL, 0, duration > USEC_INFINITY - now ? USEC_INFINITY : now + duration);
}

enum handler_result handler_fail(struct handler_context *context, const char *format, ...)
{
	char text[JOB_ERROR_MAX + 1];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	job_set_error(context->job, "%s", text);
	return HANDLER_FAILED;
}

static void runner_call(struct job *job, int wake_fd, usec_t limit)
{
	struct handler_context context = {
		.handler = job->handler,
		.job_id = job->id,
		.job_type = job->type,
		.payload = job->payload,
		.payload_len = job->payload_len,
		.attempt = job->attempt,
		.deadline = atomic_load(&job->started_at) + limit,
		.grace = job->kill_grace,
		.job = job,
		.wake_fd = wake_fd,
	};

	switch (job->handler->run(&context)) {
	case HANDLER_DONE:
		job->outcome = JOB_COMPLETED;
		return;
	case HANDLER_FAILED:
		job->outcome = JOB_FAILED;
		return;
	case HANDLER_INTERRUPTED:
		job_cut_short(job, runner_cancelled(job), limit);
		return;
	}
}

void runner_run(struct job *job, int wake_fd)
{
	usec_t now = clock_boottime();
	usec_t limit = usec_min(job->timeout, usec_sub(job->must_end_at, now));

	job->ran = true;
	job->retry_in = 0;
	job->for_good = false;
	job->peak_memory = 0;
	job->cpu_time = 0;
	atomic_store(&job->started_at, now);
	atomic_store(&job->leases_end_at, now + limit + job->kill_grace);
	/* Nobody may have had the time yet to tell a job that it is lost. */
	enum job_cancel told = job_is_lost(job, now) ? JOB_LOSE : runner_cancelled(job);
	if (told != JOB_GO) {
		job_cut_short(job, told, limit);
	} else if (!job->handler) {
		job->outcome = JOB_FAILED;
		job_set_error(job, "No handler registered for job type: %s", job->type);
	} else {
		runner_call(job, wake_fd, limit);
	}
	atomic_store(&job->ran_at, clock_boottime());
}

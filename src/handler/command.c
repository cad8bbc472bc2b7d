#include "handler/command.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sysexits.h>

#include "handler/handler.h"
#include "handler/output.h"

/* Where each descriptor is in command_run.fds; poll() passes over those that are -1. */
enum {
	PIDFD,
	STDIN,
	STDOUT,
	STDERR,
	N_FDS
};

_Static_assert(N_FDS <= HANDLER_POLL_MAX, "handler_poll() takes them all");

struct command {
	struct handler handler;
	struct child_plan *plan;
	uint64_t output;
};

/* One job's program. */
struct command_run {
	struct handler_context *context;
	struct child child;
	struct pollfd fds[N_FDS];
	size_t n_written; /* of the payload */
	struct output output;
};

static struct command *command_of(struct handler *handler)
{
	return container_of(handler, struct command, handler);
}

/* ---- Its three pipes ---- */

static void end_fd(struct pollfd *fd)
{
	closep(&fd->fd);
	*fd = (struct pollfd){.fd = -1};
}

/* Until the pipe is full, nobody reads it any more, or all is written. */
static void write_payload(struct command_run *run)
{
	const struct handler_context *context = run->context;
	ssize_t n = 0;

	while (run->n_written < context->payload_len) {
		n = write(run->fds[STDIN].fd, context->payload + run->n_written,
			context->payload_len - run->n_written);
		if (n < 0)
			break;
		run->n_written += (size_t)n;
	}
	if (n >= 0 || errno != EAGAIN)
		end_fd(&run->fds[STDIN]);
}

static void read_output(struct command_run *run, int which)
{
	enum output_stream stream = which == STDERR ? OUTPUT_STDERR : OUTPUT_STDOUT;
	ssize_t n = output_read(&run->output, stream, run->fds[which].fd);

	if (n <= 0 && n != -EAGAIN)
		end_fd(&run->fds[which]);
}

static void serve(struct command_run *run)
{
	if (run->fds[STDIN].revents)
		write_payload(run);
	if (run->fds[STDOUT].revents)
		read_output(run, STDOUT);
	if (run->fds[STDERR].revents)
		read_output(run, STDERR);
}

/* What it wrote before it ended; one who left the group may go on writing. */
static void drain(struct command_run *run)
{
	if (run->fds[STDOUT].fd >= 0)
		output_drain(&run->output, OUTPUT_STDOUT, run->fds[STDOUT].fd);
	if (run->fds[STDERR].fd >= 0)
		output_drain(&run->output, OUTPUT_STDERR, run->fds[STDERR].fd);
}

/* ret_fd: the program's end, which sees no flag of ours on it. */
static int open_pipe(struct pollfd *ours, bool writes, int *ret_fd)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	*ours = (struct pollfd){.fd = ends[writes], .events = writes ? POLLOUT : POLLIN};
	*ret_fd = ends[!writes];
	return fcntl(ours->fd, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

/* ---- Starting it ---- */

#define WORD_MAX 64

/* More words for its environment. */
struct job_words {
	char *id;
	char *type;
	char attempt[WORD_MAX];
	char deadline[WORD_MAX];
};

static void job_words_done(struct job_words *words)
{
	free(words->id);
	free(words->type);
}

static int make_words(const struct handler_context *context, struct job_words *ret)
{
	usec_t left = usec_sub(context->deadline, clock_boottime());
	usec_t deadline = clock_realtime() + left;

	if (asprintf(&ret->id, "JOB_ID=%s", context->job_id) < 0) {
		ret->id = NULL;
		return -ENOMEM;
	}
	if (asprintf(&ret->type, "JOB_TYPE=%s", context->job_type) < 0) {
		ret->type = NULL;
		return -ENOMEM;
	}
	snprintf(ret->attempt, WORD_MAX, "JOB_ATTEMPT=%d", context->attempt);
	snprintf(ret->deadline, WORD_MAX, "JOB_DEADLINE=%" PRIu64 ".%03u", deadline / USEC_PER_SEC,
		(unsigned)(deadline % USEC_PER_SEC / USEC_PER_MSEC));
	return 0;
}

static int start_with(
	struct command_run *run, int in, int out, int err, char ret_error[CHILD_ERROR_MAX])
{
	_cleanup_(job_words_done) struct job_words words = {0};

	int r = make_words(run->context, &words);
	if (r < 0)
		return r;
	const char *environment[] = {words.id, words.type, words.attempt, words.deadline, NULL};
	const struct child_start start = {
		.environment = environment,
		.in = in,
		.out = out,
		.err = err,
	};
	return child_start(command_of(run->context->handler)->plan, &start, ret_error, &run->child);
}

static int start(struct command_run *run, char ret_error[CHILD_ERROR_MAX])
{
	_cleanup_close_ int in = -1, out = -1, err = -1;

	int r = open_pipe(&run->fds[STDIN], true, &in);
	r = r < 0 ? r : open_pipe(&run->fds[STDOUT], false, &out);
	r = r < 0 ? r : open_pipe(&run->fds[STDERR], false, &err);
	if (r < 0) {
		snprintf(ret_error, CHILD_ERROR_MAX, "cannot make pipes: %s", strerrordesc_np(-r));
		return r;
	}
	/* Most payloads are in the pipe before there is anybody to read it. */
	write_payload(run);
	return start_with(run, in, out, err, ret_error);
}

/* Readable when it has ended. It is ours and not reaped: that is no other's id. */
static int watch(struct command_run *run)
{
	long fd = syscall(SYS_pidfd_open, run->child.pid, 0);

	if (fd < 0)
		return -errno;
	run->fds[PIDFD] = (struct pollfd){.fd = (int)fd, .events = POLLIN};
	return 0;
}

/* ---- Until it ends ---- */

static bool has_ended(struct command_run *run)
{
	return run->fds[PIDFD].revents || poll(&run->fds[PIDFD], 1, 0) > 0;
}

/* 0: it has ended; or why it is to. */
static int attend(struct command_run *run)
{
	for (;;) {
		int r = handler_poll(run->context, run->fds, N_FDS, USEC_INFINITY);
		/* One that ends in the last moment has ended. */
		if (r < 0)
			return has_ended(run) ? 0 : r;
		if (run->fds[PIDFD].revents)
			return 0;
		serve(run);
	}
}

/* It may take a while to end, and what it says meanwhile is heard. */
static void stop(struct command_run *run)
{
	usec_t until = clock_boottime() + run->context->grace;

	child_signal(&run->child, SIGTERM);
	for (usec_t now; (now = clock_boottime()) < until && !has_ended(run);) {
		usec_t left = until - now;
		const struct timespec timeout = {
			.tv_sec = (time_t)(left / USEC_PER_SEC),
			.tv_nsec = (long)(left % USEC_PER_SEC) * 1000,
		};
		if (ppoll(run->fds, N_FDS, &timeout, NULL) > 0)
			serve(run);
	}
	child_kill(&run->child);
}

/* How a program that was left alone ended. */
static enum handler_result judge(struct command_run *run, const siginfo_t *info)
{
	struct handler_context *context = run->context;
	const char *said = output_last(&run->output);
	bool exited = info->si_code == CLD_EXITED;
	char end[CHILD_ERROR_MAX];

	if (exited && info->si_status == EX_OK)
		return HANDLER_DONE;
	if (exited && info->si_status == EX_DATAERR)
		handler_fails_for_good(context);
	if (exited && *said)
		return handler_fail(context, "%s", said);
	child_tell_end(&run->child, info, end);
	return handler_fail(context, "%s%s%s", end, *said ? ": " : "", said);
}

static enum handler_result run_to_end(struct command_run *run)
{
	siginfo_t info = {0};

	int r = watch(run);
	r = r < 0 ? r : attend(run);
	if (r < 0)
		stop(run);
	child_reap(&run->child, &info);
	drain(run);
	output_end(&run->output);
	handler_used(run->context, run->child.peak_memory, run->child.cpu_time);
	if (r == 0)
		return judge(run, &info);
	if (r == -ECANCELED || r == -ETIMEDOUT)
		return HANDLER_INTERRUPTED;
	return handler_fail(
		run->context, "stopped, for it could not be watched: %s", strerrordesc_np(-r));
}

static void command_run_done(struct command_run *run)
{
	child_done(&run->child);
	for (int i = 0; i < N_FDS; i++)
		end_fd(&run->fds[i]);
}

static enum handler_result command_run(struct handler_context *context)
{
	const struct command *command = command_of(context->handler);
	_cleanup_(command_run_done) struct command_run run = {
		.context = context,
		.fds = {{.fd = -1}, {.fd = -1}, {.fd = -1}, {.fd = -1}},
	};
	char error[CHILD_ERROR_MAX] = "out of memory";

	output_init(&run.output, context->job_type, command->output);
	output_begin(&run.output, context->job_id, context->attempt);
	if (start(&run, error) < 0)
		return handler_fail(context, "%s", error);
	return run_to_end(&run);
}

/* ---- The handler ---- */

static void command_free(struct handler *handler)
{
	struct command *command = command_of(handler);

	child_plan_free(command->plan);
	free(command);
}

int command_new(const struct command_options *options, char ret_error[CHILD_ERROR_MAX],
	struct handler **ret)
{
	struct command *command = calloc(1, sizeof *command);

	if (!command) {
		snprintf(ret_error, CHILD_ERROR_MAX, "out of memory");
		return -ENOMEM;
	}
	command->handler = (struct handler){
		.name = "command",
		.run = command_run,
		.free = command_free,
		.n_refs = 1,
	};
	command->output = options->output;
	int r = child_plan_new(&options->child, options->means, ret_error, &command->plan);
	if (r < 0) {
		free(command);
		return r;
	}
	*ret = &command->handler;
	return 0;
}

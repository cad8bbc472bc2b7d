#include "handler/runtime_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/loop.h"

#define STATUS_MAX 4096

/* ---- What it writes ---- */

/* n: what reading it said. Nobody has the other end any more: there is nothing to wait for. */
static void runtime_mind_end(struct runtime *r, enum output_stream stream, ssize_t n)
{
	if (n == 0)
		r->readable[stream] = sd_event_source_disable_unref(r->readable[stream]);
}

/* Once a turn: one that writes without end must not keep the loop from all else. */
static void runtime_hear(struct runtime *r, enum output_stream stream)
{
	runtime_mind_end(r, stream, output_read(&r->output, stream, r->pipes[stream]));
}

static int on_stdout(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	(void)source;
	(void)fd;
	(void)revents;
	runtime_hear(userdata, OUTPUT_STDOUT);
	return 0;
}

static int on_stderr(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	(void)source;
	(void)fd;
	(void)revents;
	runtime_hear(userdata, OUTPUT_STDERR);
	return 0;
}

static void runtime_drain(struct runtime *r, enum output_stream stream)
{
	if (r->pipes[stream] >= 0)
		runtime_mind_end(r, stream, output_drain(&r->output, stream, r->pipes[stream]));
}

void runtime_drain_all(struct runtime *r)
{
	runtime_drain(r, OUTPUT_STDOUT);
	runtime_drain(r, OUTPUT_STDERR);
}

/* ---- Its end ---- */

void runtime_arm(struct runtime *r, usec_t from_now)
{
	loop_set_timer(r->timer, clock_boottime() + from_now);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct runtime *r = userdata;
	char limit[CLOCK_DURATION_MAX];

	(void)source;
	(void)usec;
	if (!r->ending)
		snprintf(r->text, sizeof r->text,
			"Runtime.InitTimeout: the runtime did not ask for work within %s",
			clock_format_duration(r->ask_limit, limit));
	r->ending = true;
	child_kill(&r->child);
	return 0;
}

void runtime_end(struct runtime *r, usec_t grace)
{
	r->ending = true;
	if (grace == 0) {
		child_kill(&r->child);
		return;
	}
	child_signal(&r->child, SIGTERM);
	runtime_arm(r, grace);
}

/* "Runtime.ExitError: the runtime exited with status 1: last line" */
static void runtime_explain(struct runtime *r, const siginfo_t *info)
{
	char how[CHILD_ERROR_MAX];
	const char *last = output_last(&r->output);

	if (r->text[0])
		return;
	child_tell_end(&r->child, info, how);
	snprintf(r->text, sizeof r->text, "Runtime.ExitError: the runtime %s%s%s%s",
		info->si_code == CLD_EXITED ? "" : "was ", how, *last ? ": " : "", last);
}

static int on_ended(sd_event_source *source, const siginfo_t *info, void *userdata)
{
	struct runtime *r = userdata;

	if (!r) /* freed: nobody wants to know */
		return sd_event_source_set_floating(source, false);
	child_kill(&r->child);
	runtime_drain_all(r);
	bool as_told = r->ending && !r->text[0];
	runtime_explain(r, info);
	/* Nobody else tells of one that ends with nothing to do. */
	if (!as_told && (r->state == RUNTIME_IDLE || r->state == RUNTIME_ANSWERED))
		output_take(&r->output, OUTPUT_STDERR, r->text, strlen(r->text));
	output_end(&r->output);
	r->child.pid = 0;
	r->ended = sd_event_source_disable_unref(r->ended);
	r->events.gone(r->events.userdata, r, r->text);
	return 0;
}

/* ---- Beginning ---- */

static int runtime_open_pipe(struct runtime *r, enum output_stream stream, int *ret_fd)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	r->pipes[stream] = ends[0];
	*ret_fd = ends[1];
	if (fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	return sd_event_add_io(r->event, &r->readable[stream], ends[0], EPOLLIN,
		stream == OUTPUT_STDOUT ? on_stdout : on_stderr, r);
}

static int runtime_watch(struct runtime *r)
{
	int error = sd_event_add_child(r->event, &r->ended, r->child.pid, WEXITED, on_ended, r);
	if (error < 0)
		return error;
	sd_event_source_set_description(r->ended, "runtime");
	return sd_event_add_time_relative(r->event, &r->timer, CLOCK_BOOTTIME, r->ask_limit,
		100 * USEC_PER_MSEC, on_timer, r);
}

static int runtime_begin(struct runtime *r, const char *folder, char error[LAMBDA_TEXT_MAX])
{
	_cleanup_close_ int out = -1, err = -1;

	int result = runtime_listen(r);
	if (result == 0)
		result = runtime_open_pipe(r, OUTPUT_STDOUT, &out);
	if (result >= 0)
		result = runtime_open_pipe(r, OUTPUT_STDERR, &err);
	if (result >= 0)
		result = runtime_plan_start(
			r->plan, folder, http_serve_port(r->serve), out, err, error, &r->child);
	else
		snprintf(error, LAMBDA_TEXT_MAX, "a runtime cannot be started: %s",
			strerrordesc_np(-result));
	return result < 0 ? result : runtime_watch(r);
}

int runtime_new(sd_event *event, const struct runtime_plan *plan, const char *folder,
	usec_t ask_limit, const struct runtime_events *events, char ret_error[LAMBDA_TEXT_MAX],
	struct runtime **ret)
{
	_cleanup_(runtime_freep) struct runtime *r = calloc(1, sizeof *r);

	snprintf(ret_error, LAMBDA_TEXT_MAX, "out of memory");
	if (!r)
		return -ENOMEM;
	r->event = event;
	r->plan = plan;
	r->events = *events;
	r->ask_limit = ask_limit;
	r->pipes[OUTPUT_STDOUT] = r->pipes[OUTPUT_STDERR] = -1;
	output_init(&r->output, runtime_plan_type(plan), runtime_plan_output(plan));
	output_begin(&r->output, NULL, 0);
	int result = runtime_begin(r, folder, ret_error);
	if (result < 0)
		return result;
	*ret = TAKE_PTR(r);
	return 0;
}

/* The loop reaps whoever was killed here: its source outlives the runtime. */
static void runtime_abandon(struct runtime *r)
{
	siginfo_t info;

	child_kill(&r->child);
	if (!r->ended) {
		child_reap(&r->child, &info);
		return;
	}
	sd_event_source_set_userdata(r->ended, NULL);
	sd_event_source_set_floating(r->ended, true);
	sd_event_source_unref(r->ended);
}

struct runtime *runtime_free(struct runtime *r)
{
	if (!r)
		return NULL;
	http_serve_free(r->serve);
	if (r->child.pid > 0)
		runtime_abandon(r);
	child_done(&r->child);
	for (enum output_stream stream = 0; stream < OUTPUT_N_STREAMS; stream++) {
		sd_event_source_disable_unref(r->readable[stream]);
		if (r->pipes[stream] >= 0)
			close(r->pipes[stream]);
	}
	sd_event_source_disable_unref(r->timer);
	free(r);
	return NULL;
}

/* ---- How it is ---- */

bool runtime_is_ready(const struct runtime *r)
{
	return r->state == RUNTIME_IDLE && !r->ending;
}

bool runtime_is_ending(const struct runtime *r)
{
	return r->ending;
}

unsigned runtime_n_given(const struct runtime *r)
{
	return r->n_given;
}

uint64_t runtime_peak_memory(const struct runtime *r)
{
	_cleanup_strbuf_ struct strbuf status = STRBUF_INIT;
	char path[48];
	uint64_t kib;

	snprintf(path, sizeof path, "/proc/%d/status", r->child.pid);
	if (r->child.pid <= 0 || file_read(path, STATUS_MAX, &status) < 0)
		return 0;
	const char *peak = strstr(strbuf_str(&status), "\nVmHWM:");
	return peak && sscanf(peak, "\nVmHWM: %" SCNu64, &kib) == 1 ? kib * 1024 : 0;
}

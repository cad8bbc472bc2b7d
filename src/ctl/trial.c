#include "ctl/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>

#include "ctl/user.h"
#include "daemon/daemon.h"
#include "daemon/kind_options.h"
#include "handler/runtime.h"

struct trial {
	sd_event *event;
	int result;
	usec_t began_at, took;
	char text[TRIAL_TEXT_MAX];
};

/* ---- In the process that loads it ---- */

static void on_ready(void *userdata, struct runtime *runtime)
{
	struct trial *trial = userdata;

	(void)runtime;
	trial->result = 0;
	trial->took = clock_boottime() - trial->began_at;
	sd_event_exit(trial->event, 0);
}

static void on_answered(void *userdata, struct runtime *runtime, bool good, const char *text)
{
	(void)userdata;
	(void)runtime;
	(void)good;
	(void)text;
}

static void on_gone(void *userdata, struct runtime *runtime, const char *text)
{
	struct trial *trial = userdata;

	(void)runtime;
	trial->result = -ENOEXEC;
	snprintf(trial->text, sizeof trial->text, "%s", text);
	sd_event_exit(trial->event, 0);
}

static int trial_fail(struct trial *trial, int result, const char *text)
{
	if (text != trial->text)
		snprintf(trial->text, sizeof trial->text, "%s", text);
	return result;
}

/* The runtime gets no credentials: nothing that it may do with them is for a trial. */
static int trial_run(struct trial *trial, const struct lambda_options *options)
{
	const struct runtime_events events = {on_ready, on_answered, on_gone, trial};
	_cleanup_(runtime_plan_freep) struct runtime_plan *plan = NULL;
	_cleanup_(runtime_freep) struct runtime *runtime = NULL;

	int r = runtime_plan_new(options, trial->text, &plan);
	if (r < 0)
		return r;
	trial->began_at = clock_boottime();
	r = runtime_new(options->event, plan, options->bundle, LAMBDA_ASK_LIMIT, &events,
		trial->text, &runtime);
	if (r < 0)
		return -ENOEXEC;
	r = sd_event_loop(options->event);
	return r < 0 ? trial_fail(trial, r, strerror(-r)) : trial->result;
}

/* What left the runtime's session was handed to us when its parent ended. */
static void trial_sweep(void)
{
	char path[64], children[4096];

	snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
	do {
		_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? -1 : read(fd, children, sizeof children - 1);
		children[n > 0 ? n : 0] = '\0';
		char *at = children, *end;
		for (long pid; (pid = strtol(at, &end, 10)) > 0; at = end)
			kill((pid_t)pid, SIGKILL);
	} while (waitpid(-1, NULL, 0) > 0);
}

static int trial_begin(
	struct trial *trial, struct lambda_options *options, const struct trial_request *request)
{
	const char *hidden[KIND_OPTIONS_HIDDEN_MAX];
	_cleanup_free_ char *config = request->config ? realpath(request->config, NULL) : NULL;
	_cleanup_(child_means_freep) struct child_means *means = NULL;

	if (user_become(request->user, trial->text) < 0)
		return -EPERM;
	kind_options_hidden(config, hidden);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	daemon_block_signals();
	int r = child_means_new(&(struct child_means_options){.hidden = hidden}, &means);
	if (r == 0)
		r = sd_event_new(&trial->event);
	if (r < 0)
		return trial_fail(trial, r, strerror(-r));
	options->event = trial->event;
	options->means = means;
	options->child.pass_aws_credentials = false;
	r = trial_run(trial, options);
	sd_event_unref(trial->event);
	return r;
}

static _Noreturn void trial_process(const struct trial_request *request, int report)
{
	struct lambda_options options;
	struct trial trial = {0};

	kind_options_lambda(request->settings, request->job, &options);
	options.bundle = request->folder;
	trial.result = trial_begin(&trial, &options, request);
	trial_sweep();
	trial.event = NULL;
	_exit(write(report, &trial, sizeof trial) == sizeof trial ? 0 : 1);
}

/* ---- In ours ---- */

static int trial_await(int report, pid_t pid, struct trial *ret)
{
	size_t got = 0;
	ssize_t n = 1;

	while (got < sizeof *ret && n > 0) {
		n = read(report, (char *)ret + got, sizeof *ret - got);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			got += (size_t)n;
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (got == sizeof *ret)
		return ret->result;
	snprintf(ret->text, sizeof ret->text, "the trial ended without a word");
	return -EIO;
}

int trial_load(
	const struct trial_request *request, usec_t *ret_took, char ret_text[static TRIAL_TEXT_MAX])
{
	struct trial trial = {0};
	int report[2];

	if (pipe2(report, O_CLOEXEC) < 0) {
		snprintf(ret_text, TRIAL_TEXT_MAX, "%s", strerror(errno));
		return -EMFILE;
	}
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		trial_process(request, report[1]);
	close(report[1]);
	int r = pid < 0 ? -errno : trial_await(report[0], pid, &trial);
	close(report[0]);
	*ret_took = trial.took;
	snprintf(ret_text, TRIAL_TEXT_MAX, "%s", pid < 0 ? strerror(-r) : trial.text);
	return r;
}

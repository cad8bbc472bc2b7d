#include "ctl/source.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "ctl/listing.h"

#define SAID_PREFIX "nexusctl: "

/* ---- In the process that looks ---- */

static void wait_until(usec_t moment)
{
	const struct timespec at = {
		.tv_sec = (time_t)(moment / USEC_PER_SEC),
		.tv_nsec = (long)(moment % USEC_PER_SEC * 1000),
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
		;
}

static _Noreturn void source_process(
	source_look_fn *look, const struct settings *settings, usec_t interval, int report)
{
	void *what = NULL;

	/* What the keyboard sends is for our parent, who ends us. */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	if (dup2(report, STDOUT_FILENO) < 0 || dup2(report, STDERR_FILENO) < 0)
		_exit(EXIT_FAILURE);
	for (;;) {
		usec_t next = clock_monotonic() + interval;
		json_t *seen = look(settings, interval, &what);
		if (seen)
			listing_put_json(seen);
		if (fflush(stdout) != 0)
			_exit(EXIT_FAILURE);
		wait_until(next);
	}
}

/* ---- In ours ---- */

int source_start(struct source *source, source_look_fn *look, const struct settings *settings,
	usec_t interval)
{
	pid_t parent = getpid();
	int report[2];

	source->text = STRBUF_INIT;
	if (pipe2(report, O_CLOEXEC) < 0)
		return -errno;
	fcntl(report[0], F_SETFL, O_NONBLOCK);
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(EXIT_FAILURE);
		source_process(look, settings, interval, report[1]);
	}
	int r = pid < 0 ? -errno : 0;
	close(report[1]);
	if (pid < 0) {
		close(report[0]);
		return r;
	}
	source->pid = pid;
	source->fd = report[0];
	return 0;
}

static void source_take_line(struct source *source, const char *line)
{
	size_t prefix = strlen(SAID_PREFIX);

	source->heard_at = clock_monotonic();
	free(source->said);
	source->said = NULL;
	if (line[0] == '{') {
		json_decref(source->seen);
		source->seen = json_loads(line, 0, NULL);
	} else
		source->said =
			strdup(strncmp(line, SAID_PREFIX, prefix) == 0 ? line + prefix : line);
}

static void source_take_lines(struct source *source)
{
	char *line = source->text.data, *end;
	size_t taken = 0;

	for (; line && (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		source_take_line(source, line);
		taken = (size_t)(end + 1 - source->text.data);
	}
	if (taken > 0) {
		memmove(source->text.data, source->text.data + taken, source->text.len - taken);
		strbuf_truncate(&source->text, source->text.len - taken);
	}
}

int source_read(struct source *source)
{
	char part[4096];

	for (;;) {
		ssize_t n = read(source->fd, part, sizeof part);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n <= 0)
			return n < 0 ? -errno : -EPIPE;
		int r = strbuf_append(&source->text, part, (size_t)n);
		if (r < 0)
			return r;
		source_take_lines(source);
	}
}

json_t *source_json(const struct source *source, usec_t patience)
{
	usec_t silence = usec_sub(clock_monotonic(), source->heard_at);
	char text[64];

	if (source->heard_at == 0)
		return NULL;
	snprintf(text, sizeof text, "no answer for %" PRIu64 "s", silence / USEC_PER_SEC);
	if (silence > patience)
		return json_pack("{s:s}", "error", text);
	return source->said ? json_pack("{s:s}", "error", source->said) : json_incref(source->seen);
}

void source_stop(struct source *source)
{
	if (source->pid > 0) {
		kill(source->pid, SIGKILL);
		while (waitpid(source->pid, NULL, 0) < 0 && errno == EINTR)
			;
		close(source->fd);
	}
	json_decref(source->seen);
	free(source->said);
	strbuf_done(&source->text);
}

#include "aws/credentials_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>

#include "aws/credentials_json.h"
#include "base/quote.h"
#include "base/spawn.h"
#include "base/strbuf.h"
#include "base/words.h"

#define USUAL_TIMEOUT USEC_PER_MIN
#define CHUNK_SIZE    (16u << 10)
#define MESSAGE_MAX   200

/* The end of a pipe that we read. */
struct output {
	int fd;
	size_t n_bytes; /* that came so far */
	sd_event_source *readable;
};

struct process {
	struct credential_search *search;
	const char *source;
	usec_t timeout;
	char **words;
	pid_t pid; /* 0: not started */
	sd_event_source *child;
	sd_event_source *deadline;

	struct output out;
	struct strbuf json;
	struct output err;
	char message[MESSAGE_MAX + 4]; /* the last line with something in it; room for "..." */
	size_t message_len;
	bool message_ended;
};

/* ---- The end ---- */

static void output_done(struct output *output)
{
	sd_event_source_disable_unref(output->readable);
	closep(&output->fd);
}

/* Kills what still runs. It is reaped when the loop hears of its end, if that can be. */
static void end_child(struct process *p)
{
	if (p->pid == 0)
		return;
	kill(-p->pid, SIGKILL);
	if (p->child) {
		sd_event_source_set_userdata(p->child, NULL);
		sd_event_source_set_floating(p->child, true);
		sd_event_source_unref(p->child);
	} else {
		waitpid(p->pid, NULL, 0);
	}
}

static struct process *process_free(struct process *p)
{
	if (!p)
		return NULL;
	end_child(p);
	output_done(&p->out);
	output_done(&p->err);
	sd_event_source_disable_unref(p->deadline);
	strbuf_wipe(&p->json);
	free(p->words);
	free(p);
	return NULL;
}
DEFINE_CLEANUP(struct process *, process_free)

static void end(struct process *p, int r, struct credentials *credentials)
{
	struct credential_search *search = p->search;

	process_free(p);
	credential_search_end(search, r, credentials);
}

static int judge(struct process *p, const siginfo_t *info, struct credentials **ret)
{
	const struct credentials_json_form form = {
		.source = p->source,
		.token_name = "SessionToken",
		.versioned = true,
	};
	char *text = p->search->text, said[sizeof p->message];

	quote_text(p->message, said, sizeof said);
	const char *colon = said[0] ? ": " : "";
	if (info->si_code != CLD_EXITED)
		return credentials_failed(text, -EIO, "%s: %s was killed by SIG%s%s%s", p->source,
			p->words[0], sigabbrev_np(info->si_status), colon, said);
	if (info->si_status != 0)
		return credentials_failed(text, -EIO, "%s: %s ended with status %d%s%s", p->source,
			p->words[0], info->si_status, colon, said);
	if (p->json.len == 0)
		return credentials_failed(
			text, -EBADMSG, "%s: %s printed nothing", p->source, p->words[0]);

	struct credentials *found = NULL;
	int r = credentials_json_read(strbuf_str(&p->json), p->json.len, &form, text, &found);
	if (r == 0 && found->expires_at <= skew_now(p->search->means->skew)) {
		credentials_unref(found);
		return credentials_failed(text, -EAGAIN,
			"%s: %s gives keys that have ended already", p->source, p->words[0]);
	}
	*ret = found;
	return r;
}

/* ---- What it prints ---- */

/* Keeps the last line that is not blank, without blanks before it. */
static void take_message(struct process *p, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char c = bytes[i];
		bool begins = p->message_ended || p->message_len == 0;

		if (c == '\n' || c == '\r') {
			p->message_ended = true;
		} else if (!begins || (c != ' ' && c != '\t')) {
			p->message_len = begins ? 0 : p->message_len;
			p->message_ended = false;
			if (p->message_len < sizeof p->message - 1)
				p->message[p->message_len++] = c;
			p->message[p->message_len] = '\0';
		}
	}
}

/* How much was read; 0: there is nothing, now or ever; or why it was not kept. */
static ssize_t take_output(struct process *p, struct output *output)
{
	char chunk[CHUNK_SIZE], *text = p->search->text;
	ssize_t n = read(output->fd, chunk, sizeof chunk);
	int r = 0;

	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0) {
		sd_event_source_set_enabled(output->readable, SD_EVENT_OFF);
		return 0;
	}
	output->n_bytes += (size_t)n;
	if (output == &p->err)
		take_message(p, chunk, (size_t)n);
	else
		r = strbuf_append(&p->json, chunk, (size_t)n);
	explicit_bzero(chunk, sizeof chunk);
	if (r == -ENOBUFS || output->n_bytes > CREDENTIALS_PROCESS_OUTPUT_MAX)
		return credentials_failed(text, -EMSGSIZE, "%s: %s printed more than %u bytes",
			p->source, p->words[0], CREDENTIALS_PROCESS_OUTPUT_MAX);
	return r < 0 ? credentials_failed(text, r, "out of memory") : n;
}

/* What is in the pipe; more may come from one who was not in the group. */
static int drain(struct process *p, struct output *output)
{
	ssize_t n = 1;

	for (size_t room = CREDENTIALS_PROCESS_OUTPUT_MAX; n > 0 && room > 0;) {
		n = take_output(p, output);
		room -= n > 0 && (size_t)n < room ? (size_t)n : room;
	}
	return n < 0 ? (int)n : 0;
}

static int on_output(struct process *p, struct output *output)
{
	ssize_t n = take_output(p, output);

	if (n < 0)
		end(p, (int)n, NULL);
	return 0;
}

static int on_out(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct process *p = userdata;

	(void)source;
	(void)fd;
	(void)events;
	return on_output(p, &p->out);
}

static int on_err(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct process *p = userdata;

	(void)source;
	(void)fd;
	(void)events;
	return on_output(p, &p->err);
}

/* ---- What becomes of it ---- */

/* Afterwards sd-event reaps it: until then its id is its own. */
static int on_child(sd_event_source *source, const siginfo_t *info, void *userdata)
{
	struct process *p = userdata;
	struct credentials *found = NULL;

	if (!p)
		return sd_event_source_set_floating(source, false);
	kill(-p->pid, SIGKILL);
	p->pid = 0;
	p->child = sd_event_source_disable_unref(p->child);
	drain(p, &p->err);
	int r = drain(p, &p->out);
	if (r == 0)
		r = judge(p, info, &found);
	end(p, r, found);
	return 0;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct process *p = userdata;
	char limit[CLOCK_DURATION_MAX];

	(void)source;
	(void)usec;
	credentials_failed(p->search->text, 0, "%s: %s was killed, for it had not ended after %s",
		p->source, p->words[0], clock_format_duration(p->timeout, limit));
	end(p, -ETIMEDOUT, NULL);
	return 0;
}

/* ---- The start ---- */

/* ret_fd: the end for the program, which sees no flag of ours on it. */
static int open_output(
	struct process *p, struct output *output, sd_event_io_handler_t readable, int *ret_fd)
{
	sd_event *event = http_event(p->search->means->http);
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	output->fd = ends[0];
	*ret_fd = ends[1];
	if (fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	return sd_event_add_io(event, &output->readable, ends[0], EPOLLIN, readable, p);
}

static int run(struct process *p, const char *path)
{
	_cleanup_close_ int in = open("/dev/null", O_RDONLY | O_CLOEXEC), out = -1, err = -1;
	struct spawn what = {
		.path = path,
		.argv = (const char *const *)p->words,
		.environment = p->search->means->program_environment,
	};

	int r = in < 0 ? -errno : open_output(p, &p->out, on_out, &out);
	r = r < 0 ? r : open_output(p, &p->err, on_err, &err);
	if (r < 0)
		return r;
	what.in = in;
	what.out = out;
	what.err = err;
	return spawn_start(&what, &p->pid);
}

static int watch(struct process *p)
{
	sd_event *event = http_event(p->search->means->http);

	int r = sd_event_add_child(event, &p->child, p->pid, WEXITED, on_child, p);
	if (r < 0)
		return r;
	sd_event_source_set_description(p->child, "credential process");
	return sd_event_add_time_relative(event, &p->deadline, CLOCK_MONOTONIC, p->timeout,
		100 * USEC_PER_MSEC, on_deadline, p);
}

static int refuse(const struct process *p, int r)
{
	if (r == -ENOENT && !strchr(p->words[0], '/'))
		return credentials_failed(p->search->text, -EINVAL,
			"%s: %s is in no folder of PATH", p->source, p->words[0]);
	return credentials_failed(p->search->text, credentials_file_error(r),
		"%s: %s cannot be run: %s", p->source, p->words[0], strerrordesc_np(-r));
}

static int split(struct process *p, const char *command)
{
	const char *reason = NULL;
	char *text = p->search->text;

	int r = words_split(command, &p->words, &reason);
	if (r == -EINVAL)
		return credentials_failed(text, r, "%s: %s", p->source, reason);
	if (r < 0)
		return credentials_failed(text, r, "out of memory");
	if (!p->words[0])
		return credentials_failed(text, -EINVAL, "%s: it names no program", p->source);
	/* What a shell would take for a variable, maybe a secret one. */
	if (p->words[0][strcspn(p->words[0], "=/")] == '=')
		return credentials_failed(text, -EINVAL,
			"%s: it begins with a variable, which only a shell understands: begin it "
			"with /usr/bin/env, or write a script",
			p->source);
	return 0;
}

static struct process *process_new(
	struct credential_search *search, const struct credentials_process *what)
{
	struct process *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	p->search = search;
	p->source = what->source;
	p->timeout = what->timeout ? what->timeout : USUAL_TIMEOUT;
	p->out.fd = p->err.fd = -1;
	strbuf_init(&p->json, CREDENTIALS_PROCESS_OUTPUT_MAX);
	return p;
}

static void process_cancel(struct credential_search *search)
{
	process_free(search->state);
}

static const struct credential_source CREDENTIALS_PROCESS = {
	.name = "process",
	.cancel = process_cancel,
};

int credentials_process_start(
	struct credential_search *search, const struct credentials_process *what)
{
	_cleanup_(process_freep) struct process *p = process_new(search, what);
	_cleanup_free_ char *path = NULL;

	if (!p)
		return credentials_failed(search->text, -ENOMEM, "out of memory");
	int r = split(p, what->command);
	if (r < 0)
		return r;
	r = spawn_find(p->words[0], credentials_getenv(search->means->getenv, "PATH"), &path);
	r = r < 0 ? r : run(p, path);
	r = r < 0 ? r : watch(p);
	if (r < 0)
		return refuse(p, r);
	search->source = &CREDENTIALS_PROCESS;
	search->state = TAKE_PTR(p);
	return -EINPROGRESS;
}

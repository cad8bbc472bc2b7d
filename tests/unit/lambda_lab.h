/*
 * For the tests of runtimes: a handler of the kind lambda, bundles with a small runtime in Python
 * that does what a script says, and jobs that run on threads of their own while the case's main
 * thread is the loop.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>

#include "../support/test_job.h"
#include "base/file.h"
#include "handler/handler.h"
#include "handler/lambda.h"
#include "handler/runner.h"
#include "job/envelope.h"
#include "log_capture.h"

#define LAB_SOON     (30 * USEC_PER_SEC)
#define LAB_JOBS_MAX 12
#define LAB_TEXT_MAX ((size_t)1 << 20)
#define LAB_MESSAGE  "m-1" /* every job's message */

/* ---- The runtime ---- */

/*
 * What its script finds. call() gives status, headers and body; each start is noted, and note()
 * leaves a line for the test.
 */
static const char LAB_PRELUDE[] =
	"#!/usr/bin/python3 -IS\n"
	"import os, signal, socket, sys, time\n"
	"\n"
	"def connect():\n"
	"    host, port = os.environ['AWS_LAMBDA_RUNTIME_API'].split(':')\n"
	"    return socket.create_connection((host, int(port)))\n"
	"\n"
	"def send(to, method, what, body='', header=''):\n"
	"    to.sendall(f'{method} /2018-06-01/runtime/{what} HTTP/1.1\\r\\nHost: x\\r\\n'\n"
	"               f'Content-Length: {len(body)}\\r\\n{header}\\r\\n{body}'.encode())\n"
	"\n"
	"def receive(of):\n"
	"    text = b''\n"
	"    def more():\n"
	"        part = of.recv(1 << 20)\n"
	"        if not part:\n"
	"            raise EOFError\n"
	"        return part\n"
	"    while b'\\r\\n\\r\\n' not in text:\n"
	"        text += more()\n"
	"    head, body = text.split(b'\\r\\n\\r\\n', 1)\n"
	"    first, *lines = head.decode().split('\\r\\n')\n"
	"    headers = {k.lower(): v for k, v in (line.split(': ', 1) for line in lines)}\n"
	"    while len(body) < int(headers['content-length']):\n"
	"        body += more()\n"
	"    return int(first.split()[1]), headers, body.decode()\n"
	"\n"
	"main = None\n"
	"def call(method, what, body='', header=''):\n"
	"    global main\n"
	"    main = main or connect()\n"
	"    send(main, method, what, body, header)\n"
	"    return receive(main)\n"
	"\n"
	"def ask():\n"
	"    status, headers, event = call('GET', 'invocation/next')\n"
	"    return headers['lambda-runtime-aws-request-id'], event\n"
	"\n"
	"def answer(id, result='null'):\n"
	"    return call('POST', f'invocation/{id}/response', result)\n"
	"\n"
	"def fail(id, type, message):\n"
	"    error = f'{{\"errorType\":\"{type}\",\"errorMessage\":\"{message}\"}}'\n"
	"    return call('POST', f'invocation/{id}/error', error)\n"
	"\n"
	"def note(text):\n"
	"    with open(os.environ['LAB'] + '/notes', 'a') as notes:\n"
	"        notes.write(f'{text}\\n')\n"
	"\n"
	"def until(name):\n"
	"    while not os.path.exists(os.environ['LAB'] + '/' + name):\n"
	"        time.sleep(0.005)\n"
	"\n"
	"note(f'start {os.getpid()}')\n";

/* Answers all that it is asked, with null. */
#define LAB_WILLING                                                                                \
	"while True:\n"                                                                            \
	"    id, event = ask()\n"                                                                  \
	"    answer(id)\n"

/* ---- The case ---- */

struct lab_run {
	struct job *job;
	pthread_t thread;
	int wake_fd;
	_Atomic(bool) ended;
};

static sd_event *lab_event;
static struct child_means *lab_means;
static struct lambda_options lab_options;
static struct handler *lab_handler;
static struct lab_run lab_runs[LAB_JOBS_MAX];
static size_t lab_n_runs;
static int lab_log_fd;

/* A path in the case's own folder, until the fourth call from here. */
static inline const char *lab_path(const char *name)
{
	static char paths[4][128];
	static unsigned n;
	char *path = paths[n++ % 4];

	snprintf(path, sizeof paths[0], "%s/%s", directory, name);
	return path;
}

static inline void lab_write(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

/* A bundle in a folder of that name, for the script. */
static inline void lab_bundle(const char *name, const char *script)
{
	char *text;

	ck_assert_int_eq(mkdir(lab_path(name), 0700), 0);
	ck_assert_int_gt(asprintf(&text, "%s/bootstrap", name), 0);
	const char *path = lab_path(text);
	free(text);
	ck_assert_int_gt(asprintf(&text, "%s%s", LAB_PRELUDE, script), 0);
	lab_write(path, text, 0700);
	free(text);
}

/* What the handler's bundle is from now on. */
static inline void lab_link(const char *name)
{
	ck_assert_int_eq(symlink(name, lab_path("new")), 0);
	ck_assert_int_eq(rename(lab_path("new"), lab_path("bundle")), 0);
}

static inline void lab_setup(void)
{
	static char bundle[64], environment[64];
	sigset_t child;

	setup();
	/* Before the first thread: sd-event reaps children. */
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, &child, NULL), 0);
	lab_log_fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	ck_assert_int_ge(lab_log_fd, 0);
	become_stderr(dup(lab_log_fd));
	ck_assert_int_eq(open_log(LOG_FORMAT_TEXT), 0);
	ck_assert_int_ge(sd_event_new(&lab_event), 0);
	ck_assert_int_eq(child_means_new(&(struct child_means_options){0}, &lab_means), 0);
	snprintf(bundle, sizeof bundle, "%s/bundle", directory);
	snprintf(environment, sizeof environment, "LAB=%s", directory);
	lab_options = (struct lambda_options){
		.event = lab_event,
		.means = lab_means,
		.type = "resize",
		.bundle = bundle,
		.handler = "index.handler",
		.runtime = LAMBDA_PROVIDED,
		.child = {.environment = environment},
		.output = 64u << 10,
		.max_runtimes = 2,
	};
	lab_write(lab_path("notes"), "", 0600);
}

static inline void lab_make(void)
{
	char error[CHILD_ERROR_MAX] = "";

	ck_assert_msg(lambda_new(&lab_options, error, &lab_handler) == 0, "%s", error);
}

/* The handler, for a bundle that does that. */
static inline void lab_begin(const char *script)
{
	lab_bundle("v1", script);
	lab_link("v1");
	lab_make();
}

static inline void lab_turn(void)
{
	ck_assert_int_ge(sd_event_run(lab_event, 10 * USEC_PER_MSEC), 0);
}

/* Turns the loop until that is so. */
#define lab_await(condition)                                                                       \
	do {                                                                                       \
		usec_t until = clock_monotonic() + LAB_SOON;                                       \
		while (!(condition) && clock_monotonic() < until)                                  \
			lab_turn();                                                                \
		ck_assert_msg((condition), "%s", #condition);                                      \
	} while (0)

/* ---- What can be seen ---- */

static inline const char *lab_read(int fd)
{
	static char text[LAB_TEXT_MAX];
	ssize_t n = pread(fd, text, sizeof text - 1, 0);

	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	return text;
}

static inline const char *lab_logged(void)
{
	return lab_read(lab_log_fd);
}

static inline const char *lab_notes(void)
{
	int fd = open(lab_path("notes"), O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	const char *text = lab_read(fd);
	close(fd);
	return text;
}

static inline unsigned lab_n_notes(const char *what)
{
	return count(lab_notes(), what);
}

/* The number behind the n-th such note, 0 being the first. */
static inline pid_t lab_noted_pid(const char *what, unsigned n)
{
	const char *at = strstr(lab_notes(), what);

	for (; at && n > 0; n--)
		at = strstr(at + 1, what);
	ck_assert_ptr_nonnull(at);
	return (pid_t)strtol(at + strlen(what), NULL, 10);
}

#define lab_n_starts()     lab_n_notes("start ")
#define lab_started_pid(n) lab_noted_pid("start ", n)

/* A child of ours is gone when it was reaped; others may wait for whoever has them now. */
static inline bool lab_is_gone(pid_t pid)
{
	char path[32], state = 'Z';

	if (kill(pid, 0) < 0)
		return true;
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	FILE *stat = fopen(path, "re");
	pid_t parent = 0;
	if (stat && fscanf(stat, "%*d (%*[^)]) %c %d", &state, &parent) < 1)
		state = 'Z';
	if (stat)
		fclose(stat);
	return state == 'Z' && parent != getpid();
}

/* ---- Jobs ---- */

static inline void *lab_thread(void *arg)
{
	struct lab_run *run = arg;

	runner_run(run->job, run->wake_fd);
	atomic_store(&run->ended, true);
	return NULL;
}

/* A job with that body, which is "job-N" for the N-th; to be changed before lab_start(). */
static inline struct lab_run *lab_job(const char *body)
{
	struct envelope_attribute trace = {"AWSTraceHeader", "Root=1-5bef4de7-ad49b0e87f6ef6c8"};
	const struct envelope envelope = {
		.message_id = LAB_MESSAGE,
		.receipt_handle = "r-1",
		.queue_name = "jobs",
		.queue_arn = "arn:aws:sqs:eu-west-1:123456789012:jobs",
		.region = "eu-west-1",
		.attributes = &trace,
		.n_attributes = 1,
	};
	char id[16];

	ck_assert_uint_lt(lab_n_runs, LAB_JOBS_MAX);
	struct lab_run *run = &lab_runs[lab_n_runs++];
	snprintf(id, sizeof id, "job-%zu", lab_n_runs);
	run->job = test_job_new(id, "resize", body);
	run->job->body_len = strlen(body);
	run->job->must_end_at = USEC_INFINITY;
	run->job->attempt = 2;
	run->job->kill_grace = LAB_SOON;
	run->job->handler = lab_handler;
	ck_assert_int_eq(envelope_new(&envelope, &run->job->envelope), 0);
	run->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ck_assert_int_ge(run->wake_fd, 0);
	return run;
}

static inline void lab_start(struct lab_run *run)
{
	ck_assert_int_eq(pthread_create(&run->thread, NULL, lab_thread, run), 0);
}

static inline struct lab_run *lab_submit(const char *body)
{
	struct lab_run *run = lab_job(body);

	lab_start(run);
	return run;
}

static inline void lab_cancel(struct lab_run *run, enum job_cancel why)
{
	uint64_t one = 1;

	atomic_store(&run->job->cancel, (int)why);
	ck_assert_int_eq(write(run->wake_fd, &one, sizeof one), sizeof one);
}

/* Its job's end; its memory stays until the case ends. */
static inline void lab_expect(struct lab_run *run, enum job_outcome outcome, const char *error)
{
	lab_await(atomic_load(&run->ended));
	ck_assert_int_eq(pthread_join(run->thread, NULL), 0);
	close(run->wake_fd);
	test_job_assert_ended(run->job, outcome, error);
}

static inline void lab_do(const char *body, enum job_outcome outcome, const char *error)
{
	lab_expect(lab_submit(body), outcome, error);
}

/* The jobs so far are forgotten. */
static inline void lab_clear(void)
{
	while (lab_n_runs > 0) {
		struct lab_run *run = &lab_runs[--lab_n_runs];
		test_job_free(run->job);
		*run = (struct lab_run){0};
	}
}

static inline void lab_teardown(void)
{
	lab_clear();
	handler_unref(lab_handler);
	child_means_free(lab_means);
	sd_event_unref(lab_event);
	close(lab_log_fd);
	teardown();
}

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <systemd/sd-event.h>

#include "aws/queue_url.h"
#include "base/backoff.h"
#include "base/log.h"
#include "conf/settings.h"
#include "ctl/body.h"
#include "ctl/ctl.h"
#include "ctl/user.h"
#include "daemon/daemon.h"
#include "daemon/identity.h"
#include "daemon/kinds.h"
#include "handler/registry.h"
#include "handler/runner.h"
#include "job/envelope.h"
#include "job/job.h"
#include "job/message.h"

const char ctl_run_help[] =
	"Usage: nexusctl run TYPE [PAYLOAD] [--attempt N] [--job ID] [--allow-row-writes]\n"
	"                    [--user NAME]\n"
	"\n"
	"Runs the handler of the job type TYPE here and now, as the daemon would: with the same\n"
	"limits, environment and credentials, but without queue and row. Shows what it writes, how "
	"it\n"
	"ends, its time and peak memory. PAYLOAD is JSON ({} without one), @FILE, or - for stdin.\n"
	"There is no cgroup: memory is a limit for each process alone, whatever the daemon has.\n"
	"\n"
	"  --attempt N         the attempt that the handler is told (1)\n"
	"  --job ID            the job's id that the handler is told (run-...)\n"
	"  --allow-row-writes  also where the handler writes its job's row (rows = handler)\n"
	"  --user NAME         root runs the handler as this user (nexus-worker)\n"
	"\n"
	"Examples: nexusctl run test-echo '{\"delayMs\": 50}'\n"
	"          nexusctl run generate-thumbnail @payload.json --allow-row-writes\n"
	"\n"
	"Exit status: 0 the job would be completed, 1 it would not.\n";

struct run {
	const struct ctl *ctl;
	const char *type;
	const char *payload;
	const char *id;
	const char *user;
	int attempt;
	bool allow_row_writes;

	sd_event *event;
	struct http *http;
	struct identity *identity;
	struct kinds *kinds;
	struct registry *registry;
	struct job job;
	int wake_fd;
	int done_fd;
};

/* ---- The job ---- */

static int run_make_job(struct run *run)
{
	_cleanup_strbuf_ struct strbuf body = STRBUF_INIT;
	struct message parsed;

	int status = body_compose("run", run->id, run->type, run->payload, &body, &parsed);
	if (status != EXIT_SUCCESS)
		return status;
	size_t len = body.len;
	if (job_init(&run->job, strbuf_take(&body), parsed.job_id, parsed.type) < 0)
		return ctl_fail(EXIT_FAILURE, "out of memory");
	run->job.body_len = len;
	run->job.payload = run->job.body + parsed.payload_offset;
	run->job.payload_len = parsed.payload_len;
	run->job.attempt = run->attempt;
	return EXIT_SUCCESS;
}

/* What the queue would have said of it. */
static int run_wrap_job(struct run *run, const struct settings *settings)
{
	char attempt[16], sent[24];
	struct envelope_attribute attributes[] = {
		{"ApproximateReceiveCount", attempt},
		{"SentTimestamp", sent},
		{"SenderId", "nexusctl"},
		{"ApproximateFirstReceiveTimestamp", sent},
	};
	_cleanup_strbuf_ struct strbuf arn = STRBUF_INIT;

	snprintf(attempt, sizeof attempt, "%d", run->attempt);
	snprintf(sent, sizeof sent, "%" PRIu64, clock_realtime() / USEC_PER_MSEC);
	int r = queue_url_arn(settings->queue.url, settings->queue.region, &arn);
	if (r < 0)
		return r;
	const struct envelope envelope = {
		.message_id = "00000000-0000-0000-0000-000000000000",
		.receipt_handle = "nexusctl-run",
		.queue_name = queue_url_name(settings->queue.url),
		.queue_arn = strbuf_str(&arn),
		.region = settings->queue.region,
		.attributes = attributes,
		.n_attributes = sizeof attributes / sizeof attributes[0],
	};
	return envelope_new(&envelope, &run->job.envelope);
}

/* ---- Here and now ---- */

/* A built-in's work is ours: its thread's CPU time, and the memory of this whole process. */
static void run_measure(struct job *job)
{
	struct rusage process, thread;

	if (getrusage(RUSAGE_SELF, &process) < 0 || getrusage(RUSAGE_THREAD, &thread) < 0)
		return;
	job->peak_memory = (uint64_t)process.ru_maxrss * 1024;
	job->cpu_time = (usec_t)(thread.ru_utime.tv_sec + thread.ru_stime.tv_sec) * USEC_PER_SEC +
			(usec_t)(thread.ru_utime.tv_usec + thread.ru_stime.tv_usec);
}

static void *run_thread(void *userdata)
{
	struct run *run = userdata;
	uint64_t one = 1;

	runner_run(&run->job, run->wake_fd);
	if (run->job.handler && !run->job.handler->free)
		run_measure(&run->job);
	(void)!write(run->done_fd, &one, sizeof one);
	return NULL;
}

static int on_done(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct run *run = userdata;

	(void)source;
	(void)fd;
	(void)revents;
	return sd_event_exit(run->event, 0);
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct run *run = userdata;
	uint64_t one = 1;

	(void)source;
	(void)info;
	atomic_store(&run->job.cancel, JOB_STOP);
	(void)!write(run->wake_fd, &one, sizeof one);
	return 0;
}

static void on_identity(void *userdata)
{
	struct run *run = userdata;

	if (kinds_set_region(run->kinds, identity_region(run->identity)) < 0)
		log_warning("the handler is not told the region: out of memory");
}

/* Programs get the credentials that the daemon would give them; none is no reason not to run. */
static int run_build_identity(struct run *run, const struct settings *settings)
{
	const struct http_options http = {.user_agent = "nexusctl/" NEXUS_VERSION};
	const struct identity_options identity = {
		.region = settings->queue.region,
		.changed = on_identity,
		.userdata = run,
	};

	int r = http_new(run->event, &http, &run->http);
	if (r == 0 && identity_new(run->http, &identity, &run->identity) < 0)
		log_warning("the handler gets no AWS credentials");
	return r;
}

/* What is wrong with another section is no reason not to run this one. */
static int run_configure(struct run *run, const struct settings *settings,
	const struct settings_job *job, struct strbuf *problems)
{
	const struct settings_job *others = &settings->jobs[settings->n_jobs - 1];
	_cleanup_free_ struct settings_job *jobs = calloc(2, sizeof *jobs);
	struct settings alone = *settings;

	if (!jobs)
		return -ENOMEM;
	jobs[0] = *job;
	jobs[1] = *others;
	jobs[1].kind = SETTINGS_BUILTIN;
	alone.jobs = jobs;
	alone.n_jobs = job == others ? 1 : 2;
	return kinds_configure(run->kinds, run->registry, &alone, NULL, problems);
}

static int run_build(struct run *run, const struct settings *settings,
	const struct settings_job *job, struct strbuf *problems)
{
	struct kinds_options kinds = {.config = run->ctl->config, .by_hand = true};
	sd_event_source *done = NULL;

	int r = sd_event_default(&run->event);
	if (r >= 0 && (job->kind == SETTINGS_COMMAND || job->kind == SETTINGS_LAMBDA))
		r = run_build_identity(run, settings);
	if (r < 0)
		return r;
	kinds.event = run->event;
	kinds.credentials = run->identity ? identity_credentials(run->identity) : NULL;
	r = kinds_new(&kinds, &run->kinds);
	if (r == 0)
		r = kinds_set_region(run->kinds, settings->queue.region);
	if (r == 0)
		r = registry_new(&run->registry);
	if (r == 0)
		r = run_configure(run, settings, job, problems);
	if (r == 0)
		r = run_wrap_job(run, settings);
	if (r == 0 && ((run->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0 ||
			      (run->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0))
		r = -errno;
	if (r == 0)
		r = sd_event_add_io(run->event, &done, run->done_fd, EPOLLIN, on_done, run);
	if (r >= 0)
		r = sd_event_source_set_floating(done, true);
	sd_event_source_unref(done);
	if (r >= 0)
		r = sd_event_add_signal(run->event, NULL, SIGINT, on_signal, run);
	if (r >= 0)
		r = sd_event_add_signal(run->event, NULL, SIGTERM, on_signal, run);
	return r < 0 ? r : 0;
}

static void run_tear_down(struct run *run)
{
	registry_free(run->registry);
	kinds_free(run->kinds);
	identity_free(run->identity);
	http_free(run->http);
	sd_event_unref(run->event);
	job_done(&run->job);
	if (run->wake_fd >= 0)
		close(run->wake_fd);
	if (run->done_fd >= 0)
		close(run->done_fd);
}

static int run_here(struct run *run, const struct settings_job *job)
{
	pthread_t thread;

	run->job.handler = registry_find(run->registry, run->type)->handler;
	run->job.timeout = job->timeout;
	run->job.kill_grace = 5 * USEC_PER_SEC;
	int r = pthread_create(&thread, NULL, run_thread, run);
	if (r != 0)
		return ctl_fail(EXIT_FAILURE, "no thread: %s", strerror(r));
	r = sd_event_loop(run->event);
	pthread_join(thread, NULL);
	return r < 0 ? ctl_fail(EXIT_FAILURE, "%s", strerror(-r)) : EXIT_SUCCESS;
}

/* ---- How it ended ---- */

static void run_show_text(const struct job *job, usec_t took)
{
	char time[CLOCK_DURATION_MAX];

	printf("%s in %s", job_outcome_name(job->outcome),
		clock_format_duration(took - took % USEC_PER_MSEC, time));
	if (job->peak_memory > 0)
		printf(", peak memory %.1f MiB", (double)job->peak_memory / (1024.0 * 1024.0));
	if (job->cpu_time > 0)
		printf(", CPU %s",
			clock_format_duration(job->cpu_time - job->cpu_time % USEC_PER_MSEC, time));
	fputs(job->error ? ": " : "", stdout);
	ctl_put_line(stdout, job->error ? job->error : "");
}

static void run_show_json(const struct job *job, usec_t took)
{
	json_auto_t *all = json_pack("{s:s, s:s, s:i, s:s, s:s?, s:b, s:f, s:I, s:I}", "job_id",
		job->id, "type", job->type, "attempt", job->attempt, "outcome",
		job_outcome_name(job->outcome), "error", job->error, "for_good", job->for_good,
		"run_ms", (double)took / USEC_PER_MSEC, "peak_memory_bytes",
		(json_int_t)job->peak_memory, "cpu_usec", (json_int_t)job->cpu_time);

	json_dumpf(all, stdout, JSON_COMPACT);
	putchar('\n');
}

static int run_show(const struct run *run)
{
	const struct job *job = &run->job;
	usec_t took = usec_sub(atomic_load(&job->ran_at), atomic_load(&job->started_at));

	if (run->ctl->json)
		run_show_json(job, took);
	else
		run_show_text(job, took);
	return job->outcome == JOB_COMPLETED ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- The command line ---- */

static int run_parse_number(struct run *run, const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (n < 1 || n > INT_MAX || *end)
		return ctl_usage("run", "--attempt %s: accepted is a number from 1", text);
	run->attempt = (int)n;
	return EXIT_SUCCESS;
}

static int run_parse(struct run *run, int argc, char **argv)
{
	static const struct option options[] = {
		{"attempt", required_argument, NULL, 'n'},
		{"job", required_argument, NULL, 'j'},
		{"allow-row-writes", no_argument, NULL, 'w'},
		{"user", required_argument, NULL, 'u'},
		{0},
	};
	int c, status;

	optind = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case 'n':
			status = run_parse_number(run, optarg);
			if (status != EXIT_SUCCESS)
				return status;
			break;
		case 'j':
			run->id = optarg;
			break;
		case 'w':
			run->allow_row_writes = true;
			break;
		case 'u':
			run->user = optarg;
			break;
		default:
			return ctl_usage("run", NULL);
		}
	}
	if (optind == argc)
		return ctl_usage("run", "which job type?");
	run->type = argv[optind++];
	run->payload = optind < argc ? argv[optind++] : NULL;
	return optind < argc ? ctl_usage("run", "%s: one payload at a time", argv[optind])
			     : EXIT_SUCCESS;
}

static int run_all(struct run *run, const struct settings *settings)
{
	_cleanup_strbuf_ struct strbuf problems = STRBUF_INIT;
	const struct settings_job *job = settings_job_for(settings, run->type);
	char text[USER_TEXT_MAX];

	if (job->rows == SETTINGS_ROWS_HANDLER && !run->allow_row_writes)
		return ctl_fail(EX_CONFIG,
			"%s: its handler writes the job's row (rows = handler), which may be a row "
			"that is there: --allow-row-writes allows it",
			run->type);
	int status = run_make_job(run);
	if (status != EXIT_SUCCESS)
		return status;
	if (user_become(run->user, text) < 0)
		return ctl_fail(EXIT_FAILURE, "%s", text);
	int r = run_build(run, settings, job, &problems);
	if (r < 0) {
		fputs(strbuf_str(&problems), stderr);
		return r == -EINVAL ? EX_CONFIG : ctl_fail(EXIT_FAILURE, "%s", strerror(-r));
	}
	status = run_here(run, job);
	return status == EXIT_SUCCESS ? run_show(run) : status;
}

int ctl_run(const struct ctl *ctl, int argc, char **argv)
{
	struct run run = {.ctl = ctl, .attempt = 1, .wake_fd = -1, .done_fd = -1};
	const struct log_options log = {
		.format = LOG_FORMAT_TEXT, .level = LOG_INFO, .identifier = "nexusctl"};
	char id[32];

	int status = run_parse(&run, argc, argv);
	if (status != EXIT_SUCCESS)
		return status;
	if (!run.id) {
		snprintf(id, sizeof id, "run-%08" PRIx64, backoff_random(UINT64_C(1) << 32));
		run.id = id;
	}
	_cleanup_(settings_freep) struct settings *settings = ctl_settings(ctl, &status);
	if (!settings)
		return status;
	log_open(&log);
	daemon_block_signals();
	status = run_all(&run, settings);
	run_tear_down(&run);
	log_close();
	return status;
}

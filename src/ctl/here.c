#include "ctl/here.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <systemd/sd-event.h>

#include "aws/queue_url.h"
#include "base/log.h"
#include "ctl/user.h"
#include "daemon/daemon.h"
#include "daemon/identity.h"
#include "daemon/kinds.h"
#include "handler/registry.h"
#include "handler/runner.h"

/* Where it is to run. */
struct room {
	const struct here *here;
	struct job *job;
	sd_event *event;
	struct http *http;
	struct identity *identity;
	struct kinds *kinds;
	struct registry *registry;
	int wake_fd;
	int done_fd;
};

int here_check(const struct here *here, const char *type)
{
	const struct settings_job *job = settings_job_for(here->settings, type);

	if (job->rows != SETTINGS_ROWS_HANDLER || here->allow_row_writes)
		return EXIT_SUCCESS;
	return ctl_fail(EX_CONFIG,
		"%s: its handler writes the job's row (rows = handler), which may be a row that is "
		"there: --allow-row-writes allows it",
		type);
}

/* ---- The job ---- */

/* What the queue would have said of it. */
static int here_wrap_job(const struct here *here, struct job *job)
{
	const struct settings *settings = here->settings;
	char attempt[16], sent[24];
	struct envelope_attribute attributes[] = {
		{"ApproximateReceiveCount", attempt},
		{"SentTimestamp", sent},
		{"SenderId", "nexusctl"},
		{"ApproximateFirstReceiveTimestamp", sent},
	};
	_cleanup_strbuf_ struct strbuf arn = STRBUF_INIT;

	snprintf(attempt, sizeof attempt, "%d", job->attempt);
	snprintf(sent, sizeof sent, "%" PRIu64, here->sent_at / USEC_PER_MSEC);
	int r = queue_url_arn(settings->queue.url, settings->queue.region, &arn);
	if (r < 0)
		return r;
	const struct envelope envelope = {
		.message_id = here->message_id,
		.receipt_handle = "nexusctl",
		.queue_name = queue_url_name(settings->queue.url),
		.queue_arn = strbuf_str(&arn),
		.region = settings->queue.region,
		.attributes = attributes,
		.n_attributes = sizeof attributes / sizeof attributes[0],
		.message_attributes = here->attributes,
		.n_message_attributes = here->n_attributes,
	};
	return envelope_new(&envelope, &job->envelope);
}

/* ---- The room ---- */

static void room_say_keyless(const struct room *room)
{
	struct credential_store *store = identity_credentials(room->identity);

	if (identity_is_settled(room->identity) && !credential_store_current(store))
		log_warning("the handler gets no AWS credentials for now: %s",
			credential_store_complaint(store));
}

static void on_identity(void *userdata)
{
	struct room *room = userdata;

	room_say_keyless(room);
	if (kinds_set_region(room->kinds, identity_region(room->identity)) < 0)
		log_warning("the handler is not told the region: out of memory");
}

/* Programs get the credentials that the daemon would give them; none is no reason not to run. */
static int room_build_identity(struct room *room)
{
	const struct http_options http = {
		.user_agent = "nexusctl/" NEXUS_VERSION,
		.ca_bundle = credentials_getenv(getenv, "AWS_CA_BUNDLE"),
	};
	const struct identity_options identity = {
		.region = room->here->settings->queue.region,
		.changed = on_identity,
		.userdata = room,
	};

	int r = http_new(room->event, &http, &room->http);
	if (r == 0 && identity_new(room->http, &identity, &room->identity) < 0)
		log_warning("the handler gets no AWS credentials");
	return r;
}

/* What is wrong with another section is no reason not to run this one. */
static int room_configure(
	struct room *room, const struct settings_job *job, struct strbuf *problems)
{
	const struct settings *settings = room->here->settings;
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
	return kinds_configure(room->kinds, room->registry, &alone, NULL, problems);
}

static int room_build_handler(
	struct room *room, const struct settings_job *job, struct strbuf *problems)
{
	struct kinds_options kinds = {
		.config = room->here->ctl->config, .by_hand = true, .event = room->event};

	int r = 0;
	if (job->kind == SETTINGS_COMMAND || job->kind == SETTINGS_LAMBDA)
		r = room_build_identity(room);
	if (r < 0)
		return r;
	kinds.credentials = room->identity ? identity_credentials(room->identity) : NULL;
	r = kinds_new(&kinds, &room->kinds);
	if (r == 0)
		r = kinds_set_region(room->kinds, room->here->settings->queue.region);
	if (r == 0)
		r = registry_new(&room->registry);
	return r == 0 ? room_configure(room, job, problems) : r;
}

static int on_done(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct room *room = userdata;

	(void)source;
	(void)fd;
	(void)revents;
	return sd_event_exit(room->event, 0);
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct room *room = userdata;
	uint64_t one = 1;

	(void)source;
	(void)info;
	atomic_store(&room->job->cancel, JOB_STOP);
	(void)!write(room->wake_fd, &one, sizeof one);
	return 0;
}

static int room_build_events(struct room *room)
{
	sd_event_source *done = NULL;

	if ((room->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0 ||
		(room->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0)
		return -errno;
	int r = sd_event_add_io(room->event, &done, room->done_fd, EPOLLIN, on_done, room);
	if (r >= 0)
		r = sd_event_source_set_floating(done, true);
	sd_event_source_unref(done);
	if (r >= 0)
		r = sd_event_add_signal(room->event, NULL, SIGINT, on_signal, room);
	if (r >= 0)
		r = sd_event_add_signal(room->event, NULL, SIGTERM, on_signal, room);
	return r < 0 ? r : 0;
}

static int room_build(struct room *room, const struct settings_job *job, struct strbuf *problems)
{
	int r = sd_event_default(&room->event);
	if (r >= 0)
		r = room_build_handler(room, job, problems);
	if (r == 0)
		r = here_wrap_job(room->here, room->job);
	return r == 0 ? room_build_events(room) : r;
}

static void room_tear_down(struct room *room)
{
	registry_free(room->registry);
	kinds_free(room->kinds);
	identity_free(room->identity);
	http_free(room->http);
	sd_event_unref(room->event);
	if (room->wake_fd >= 0)
		close(room->wake_fd);
	if (room->done_fd >= 0)
		close(room->done_fd);
}

/* ---- In it ---- */

/* A built-in's work is ours: its thread's CPU time, and the memory of this whole process. */
static void room_measure(struct job *job)
{
	struct rusage process, thread;

	if (getrusage(RUSAGE_SELF, &process) < 0 || getrusage(RUSAGE_THREAD, &thread) < 0)
		return;
	job->peak_memory = (uint64_t)process.ru_maxrss * 1024;
	job->cpu_time = (usec_t)(thread.ru_utime.tv_sec + thread.ru_stime.tv_sec) * USEC_PER_SEC +
			(usec_t)(thread.ru_utime.tv_usec + thread.ru_stime.tv_usec);
}

static void *room_thread(void *userdata)
{
	struct room *room = userdata;
	uint64_t one = 1;

	runner_run(room->job, room->wake_fd);
	if (room->job->handler && !room->job->handler->free)
		room_measure(room->job);
	(void)!write(room->done_fd, &one, sizeof one);
	return NULL;
}

static int room_run(struct room *room, const struct settings_job *settings)
{
	struct job *job = room->job;
	pthread_t thread;

	job->handler = registry_find(room->registry, job->type)->handler;
	job->timeout = settings->timeout;
	job->kill_grace = 5 * USEC_PER_SEC;
	int r = pthread_create(&thread, NULL, room_thread, room);
	if (r != 0)
		return ctl_fail(EXIT_FAILURE, "no thread: %s", strerror(r));
	r = sd_event_loop(room->event);
	pthread_join(thread, NULL);
	return r < 0 ? ctl_fail(EXIT_FAILURE, "%s", strerror(-r)) : EXIT_SUCCESS;
}

int here_run(const struct here *here, struct job *job)
{
	const struct log_options log = {
		.format = LOG_FORMAT_TEXT, .level = LOG_INFO, .identifier = "nexusctl"};
	const struct settings_job *settings = settings_job_for(here->settings, job->type);
	struct room room = {.here = here, .job = job, .wake_fd = -1, .done_fd = -1};
	_cleanup_strbuf_ struct strbuf problems = STRBUF_INIT;
	char text[USER_TEXT_MAX];
	int status;

	log_open(&log);
	daemon_block_signals();
	if (user_become(here->user, text) < 0)
		return ctl_fail(EXIT_FAILURE, "%s", text);
	int r = room_build(&room, settings, &problems);
	fputs(strbuf_str(&problems), stderr);
	if (r == 0)
		status = room_run(&room, settings);
	else
		status = r == -EINVAL ? EX_CONFIG : ctl_fail(EXIT_FAILURE, "%s", strerror(-r));
	room_tear_down(&room);
	log_close();
	return status;
}

/* ---- How it ended ---- */

int here_status(const struct job *job)
{
	return job->outcome == JOB_COMPLETED ? EXIT_SUCCESS : EXIT_FAILURE;
}

static usec_t took(const struct job *job)
{
	return usec_sub(atomic_load(&job->ran_at), atomic_load(&job->started_at));
}

void here_print(const struct job *job)
{
	usec_t run = took(job);
	char time[CLOCK_DURATION_MAX];

	printf("%s in %s", job_outcome_name(job->outcome),
		clock_format_duration(run - run % USEC_PER_MSEC, time));
	if (job->peak_memory > 0)
		printf(", peak memory %.1f MiB", (double)job->peak_memory / (1024.0 * 1024.0));
	if (job->cpu_time > 0)
		printf(", CPU %s",
			clock_format_duration(job->cpu_time - job->cpu_time % USEC_PER_MSEC, time));
	fputs(job->error ? ": " : "", stdout);
	ctl_put_line(stdout, job->error ? job->error : "");
}

json_t *here_json(const struct job *job)
{
	return json_pack("{s:s, s:s, s:i, s:s, s:s?, s:b, s:f, s:I, s:I}", "job_id", job->id,
		"type", job->type, "attempt", job->attempt, "outcome",
		job_outcome_name(job->outcome), "error", job->error, "for_good", job->for_good,
		"run_ms", (double)took(job) / USEC_PER_MSEC, "peak_memory_bytes",
		(json_int_t)job->peak_memory, "cpu_usec", (json_int_t)job->cpu_time);
}

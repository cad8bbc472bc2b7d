#include "work/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/loop.h"
#include "work/event.h"

#define NUMBER_MAX 24
#define RETRY_MAX  (CLOCK_DURATION_MAX + 16)

struct report {
	unsigned rate;
	unsigned max_receives; /* 0: any number */
	unsigned n_said;       /* completed lines in this second */
	unsigned n_unsaid;
	usec_t second_at; /* CLOCK_MONOTONIC: when this second began */
	sd_event_source *timer;
	uint64_t n[JOB_N_OUTCOMES];
};

void report_flush(struct report *report)
{
	if (report->n_unsaid > 0)
		log_info("%u more jobs completed in the last second", report->n_unsaid);
	report->n_unsaid = report->n_said = 0;
	report->second_at = clock_monotonic();
}

static int report_on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	report_flush(userdata);
	return 0;
}

int report_new(sd_event *event, unsigned completed_per_second, struct report **ret)
{
	_cleanup_(report_freep) struct report *report = calloc(1, sizeof *report);

	if (!report)
		return -ENOMEM;
	report->rate = completed_per_second;
	int r = loop_add_timer(
		event, CLOCK_MONOTONIC, "report", report_on_timer, report, &report->timer);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(report);
	return 0;
}

struct report *report_free(struct report *report)
{
	if (!report)
		return NULL;
	report_flush(report);
	sd_event_source_disable_unref(report->timer);
	free(report);
	return NULL;
}

void report_set_rate(struct report *report, unsigned completed_per_second)
{
	report->rate = completed_per_second;
}

void report_set_max_receives(struct report *report, unsigned max_receives)
{
	report->max_receives = max_receives;
}

/* Whether a completed job's line is within the rate; if not it is counted for the summary. */
static bool report_within_rate(struct report *report)
{
	usec_t now = clock_monotonic();

	if (now - report->second_at >= USEC_PER_SEC)
		report_flush(report);
	if (report->n_said < report->rate) {
		report->n_said++;
		return true;
	}
	if (report->n_unsaid++ == 0)
		loop_set_timer(report->timer, report->second_at + USEC_PER_SEC);
	return false;
}

static int report_priority(enum job_outcome outcome)
{
	switch (outcome) {
	case JOB_COMPLETED:
	case JOB_DUPLICATE:
		return LOG_INFO;
	case JOB_ABANDONED:
	case JOB_ELSEWHERE:
		return LOG_NOTICE;
	case JOB_FAILED:
	case JOB_TIMEOUT:
	case JOB_MISSING:
	case JOB_REJECTED:
	case JOB_LOST:
		break;
	}
	return LOG_WARNING;
}

/* Of what went as it should nothing has to be explained. */
static enum event report_event(enum job_outcome outcome)
{
	static const enum event events[JOB_N_OUTCOMES] = {
		[JOB_FAILED] = EVENT_JOB_FAILED,
		[JOB_TIMEOUT] = EVENT_JOB_TIMEOUT,
		[JOB_MISSING] = EVENT_JOB_MISSING,
		[JOB_REJECTED] = EVENT_JOB_REJECTED,
		[JOB_LOST] = EVENT_JOB_LOST,
		[JOB_ABANDONED] = EVENT_JOB_ABANDONED,
	};

	return events[outcome];
}

/* Why, for a line of text: the error column's, or what is known of rows that have none. */
const char *report_reason(const struct job *job)
{
	switch (job->outcome) {
	case JOB_MISSING:
		return "its row was not found";
	case JOB_REJECTED:
		return "its row is of another type";
	case JOB_LOST:
		return "its row or its message is another's by now; nothing was written";
	case JOB_FAILED:
	case JOB_TIMEOUT:
	case JOB_ABANDONED:
		return job->error;
	case JOB_COMPLETED:
	case JOB_DUPLICATE:
	case JOB_ELSEWHERE:
		break;
	}
	return NULL;
}

/* " retry_in=5s", or nothing. */
static const char *report_retry(const struct job *job, char buffer[RETRY_MAX])
{
	char pause[CLOCK_DURATION_MAX];
	bool again = job->outcome == JOB_FAILED || job->outcome == JOB_TIMEOUT;

	buffer[0] = '\0';
	if (again && job->retry_in > 0)
		snprintf(buffer, RETRY_MAX, " retry_in=%s",
			clock_format_duration(job->retry_in, pause));
	return buffer;
}

static const char *report_dead_letter(bool buried)
{
	return buried ? " dead_letter=send" : "";
}

struct report_numbers {
	char attempt[NUMBER_MAX], receive[NUMBER_MAX], wait[NUMBER_MAX], run[NUMBER_MAX];
};

/* How long it took until its handler began, and from then on. */
struct report_times {
	usec_t wait, run;
	bool ran;
};

static struct report_times report_measure(const struct hold *hold)
{
	usec_t ran_at = atomic_load(&hold->job.ran_at);
	usec_t started_at = atomic_load(&hold->job.started_at);
	usec_t waited_until = ran_at ? started_at : clock_boottime();

	return (struct report_times){
		.wait = usec_sub(waited_until, hold_received_at(hold)),
		.run = usec_sub(ran_at, started_at),
		.ran = ran_at > 0,
	};
}

static void report_write(const struct hold *hold, const struct report_times *times)
{
	const struct job *job = &hold->job;
	const struct delivery *delivery = TAILQ_FIRST(&hold->deliveries);
	const char *reason = report_reason(job);
	char retry[RETRY_MAX];
	struct report_numbers n;

	snprintf(n.attempt, sizeof n.attempt, "%d", job->attempt);
	snprintf(n.receive, sizeof n.receive, "%u", hold_receive_count(hold));
	snprintf(n.wait, sizeof n.wait, "%" PRIu64, times->wait);
	snprintf(n.run, sizeof n.run, "%" PRIu64, times->run);
	const struct log_field fields[] = {
		{"NEXUS_JOB_ID", job->id},
		{"NEXUS_JOB_TYPE", job->type},
		{"NEXUS_ATTEMPT", n.attempt},
		{"NEXUS_OUTCOME", job_outcome_name(job->outcome)},
		{"NEXUS_MESSAGE_ID", delivery ? delivery->message_id : NULL},
		{"NEXUS_RECEIVE_COUNT", n.receive},
		{"NEXUS_WAIT_USEC", n.wait},
		{"NEXUS_RUN_USEC", n.run},
		{"MESSAGE_ID", event_id(report_event(job->outcome))},
	};
	log_event(report_priority(job->outcome), fields, sizeof fields / sizeof fields[0],
		"job=%s type=%s attempt=%s receive=%s outcome=%s wait=%" PRIu64 "ms run=%" PRIu64
		"ms%s%s%s%s",
		job->id, job->type, n.attempt, n.receive, job_outcome_name(job->outcome),
		times->wait / USEC_PER_MSEC, times->run / USEC_PER_MSEC, report_retry(job, retry),
		report_dead_letter(hold->buried), reason ? " reason=" : "", reason ? reason : "");
}

/* What is not deleted after its last receive the queue itself moves, at the next. */
static bool report_dies(const struct report *report, bool buried, unsigned n_receives)
{
	return buried || (report->max_receives > 0 && n_receives >= report->max_receives);
}

void report_job(struct report *report, const struct hold *hold)
{
	const struct report_times times = report_measure(hold);
	enum job_outcome outcome = hold->job.outcome;
	bool goes = outcome == JOB_COMPLETED || outcome == JOB_DUPLICATE;

	report->n[outcome]++;
	tally_add(&hold->type->tally, outcome, times.wait, times.run, times.ran);
	if (!goes && report_dies(report, hold->buried, hold_receive_count(hold)))
		hold->type->tally.n_dead_letters++;
	if (outcome != JOB_COMPLETED || report_within_rate(report))
		report_write(hold, &times);
}

void report_rejected(struct report *report, const struct sqs_message *message,
	struct registry_entry *others, bool buried, const char *reason)
{
	char receive[NUMBER_MAX];

	snprintf(receive, sizeof receive, "%u", message->receive_count);
	const struct log_field fields[] = {
		{"NEXUS_OUTCOME", job_outcome_name(JOB_REJECTED)},
		{"NEXUS_MESSAGE_ID", message->message_id},
		{"NEXUS_RECEIVE_COUNT", receive},
		{"MESSAGE_ID", event_id(EVENT_JOB_REJECTED)},
	};
	report->n[JOB_REJECTED]++;
	others->tally.n[JOB_REJECTED]++;
	others->tally.n_dead_letters += report_dies(report, buried, message->receive_count);
	log_event(LOG_WARNING, fields, sizeof fields / sizeof fields[0],
		"message=%s receive=%s outcome=rejected%s reason=%s", message->message_id, receive,
		report_dead_letter(buried), reason);
}

uint64_t report_n(const struct report *report, enum job_outcome outcome)
{
	return report->n[outcome];
}

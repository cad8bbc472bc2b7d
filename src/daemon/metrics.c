#include "daemon/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "aws/sqs_action.h"
#include "base/exposition.h"
#include "daemon/process_metrics.h"
#include "work/ledger.h"

static double seconds(usec_t time)
{
	return (double)time / (double)USEC_PER_SEC;
}

static const char *type_label(const struct registry_entry *entry)
{
	return strcmp(entry->type, "*") == 0 ? "other" : entry->type;
}

/* ---- Jobs ---- */

static void write_outcomes(const struct registry *registry, struct strbuf *out)
{
	const struct registry_entry *entry;

	exposition_family(
		out, "nexus_jobs_total", "counter", "Jobs that ended here, by how they ended.");
	for (size_t i = 0; (entry = registry_at(registry, i)); i++)
		for (enum job_outcome o = 0; o < JOB_N_OUTCOMES; o++) {
			/* It ends where it is done. */
			if (o == JOB_ELSEWHERE)
				continue;
			const struct exposition_label labels[] = {
				{"type", type_label(entry)}, {"outcome", job_outcome_name(o)}};
			exposition_sample(
				out, "nexus_jobs_total", labels, 2, (double)entry->tally.n[o]);
		}
}

static void write_dead_letters(const struct registry *registry, struct strbuf *out)
{
	const struct registry_entry *entry;

	exposition_family(out, "nexus_dead_letters_total", "counter",
		"Jobs that ended so that their message goes to the dead letter queue.");
	for (size_t i = 0; (entry = registry_at(registry, i)); i++)
		exposition_sample(out, "nexus_dead_letters_total",
			&(struct exposition_label){"type", type_label(entry)}, 1,
			(double)entry->tally.n_dead_letters);
}

static void write_times(const struct registry *registry, struct strbuf *out)
{
	const struct registry_entry *entry;

	exposition_family(out, "nexus_job_run_seconds", "histogram", "How long handlers ran.");
	for (size_t i = 0; (entry = registry_at(registry, i)); i++)
		exposition_histogram(out, "nexus_job_run_seconds",
			&(struct exposition_label){"type", type_label(entry)}, &entry->tally.run,
			&tally_bounds, (double)USEC_PER_SEC);
	exposition_family(out, "nexus_job_wait_seconds", "histogram",
		"How long jobs were in hand before their handler began.");
	for (size_t i = 0; (entry = registry_at(registry, i)); i++)
		exposition_histogram(out, "nexus_job_wait_seconds",
			&(struct exposition_label){"type", type_label(entry)}, &entry->tally.wait,
			&tally_bounds, (double)USEC_PER_SEC);
}

static void write_slots(const struct dispatcher_status *status, struct strbuf *out)
{
	const struct {
		const char *state;
		unsigned n;
	} slots[] = {
		{"busy", status->n_busy},
		{"idle", status->n_threads - (status->n_busy < status->n_threads
							     ? status->n_busy
							     : status->n_threads)},
		{"overdue", status->n_overdue},
	};

	exposition_family(out, "nexus_jobs_in_flight", "gauge", "Jobs in hand.");
	exposition_sample(out, "nexus_jobs_in_flight", NULL, 0, status->n_in_hand);
	exposition_family(out, "nexus_slots", "gauge",
		"Worker threads; overdue are those whose handler does not return.");
	for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++)
		exposition_sample(out, "nexus_slots",
			&(struct exposition_label){"state", slots[i].state}, 1, slots[i].n);
}

/* ---- What is outside ---- */

static void write_sqs(
	const struct sqs *sqs, const struct dispatcher_status *status, struct strbuf *out)
{
	exposition_family(
		out, "nexus_sqs_requests_total", "counter", "Requests to SQS, by how they ended.");
	for (enum sqs_action a = 0; a < SQS_N_CONSUMER_ACTIONS; a++)
		for (enum sqs_result r = 0; r < SQS_N_RESULTS; r++) {
			const struct exposition_label labels[] = {
				{"action", sqs_action_names(a)->name},
				{"result", sqs_result_name(r)}};
			exposition_sample(out, "nexus_sqs_requests_total", labels, 2,
				(double)sqs_n_ended(sqs, a, r));
		}
	exposition_family(out, "nexus_sqs_seconds_since_receive", "gauge",
		"Since the queue last answered a request for messages as it should.");
	exposition_sample(out, "nexus_sqs_seconds_since_receive", NULL, 0,
		seconds(usec_sub(clock_monotonic(), status->answered_at)));
}

static void write_database(const struct dispatcher *dispatcher,
	const struct dispatcher_status *status, struct strbuf *out)
{
	exposition_family(out, "nexus_database_up", "gauge", "Whether the database answers.");
	exposition_sample(out, "nexus_database_up", NULL, 0, status->database_up);
	exposition_family(out, "nexus_ledger_batch_size", "histogram",
		"Rows that each transaction was about.");
	exposition_histogram(out, "nexus_ledger_batch_size", NULL, dispatcher_batches(dispatcher),
		&ledger_batch_bounds, 1);
}

/* 0: there are none, or not any more. By AWS' clock, which is the one that ends them. */
static double credentials_left(struct identity *identity)
{
	const struct credentials *c = credential_store_current(identity_credentials(identity));
	usec_t now = skew_now(identity_skew(identity));

	if (!c)
		return 0;
	return c->expires_at == USEC_INFINITY ? (double)INFINITY
					      : seconds(usec_sub(c->expires_at, now));
}

static void write_self(struct identity *identity, struct strbuf *out)
{
	exposition_family(out, "nexus_credentials_expiry_seconds", "gauge",
		"Until the AWS credentials expire; +Inf where they do not.");
	exposition_sample(
		out, "nexus_credentials_expiry_seconds", NULL, 0, credentials_left(identity));
	exposition_family(out, "nexus_build_info", "gauge", "Which version this is.");
	exposition_sample(out, "nexus_build_info",
		&(struct exposition_label){"version", NEXUS_VERSION}, 1, 1);
}

void metrics_write(const struct metrics_sources *sources, struct strbuf *out)
{
	struct dispatcher_status status;

	dispatcher_status(sources->dispatcher, &status);
	write_outcomes(sources->registry, out);
	write_dead_letters(sources->registry, out);
	write_times(sources->registry, out);
	write_slots(&status, out);
	write_sqs(sources->sqs, &status, out);
	write_database(sources->dispatcher, &status, out);
	write_self(sources->identity, out);
	process_metrics_write(out);
}

/*
 * What the dispatcher consists of. For work/dispatcher, which decides, and work/dispatcher_build,
 * which puts it together and takes it apart; nobody else includes it.
 */
#pragma once

#include "work/acker.h"
#include "work/admission.h"
#include "work/burial.h"
#include "work/credits.h"
#include "work/delivery.h"
#include "work/departure.h"
#include "work/dispatcher.h"
#include "work/intake.h"
#include "work/ledger.h"
#include "work/overdue.h"
#include "work/pool.h"
#include "work/report.h"
#include "work/stop.h"
#include "work/waiting.h"

struct dispatcher {
	sd_event *event;
	struct registry *registry;
	struct dispatcher_events events;
	struct dispatcher_limits limits;
	unsigned concurrency;
	struct lease_terms terms; /* visibility 0: not known yet */
	bool terms_asked;         /* V is asked for in each receive */

	struct intake *intake;
	struct ledger *ledger;
	struct pool *pool;
	struct lease *lease;
	struct acker *acker;
	struct burial *burial;
	struct report *report;
	struct delivery_index index;
	struct admission admission;
	struct waiting waiting;
	struct departure departure;
	struct overdue overdue;
	struct stop stop;
	struct queue back; /* jobs that come back from the ledger */
	sd_event_source *back_source;

	bool database_up;
	char database_text[STORE_ERROR_MAX];
	struct credits credits;
	uint64_t n_touches_seen;
	/* All that ever were: given to the ledger, and come back from it with or without a run. */
	uint64_t n_sent, n_back_run, n_back_unrun;
};

/* What may be done now: the end of every event. */
void dispatcher_pump(struct dispatcher *dispatcher);

/* From intake, the lease, and the ledger. */
void dispatcher_on_received(void *userdata, const struct sqs_answer *answer,
	const struct sqs_message *messages, size_t n_messages);
void dispatcher_on_denied(void *userdata, const char *text);
int dispatcher_on_back(sd_event_source *source, int fd, uint32_t revents, void *userdata);

/*
 * The life of one call of sqs, from its start to its callback: signing, sending, the second try,
 * waiting for credentials. For sqs.c, which writes the bodies; what is promised stands in sqs.h.
 *
 * A call is in one list at any time, or in none while it is in somebody's hands. Loop thread only.
 */
#pragma once

#include <sys/queue.h>
#include <systemd/sd-event.h>

#include "aws/endpoint.h"
#include "aws/signer.h"
#include "aws/sqs_answer.h"
#include "base/strbuf.h"

struct sqs_call;
TAILQ_HEAD(call_list, sqs_call);

struct sqs_call {
	TAILQ_ENTRY(sqs_call) link;
	struct call_list *in; /* one of sqs's; NULL: in none */
	struct sqs *sqs;
	struct http_call *http; /* NULL: not out */
	/* What it was signed with last, held so that it can be compared with what is current. */
	struct credentials *credentials;
	int64_t skew_usec;
	unsigned n_sent;
	/* CLOCK_MONOTONIC: its end, when it is sent again at the latest, and its wait's end. */
	usec_t deadline;
	usec_t send_by;
	usec_t wait_until;
	size_t max_answer;
	struct strbuf body;
	char *other_url; /* owned; NULL: it is about the consumer's own queue */
	struct sqs_answer_goal goal;
	/* How its first request went; SQS_OK: none was sent. */
	struct sqs_fault fault;
	usec_t sent_at;
	usec_t first_byte_at;
};

struct sqs {
	struct http *http;
	struct credential_store *credentials;
	struct credential_watcher watcher;
	struct skew *skew;
	struct signer *signer; /* NULL: the region is not known */
	char region_complaint[SQS_FAULT_TEXT_MAX];
	EVP_MD *md5; /* NULL: the library refuses it */
	struct endpoint endpoint;
	char *queue_url;
	const char *queue;        /* its name, within queue_url */
	char *queue_arn;          /* NULL: the region is not known */
	struct call_list out;     /* their requests are */
	struct call_list waiting; /* for the end of a search for credentials */
	struct call_list due;     /* to be sent, or else ended, in the next turn */
	struct call_list idle;
	uint64_t n_ended[SQS_N_ACTIONS][SQS_N_RESULTS];
	sd_event_source *on_due;
	sd_event_source *on_patience; /* when the first one has waited for long enough */
};

/* Makes the lists' event sources, which are off. The rest of sqs is set. 0 or a negative errno. */
int sqs_call_init(struct sqs *sqs);
/* Cancels and frees all calls; also after a failed or missing init. */
void sqs_call_done(struct sqs *sqs);

/* A call whose body can be written; in no list. other_url: copied. 0 or -ENOMEM. */
int sqs_call_get(
	struct sqs *sqs, enum sqs_action action, const char *other_url, struct sqs_call **ret);
/*
 * Starts the call, whose body and goal are written; on failure it is gone. The service may hold it
 * for wait; margin: for all the rest.
 */
int sqs_call_start(struct sqs_call *call, usec_t wait, usec_t margin, size_t max_answer,
	struct sqs_call **ret_call);
void sqs_call_cancel(struct sqs_call *call);

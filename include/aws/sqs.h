/*
 * An SQS queue as a consumer sees it, and what its operators ask for, on the loop. AWS JSON 1.0,
 * service version 2012-11-05.
 *
 * Owns: the requests that are out. What a failure means differs from action to action and is
 * decided by who asked: nothing is retried inside, but for what a request was signed with. One that
 * AWS refused because of its credentials or its time (SQS_BAD_TOKEN, SQS_BAD_SIGNATURE) is sent
 * once more if others are there, or come soon, or the clock's correction has changed; and one for
 * which there are no credentials yet waits for a search that is under way. All of that is within
 * the time that the call has anyway, and late in it a call ends as it is.
 *
 * Every call ends in exactly one callback, from the loop and never from inside the function that
 * started it; after sqs_cancel() none comes. Loop thread only; never blocks.
 *
 * What an answer's texts point to is borrowed until the callback returns.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/credential_store.h"
#include "aws/sqs_action.h"
#include "base/clock.h"
#include "net/http.h"

/* How a request went, by the service's error code and only then by its HTTP status. */
enum sqs_result {
	SQS_OK,
	SQS_UNREACHABLE,    /* no answer: name, connection, TLS, deadline */
	SQS_THROTTLED,      /* slow down, then again */
	SQS_UNAVAILABLE,    /* 5xx, or the service says that it failed: again */
	SQS_NO_CREDENTIALS, /* nothing to sign with, or no region for it; nothing was sent */
	SQS_BAD_SIGNATURE,  /* secret, region or clock wrong */
	SQS_BAD_TOKEN,      /* key unknown, or token expired: refresh, then again */
	SQS_DENIED,         /* no permission for this action */
	SQS_NO_KEY,         /* the KMS key that encrypts the messages cannot be used */
	SQS_NO_QUEUE,       /* the queue is not there */
	SQS_STALE,          /* this receipt handle has no effect any more, or never had */
	SQS_REFUSED,        /* any other error with a code */
	SQS_GARBLED,        /* an answer that is not what SQS answers */
};
#define SQS_N_RESULTS (SQS_GARBLED + 1)

struct sqs_answer {
	enum sqs_result result;
	/* One line for the log: what went wrong and what to do; "" for SQS_OK. The same for the
	 * same fault, never with a receipt handle, a body or a secret in it.
	 */
	const char *text;
	/* The service's error code, or "". */
	const char *code;
	/* CLOCK_BOOTTIME: when the request (the last one, if it was sent again) began to be sent
	 * (0: it never did), and when the answer's first byte came (0: none did).
	 */
	usec_t sent_at;
	usec_t first_byte_at;
	/* To sqs_ask() only: AWS's clock minus ours, where the answer has the time. */
	bool knows_clock;
	int64_t clock_usec;
};

#define SQS_SYSTEM_ATTRIBUTES_MAX  16 /* kept; SQS knows ten */
#define SQS_MESSAGE_ATTRIBUTES_MAX 10 /* as SQS takes them */

/* A system attribute. */
struct sqs_attribute {
	const char *name;
	const char *value;
};

struct sqs_message_attribute {
	const char *name;
	const char *data_type;
	const char *string_value; /* NULL: none */
	const char *binary_value; /* base64; NULL: none */
};

/* What a receive brings only when it is asked to. */
struct sqs_details {
	const char *md5_of_attributes; /* NULL: there are no message attributes */
	struct sqs_attribute attributes[SQS_SYSTEM_ATTRIBUTES_MAX];
	size_t n_attributes;
	struct sqs_message_attribute message_attributes[SQS_MESSAGE_ATTRIBUTES_MAX];
	size_t n_message_attributes;
};

struct sqs_message {
	const char *message_id;
	const char *receipt_handle;
	const char *body;
	size_t body_len;
	const char *md5_of_body; /* NULL: not said */
	unsigned receive_count;
	usec_t sent_at;                    /* CLOCK_REALTIME, by the service's clock; 0 unknown */
	const struct sqs_details *details; /* NULL: not asked for */
};

/* One entry of a batch, in the order in which they were given. */
struct sqs_entry_answer {
	enum sqs_result result;
	const char *text;
};

struct sqs_queue_attributes {
	usec_t visibility_timeout;
	usec_t retention; /* 0: not said */
	bool fifo;
	const char *dead_letter_arn; /* NULL: no redrive policy */
	unsigned max_receive_count;
};

struct sqs;
struct sqs_call;

struct sqs_options {
	const char *queue_url; /* sent verbatim */
	const char *endpoint;  /* scheme://host[:port]; requests go to its "/" */
	const char *region;    /* what signatures are for; "": to be set later */
	bool plain;            /* the endpoint may be http:// on any host */
};

/* Messages, entries, attributes and ids come with SQS_OK only; otherwise there are none, or NULL.
 */

typedef void sqs_receive_fn(void *userdata, const struct sqs_answer *answer,
	const struct sqs_message *messages, size_t n_messages);
typedef void sqs_batch_fn(void *userdata, const struct sqs_answer *answer,
	const struct sqs_entry_answer *entries, size_t n_entries);
typedef void sqs_attributes_fn(void *userdata, const struct sqs_answer *answer,
	const struct sqs_queue_attributes *attributes);
/* message_id: what the new message has been given. */
typedef void sqs_sent_fn(void *userdata, const struct sqs_answer *answer, const char *message_id);
/* body: what SQS answered, in AWS JSON, unread. */
typedef void sqs_asked_fn(
	void *userdata, const struct sqs_answer *answer, const char *body, size_t body_len);

/*
 * Borrows http, credentials and skew for its life; copies the options. 0 or a negative errno; for
 * the endpoint those of http_check_url().
 *
 * When AWS does not accept what a request was signed with, or there is nothing to sign with, the
 * store is told so: a key that was renewed on disk is there for the next try. A clock that is
 * minutes off is corrected in signatures, after the first answer that refuses one.
 */
int sqs_new(struct http *http, struct credential_store *credentials, struct skew *skew,
	const struct sqs_options *options, struct sqs **ret);
/* What signatures are for from now on, "" excepted. 0, -ENOMEM or sigv4_new()'s. */
int sqs_set_region(struct sqs *sqs, const char *region);
/* Why no region is known yet: stands in the texts of calls that end for want of one. Copies. */
void sqs_set_region_complaint(struct sqs *sqs, const char *text);

/* The consumer's queue, by its URL and the region; without a region its ARN is "". */
struct sqs_queue {
	const char *name;
	const char *arn;
	const char *region;
};
/* Borrowed, until the region is set again. */
void sqs_get_queue(const struct sqs *sqs, struct sqs_queue *ret);

/* Cancels what is out. Not from inside a callback. Returns NULL. */
struct sqs *sqs_free(struct sqs *sqs);
DEFINE_CLEANUP(struct sqs *, sqs_free)

#define SQS_BATCH_MAX 10

struct sqs_receive {
	unsigned max_messages;     /* 1 .. SQS_BATCH_MAX */
	usec_t wait;               /* whole seconds, at most 20 */
	usec_t visibility_timeout; /* 0: the queue's own */
	bool details;
};

/* One message, and when it is to be visible again. */
struct sqs_visibility {
	const char *handle;
	usec_t timeout; /* whole seconds, from now; 0: visible at once */
};

struct sqs_delete {
	const char *const *handles;
	size_t n_handles;
	usec_t patience; /* for the answer, at most 10 s; 0: those */
};

struct sqs_change {
	const struct sqs_visibility *entries;
	size_t n_entries;
	usec_t patience; /* for the answer, at most 10 s; 0: those */
};

/* What SQS takes of a message: body and attributes together. */
#define SQS_MESSAGE_BYTES_MAX ((size_t)1 << 20)

struct sqs_send {
	const char *queue_url; /* another queue's, at the same endpoint */
	const char *body;
	size_t body_len;
	const struct sqs_message_attribute *attributes;
	size_t n_attributes; /* at most SQS_MESSAGE_ATTRIBUTES_MAX */
};

struct sqs_ask {
	enum sqs_action action; /* one of the operators' */
	const char *queue;      /* the URL, ARN or name of the queue that it is about */
	const char *body;       /* in AWS JSON */
};

/*
 * Each starts one call. ret_call may be NULL. What is given is borrowed during the call only. 0 or
 * a negative errno, and then no callback comes. A message whose MD5OfBody does not fit its body
 * makes the whole answer SQS_GARBLED. A receive has its wait and 8 s, any other 10 s.
 */
int sqs_receive(struct sqs *sqs, const struct sqs_receive *what, sqs_receive_fn *done,
	void *userdata, struct sqs_call **ret_call);
int sqs_delete(struct sqs *sqs, const struct sqs_delete *what, sqs_batch_fn *done, void *userdata,
	struct sqs_call **ret_call);
int sqs_change_visibility(struct sqs *sqs, const struct sqs_change *what, sqs_batch_fn *done,
	void *userdata, struct sqs_call **ret_call);
/* queue_url: another queue's, at the same endpoint; NULL: the consumer's own. */
int sqs_get_attributes(struct sqs *sqs, const char *queue_url, sqs_attributes_fn *done,
	void *userdata, struct sqs_call **ret_call);
/* One whose answer was lost may have been carried out all the same. */
int sqs_send(struct sqs *sqs, const struct sqs_send *what, sqs_sent_fn *done, void *userdata,
	struct sqs_call **ret_call);
int sqs_ask(struct sqs *sqs, const struct sqs_ask *what, sqs_asked_fn *done, void *userdata,
	struct sqs_call **ret_call);

/* No callback comes any more; the connection is closed if the request is out. Not from inside the
 * call's own callback, after which it is gone.
 */
void sqs_cancel(struct sqs_call *call);

/* How many calls of the action ended so. */
uint64_t sqs_n_ended(const struct sqs *sqs, enum sqs_action action, enum sqs_result result);

/* "ok", "unreachable" …: fit for a metric's label. */
const char *sqs_result_name(enum sqs_result result);

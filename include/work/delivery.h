/*
 * What the loop has in hand: the messages that were received, and the jobs that they are for.
 *
 * A delivery is one message: its receipt handle, and when its visibility ends. It never leaves the
 * loop thread. A hold is one job and all its deliveries: the same message received again replaces
 * its handle, another message for the same job is one more delivery. The job inside travels to
 * the other threads and comes back; its memory stays here.
 *
 * Owns: both, and the indexes by message and by job id. A delivery is counted: the index has one
 * share, and so has every request in which it takes part, which may outlive the hold. Moments are
 * CLOCK_BOOTTIME. Loop thread only.
 */
#pragma once

#include <stdbool.h>
#include <sys/queue.h>
#include <systemd/sd-event.h>

#include "aws/sqs.h"
#include "base/table.h"
#include "handler/registry.h"
#include "job/job.h"
#include "job/message.h"

/* SQS' ceiling of 12 hours since the receive, less the seconds that it is known to be short. */
#define DELIVERY_HIDDEN_MAX (43195 * USEC_PER_SEC)

struct hold;
struct waiting;

struct delivery {
	unsigned n_refs;
	struct hold *hold; /* NULL once its job is settled, or when there is none */
	char *message_id;  /* owned, as the handle */
	char *receipt_handle;
	unsigned receive_count;
	usec_t received_at;
	usec_t extended_at; /* when the visibility that it has now was asked for */
	usec_t visible_at;  /* when that ends */
	usec_t again_at;    /* given back: when it is to be visible; 0: at once */

	struct table_entry by_message;
	TAILQ_ENTRY(delivery) of_hold;
	TAILQ_ENTRY(delivery) by_age;    /* work/lease's */
	TAILQ_ENTRY(delivery) in_outbox; /* work/outbox's */
	bool aged;                       /* is in the list by age */
	bool extending;                  /* an extension is waiting or out */
	bool refused;                    /* SQS will not extend it, or did not in time */
	bool waiting;                    /* is in an outbox's list */
};
TAILQ_HEAD(delivery_list, delivery);

enum hold_state {
	HOLD_READY,  /* may be begun */
	HOLD_PARKED, /* its type has as many running as it may */
	HOLD_AWAY,   /* ledger, pool or worker have the job */
	HOLD_LATER,  /* elsewhere, or its row is missing: asks again when its timer ends */
};

struct hold {
	struct job job;
	size_t body_bytes; /* with the envelope's */
	bool has_details;  /* the envelope has all attributes of the first message */
	bool buried;       /* that one goes to the dead letter queue */
	enum hold_state state;
	struct registry_entry *type;
	bool has_place; /* is counted among its type's begun */
	struct delivery_list deliveries;
	TAILQ_ENTRY(hold) link; /* among those of the same state */
	struct table_entry by_job;
	sd_event_source *timer;  /* owned; of HOLD_LATER */
	struct waiting *waiting; /* borrowed: for its timer */
	unsigned n_looks;        /* for a missing row */
	bool stands_in;          /* its job was never begun: it ends that of one given up */
	usec_t given_up_at;      /* CLOCK_BOOTTIME: work/overdue's; 0: it was not */
	usec_t said_at;          /* and when that was last said */
};
TAILQ_HEAD(hold_list, hold);

struct delivery_index {
	struct table by_message;
	struct table by_job;
	struct hold_list states[HOLD_LATER + 1];
	unsigned n_in_state[HOLD_LATER + 1];
	size_t body_bytes;
};

int delivery_index_init(struct delivery_index *index);
/* Frees every hold and delivery; no other thread may have a job any more. */
void delivery_index_done(struct delivery_index *index);

struct delivery *delivery_find(const struct delivery_index *index, const char *message_id);
struct hold *delivery_find_hold(const struct delivery_index *index, const char *job_id);

/* The message came again: its newer handle and visibility replace the old. 0 or -ENOMEM. */
int delivery_renew(struct delivery *delivery, const struct sqs_message *message, usec_t received_at,
	usec_t visibility);

/* Its visibility, asked for then, is granted. */
void delivery_extended(struct delivery *delivery, usec_t sent_at, usec_t visibility);

/* One that is in no hold, and in no index. NULL without memory. */
struct delivery *delivery_new(
	const struct sqs_message *message, usec_t received_at, usec_t visibility);

/* A first delivery, and with it a hold in HOLD_READY. NULL without memory. */
struct hold *delivery_admit(struct delivery_index *index, const struct sqs_message *message,
	const struct message *parsed, usec_t received_at, usec_t visibility);
/*
 * Gives the hold's job its envelope. message: that it came with; NULL: that is gone, and the
 * envelope holds what its delivery knows. 0 or -ENOMEM.
 */
int delivery_wrap(struct delivery_index *index, struct hold *hold,
	const struct sqs_message *message, const struct sqs_queue *queue);
/* The envelope of a message that is in no hold. 0 or -ENOMEM. */
int delivery_envelop(
	const struct sqs_message *message, const struct sqs_queue *queue, struct envelope **ret);
/* One more delivery of a job in hand. NULL without memory. */
struct delivery *delivery_join(struct delivery_index *index, struct hold *hold,
	const struct sqs_message *message, usec_t received_at, usec_t visibility);

/* The one function that moves a hold from state to state. */
void delivery_move(struct delivery_index *index, struct hold *hold, enum hold_state state);

/*
 * A hold for the same job that is to take the place of one whose handler does not return; not in
 * the index yet. Its job has the other's names and nothing of what belongs to the handler. NULL
 * without memory.
 */
struct hold *delivery_stand_in(const struct hold *hold);
/* Deliveries and state become the stand-in's; the other hold is in no list and no index any more.
 */
void delivery_replace(struct delivery_index *index, struct hold *hold, struct hold *stand_in);
/* Of a hold in no index; its job must be here. Returns NULL. */
struct hold *delivery_free_hold(struct hold *hold);

/* Takes a delivery out of its hold and the index; the index's share becomes the caller's. */
void delivery_detach(struct delivery_index *index, struct delivery *delivery);
/* Its deliveries must be detached, and its job here. */
void delivery_drop_hold(struct delivery_index *index, struct hold *hold);

struct delivery *delivery_ref(struct delivery *delivery);
struct delivery *delivery_unref(struct delivery *delivery);

unsigned delivery_n_holds(const struct delivery_index *index);
unsigned delivery_n_messages(const struct delivery_index *index);

static inline struct hold *hold_of_job(struct job *job)
{
	return container_of(job, struct hold, job);
}

static inline bool hold_is_begun(const struct hold *hold)
{
	return hold->state == HOLD_AWAY && atomic_load(&hold->job.touched_at) > 0;
}

/* Its row's lease can be proven by the time of its last touch. */
static inline bool hold_row_is_held(const struct hold *hold)
{
	return hold_is_begun(hold) && atomic_load(&hold->job.touched_at) != JOB_UNHELD;
}

/* Its handler has returned; only the row's end is still to be written. */
static inline bool hold_has_run(const struct hold *hold)
{
	return atomic_load(&hold->job.ran_at) > 0;
}

/* When the last of its visibilities ends. */
usec_t hold_visible_at(const struct hold *hold);
/* The most receives that any of its messages has had. */
unsigned hold_receive_count(const struct hold *hold);
/* When the newest of its messages came, and the oldest. */
usec_t hold_received_at(const struct hold *hold);
usec_t hold_first_received_at(const struct hold *hold);

/*
 * One job, as it travels: loop -> ledger -> pool -> ledger -> loop.
 *
 * Invariant: at every moment one thread has the job in its hands, and only that thread may touch
 * it; it changes hands through base/queue. Three things stay reachable while a worker has it:
 *   - id, type, payload, envelope, limits, keeps_row: written before the first hand-over and never
 *     again;
 *   - claim: the ledger's own, for it goes on touching the row of a job that runs;
 *   - what is _Atomic.
 * The job's memory belongs to the loop from beginning to end (work/delivery.h).
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/queue.h"

struct envelope;
struct handler;

/* How a job ended here; contract for logs and metrics. */
enum job_outcome {
	JOB_COMPLETED, /* the row says completed; the message goes */
	JOB_FAILED,    /* the row says failed; the queue brings it again */
	JOB_TIMEOUT,   /* as failed, for it took too long */
	JOB_MISSING,   /* there is no such row */
	JOB_REJECTED,  /* the message is not valid, or of another type than its row */
	JOB_DUPLICATE, /* the row was completed already; the message goes */
	JOB_ELSEWHERE, /* another daemon has the row */
	JOB_LOST,      /* the row is another's by now, or may be: nothing was written */
	JOB_ABANDONED, /* cut short by a stop; the row is pending again */
};
#define JOB_N_OUTCOMES (JOB_ABANDONED + 1)

/* Why a running handler is to stop before its time. */
enum job_cancel {
	JOB_GO,
	JOB_STOP, /* the daemon stops */
	JOB_LOSE, /* both leases end, or are another's */
	JOB_CUT,  /* its message's visibility ends, and may not be extended any more */
};

/* The error column's ceiling. */
#define JOB_ERROR_MAX 4096

/* In touched_at: begun, but there is no lease on its row, which its handler keeps. */
#define JOB_UNHELD 1

/* What the ledger knows of a row that it asked for or was granted. Ledger thread only. */
struct job_claim {
	TAILQ_ENTRY(job) link; /* among the granted rows */
	int64_t fence;         /* started_at, in Postgres' binary form; 0: not chosen */
	int attempts;          /* the row's, as granted: this run counted, or not if it keeps_row */
	bool granted;
	bool unsure;     /* a begin was sent and never answered: it may still come true */
	bool taken;      /* a touch found that the row is another's */
	bool came_back;  /* its handler was given up and has returned before its stand-in came */
	usec_t touch_at; /* CLOCK_BOOTTIME: when the row is to be touched again */
	usec_t again_at; /* CLOCK_BOOTTIME: the row was locked, when to ask again */
	usec_t pause;    /* before that */
};

struct job {
	struct queue_node node;

	char *body; /* owned: the whole message; payload points into it */
	const char *id;
	const char *type;
	const char *payload;
	size_t payload_len;
	size_t body_len;
	struct envelope *envelope; /* owned; NULL where the handler does not want it */
	struct handler *handler;   /* NULL: none for this type */
	usec_t timeout;
	usec_t kill_grace;  /* between being told to stop and the end of the leases */
	bool keeps_row;     /* the handler keeps the row itself (job/store.h) */
	usec_t begin_by;    /* CLOCK_BOOTTIME: later it would not end in time, and is not begun */
	usec_t must_end_at; /* CLOCK_BOOTTIME: when a visibility that cannot be extended ends */
	usec_t row_lease;   /* for so long its row is ours after a touch; given when it is begun */

	struct job_claim claim;
	int attempt; /* the row's attempts with this one; 0: not begun */

	bool ran;               /* a worker had it */
	bool given_up;          /* and returned it after it had been given up (work/overdue.h) */
	struct job *stands_for; /* the job given up whose claim this one takes over; NULL: none */
	enum job_outcome outcome;
	char *error; /* owned; NULL: none */
	/* JOB_ELSEWHERE: when the other's lease could end. JOB_FAILED, JOB_TIMEOUT: when to try
	 * again, as its handler wants it, and then as it is; 0: as usual. */
	usec_t retry_in;
	bool for_good; /* JOB_FAILED: it would fail again whatever is tried */

	/* What the program that did it took, bytes at its peak and CPU time; 0: there was none. */
	uint64_t peak_memory;
	usec_t cpu_time;

	_Atomic(int) cancel;           /* enum job_cancel */
	_Atomic(usec_t) leases_end_at; /* CLOCK_BOOTTIME, of a running handler; 0: not begun */
	_Atomic(usec_t) started_at;    /* CLOCK_BOOTTIME: its handler began; 0: not yet */
	_Atomic(usec_t) ran_at;        /* CLOCK_BOOTTIME: its handler returned; 0: not yet */
	/* CLOCK_BOOTTIME: the row's last touch was sent; JOB_UNHELD; 0: not begun */
	_Atomic(usec_t) touched_at;
	_Atomic(usec_t)
		visible_at; /* CLOCK_BOOTTIME: the last of its messages' visibilities ends */
};

/*
 * Takes body. id and type are copied, payload stays in body. The rest is zero. 0 or -ENOMEM
 * (body is then freed too).
 */
int job_init(struct job *job, char *body, const char *id, const char *type);
void job_done(struct job *job);

/* The outcome, and the text, of a handler that was told to stop, or (JOB_GO) whose time is over. */
void job_cut_short(struct job *job, enum job_cancel reason, usec_t limit);

/* It is begun, and neither its row nor its message can be proven to be ours: this daemon or its
 * machine stood still. Any thread, from the begin on. */
bool job_is_lost(const struct job *job, usec_t now);

/* Copies at most JOB_ERROR_MAX bytes, as UTF-8 without NUL that Postgres can store. */
void job_set_error(struct job *job, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline struct job *job_of_node(struct queue_node *node)
{
	return node ? container_of(node, struct job, node) : NULL;
}

const char *job_outcome_name(enum job_outcome outcome);

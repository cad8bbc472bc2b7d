/*
 * What became of every message, for a test that judges by it: sent, received, extended, deleted,
 * moved to a dead letter queue. Off until a test wants it. What is read is forgotten, and at most
 * JOURNAL_EVENTS_MAX events are kept: those beyond are only counted.
 *
 * Owns its events. One thread.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#define JOURNAL_EVENTS_MAX 100000

struct local_message;

enum journal_event {
	JOURNAL_SEND,
	JOURNAL_RECEIVE,
	JOURNAL_EXTEND, /* or given back, with a timeout of 0 */
	JOURNAL_DELETE, /* with a handle that has power over it */
	JOURNAL_MOVE,   /* from the queue that it is still in */
};

struct journal {
	bool on;
	json_t *events; /* NULL: none */
	json_int_t n_dropped;
};

void journal_done(struct journal *journal);

/* Forgets what there is. */
void journal_switch(struct journal *journal, bool on);

/* Borrows the message. The moment is this machine's wall clock, whatever clock the queues go by. */
void journal_note(
	struct journal *journal, enum journal_event event, const struct local_message *message);
/* Its visibility timeout was changed to so many seconds from now. */
void journal_note_extension(
	struct journal *journal, const struct local_message *message, unsigned timeout);

/* Returns owned what has been noted since it was last taken:
 * {"events": [[EVENT, QUEUE, MESSAGE-ID, JOB-ID or null, RECEIVES, TIMEOUT of an extension or null,
 * MICROSECONDS], ...], "dropped": how many more}. */
json_t *journal_take(struct journal *journal);

#include "journal.h"

#include "local_queue.h"

static const char *const journal_names[] = {
	[JOURNAL_SEND] = "send",
	[JOURNAL_RECEIVE] = "receive",
	[JOURNAL_EXTEND] = "extend",
	[JOURNAL_DELETE] = "delete",
	[JOURNAL_MOVE] = "move",
};

void journal_done(struct journal *journal)
{
	json_decref(journal->events);
	*journal = (struct journal){.on = journal->on};
}

void journal_switch(struct journal *journal, bool on)
{
	journal_done(journal);
	journal->on = on;
}

/* Which job a message is for; NULL: it does not say. Returns owned. */
static json_t *journal_job(const struct local_message *message)
{
	json_t *body = json_loadb(message->body, message->body_len, 0, NULL);
	json_t *job = json_incref(json_object_get(body, "jobId"));

	json_decref(body);
	return job;
}

/* Takes timeout; NULL: there is none. */
static void journal_add(struct journal *journal, enum journal_event event,
	const struct local_message *message, json_t *timeout)
{
	if (!journal->events)
		journal->events = json_array();
	json_array_append_new(journal->events,
		json_pack("[s, s, s, o?, I, o?, I]", journal_names[event], message->queue->name,
			message->id, journal_job(message), (json_int_t)message->receive_count,
			timeout, (json_int_t)clock_realtime()));
}

/* Whether one more event is to be kept. */
static bool journal_has_room(struct journal *journal)
{
	if (!journal->on)
		return false;
	if (json_array_size(journal->events) < JOURNAL_EVENTS_MAX)
		return true;
	journal->n_dropped++;
	return false;
}

void journal_note(
	struct journal *journal, enum journal_event event, const struct local_message *message)
{
	if (journal_has_room(journal))
		journal_add(journal, event, message, NULL);
}

void journal_note_extension(
	struct journal *journal, const struct local_message *message, unsigned timeout)
{
	if (journal_has_room(journal))
		journal_add(journal, JOURNAL_EXTEND, message, json_integer(timeout));
}

json_t *journal_take(struct journal *journal)
{
	json_t *taken = json_pack("{s:O, s:I}", "events",
		journal->events ? journal->events : (journal->events = json_array()), "dropped",
		journal->n_dropped);

	journal_done(journal);
	return taken;
}

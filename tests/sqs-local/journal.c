#include "journal.h"

#include "local_queue.h"

static const char *const journal_names[] = {
	[JOURNAL_SEND] = "send",
	[JOURNAL_RECEIVE] = "receive",
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

void journal_note(
	struct journal *journal, enum journal_event event, const struct local_message *message)
{
	if (!journal->on)
		return;
	if (json_array_size(journal->events) >= JOURNAL_EVENTS_MAX) {
		journal->n_dropped++;
		return;
	}
	if (!journal->events)
		journal->events = json_array();
	json_array_append_new(journal->events,
		json_pack("[s, s, s, o?, I, I]", journal_names[event], message->queue->name,
			message->id, journal_job(message), (json_int_t)message->receive_count,
			(json_int_t)clock_realtime()));
}

json_t *journal_take(struct journal *journal)
{
	json_t *taken = json_pack("{s:O, s:I}", "events",
		journal->events ? journal->events : (journal->events = json_array()), "dropped",
		journal->n_dropped);

	journal_done(journal);
	return taken;
}

#include "work/departure.h"

/* One message less; the share of it is the caller's. NULL: that was the last, and the hold is gone.
 */
static struct delivery *departure_next(struct departure *departure, struct hold *hold)
{
	struct delivery *delivery = TAILQ_FIRST(&hold->deliveries);

	if (!delivery) {
		waiting_free_place(departure->waiting, hold);
		delivery_drop_hold(departure->index, hold);
		return NULL;
	}
	lease_forget(departure->lease, delivery);
	delivery_detach(departure->index, delivery);
	return delivery;
}

void departure_delete(struct departure *departure, struct hold *hold)
{
	struct delivery *delivery;

	while ((delivery = departure_next(departure, hold)))
		acker_delete(departure->acker, delivery);
}

void departure_bury(struct departure *departure, struct hold *hold, const char *reason)
{
	struct delivery *first = TAILQ_FIRST(&hold->deliveries);
	const struct burial_message message = {
		.delivery = first,
		.body = hold->job.body,
		.body_len = hold->job.body_len,
		.envelope = hold->job.envelope,
	};
	struct dead_letter_cause cause = {
		.outcome = hold->job.outcome,
		.reason = reason,
		.receive_count = first->receive_count,
	};

	hold->job.body = NULL;
	hold->job.envelope = NULL;
	delivery_detach(departure->index, first);
	burial_add(departure->burial, &message, &cause);
	departure_leave(departure, hold);
}

void departure_leave(struct departure *departure, struct hold *hold)
{
	struct delivery *delivery;

	while ((delivery = departure_next(departure, hold)))
		delivery_unref(delivery);
}

void departure_pause(struct departure *departure, struct hold *hold, usec_t pause)
{
	struct delivery *delivery;

	while ((delivery = departure_next(departure, hold)))
		acker_give_back(departure->acker, delivery, pause);
}

void departure_give_back(struct departure *departure, struct hold *hold)
{
	struct delivery *delivery;

	while ((delivery = departure_next(departure, hold))) {
		departure->n_given_back++;
		acker_give_back(departure->acker, delivery, 0);
	}
}

void departure_give_back_all(struct departure *departure, enum hold_state state)
{
	struct hold *hold;

	while ((hold = TAILQ_FIRST(&departure->index->states[state])))
		departure_give_back(departure, hold);
}

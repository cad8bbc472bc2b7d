#include "damage.h"

#include "must.h"
#include "service.h"

void damage_batch(struct exchange *exchange)
{
	const struct fault_hit *fault = &exchange->fault;

	if (fault->kind != FAULT_FAIL_ENTRIES)
		return;
	exchange->call.refusal = (struct refusal){
		.n_entries = (size_t)fault_number(fault, "entries", SIZE_MAX >> 1),
		.code = fault_text(fault, "code", "InternalError"),
		.message = fault_text(fault, "message", FAULT_MESSAGE),
		.sender_fault = json_is_true(json_object_get(fault->terms, "sender_fault")),
	};
}

/* An answer without a body is damaged as if it said that there is nothing. */
static void damage_fill(struct answer *answer)
{
	if (answer->body_len > 0)
		return;
	free(answer->body);
	answer->body = must_strdup("{}");
	answer->body_len = strlen(answer->body);
}

static void damage_garble(struct answer *answer)
{
	damage_fill(answer);
	for (size_t i = 0; i < answer->body_len; i += 7)
		answer->body[i] ^= (char)0x80;
}

/* The very same messages are there again, before their visibility ends. */
static void damage_give_back(struct call *call)
{
	for (unsigned i = 0; i < call->n_taken; i++)
		local_queue_hide(call->taken[i], call->now, call->now);
}

static void damage_duplicate(struct call *call)
{
	for (unsigned i = 0; i < call->n_taken; i++)
		local_queue_copy(call->taken[i], call->queue, &call->account->rng, call->now);
}

void damage_answer(struct exchange *exchange)
{
	const struct fault_hit *fault = &exchange->fault;
	struct answer *answer = &exchange->answer;

	switch (fault->kind) {
	case FAULT_TRUNCATE:
		damage_fill(answer);
		answer->manner = ANSWER_TRUNCATED;
		return;
	case FAULT_GARBLE:
		damage_garble(answer);
		return;
	case FAULT_DRIP:
		answer->manner = ANSWER_DRIPPED;
		answer->piece_len = (size_t)fault_number(fault, "bytes", 1);
		answer->pause = fault->delay;
		return;
	case FAULT_DATE:
		answer->date_skew = fault_number(fault, "seconds", 0) * (int64_t)USEC_PER_SEC;
		return;
	case FAULT_TWICE:
		damage_give_back(&exchange->call);
		return;
	case FAULT_DUPLICATE:
		damage_duplicate(&exchange->call);
		return;
	case FAULT_NONE:
	case FAULT_STATUS:
	case FAULT_RAW:
	case FAULT_TOO_LARGE:
	case FAULT_DELAY:
	case FAULT_LATE:
	case FAULT_CUT_BEFORE:
	case FAULT_CUT_AFTER:
	case FAULT_BLACK_HOLE:
	case FAULT_FAIL_ENTRIES:
	case FAULT_N_KINDS:
		return;
	}
}

/*
 * What an ordered fault does to a request that is acted on: to its batch before, to its answer and
 * to the messages that it received afterwards.
 */
#pragma once

struct exchange;

/* Before the action runs. */
void damage_batch(struct exchange *exchange);

/* When the answer is there. */
void damage_answer(struct exchange *exchange);

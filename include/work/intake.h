/*
 * Receives: long polls, as many as there is use for.
 *
 * One poll when idle. Each answer that was not empty lets one more poll go beside it while credits
 * remain; an empty one ends its series, down to the last. A poll asks for at most what may be
 * taken, so that nothing is received that will not start soon: SQS counts receives.
 *
 * After a failure nothing is asked until a pause is over, which grows and has no end; nor, for at
 * most a second, after an empty answer that came long before the wait was over. Owns: its requests.
 * Loop thread only; the callback comes from the loop.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "aws/sqs.h"
#include "work/trouble.h"

struct intake_options {
	usec_t wait;
	usec_t visibility_timeout; /* asked for in each receive; 0: the queue's own */
	unsigned max_polls;
	bool details;                  /* all attributes of the messages are asked for */
	struct trouble_causes *causes; /* borrowed */
};

/* Messages came, possibly none; their texts are borrowed. */
typedef void intake_fn(void *userdata, const struct sqs_answer *answer,
	const struct sqs_message *messages, size_t n_messages);

struct intake;

/* Borrows event and sqs. 0 or a negative errno. */
int intake_new(sd_event *event, struct sqs *sqs, const struct intake_options *options,
	intake_fn *received, void *userdata, struct intake **ret);
/* Cuts what is out. Returns NULL. */
struct intake *intake_free(struct intake *intake);
DEFINE_CLEANUP(struct intake *, intake_free)

void intake_set_visibility(struct intake *intake, usec_t visibility_timeout);
/* Whether polls ask for all attributes from now on. */
void intake_set_details(struct intake *intake, bool details);

/* Starts polls for credits messages more than are asked for already. */
void intake_pump(struct intake *intake, unsigned credits);
/* No new poll; those that are out have a second, then they are cut. */
void intake_stop(struct intake *intake);

unsigned intake_n_polls(const struct intake *intake);
/* Messages that may still come. */
unsigned intake_n_asked(const struct intake *intake);
/* CLOCK_MONOTONIC: when the oldest poll that is out began; 0: none is. */
usec_t intake_oldest_poll(const struct intake *intake);
/* CLOCK_MONOTONIC: when the queue last answered as it should; before that, when we began. */
usec_t intake_answered_at(const struct intake *intake);
/* What is wrong with receiving; "" when nothing is. */
const char *intake_trouble(const struct intake *intake);

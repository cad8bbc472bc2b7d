/*
 * What is not as it should be with the queue. Each kind is said once, again only when there is
 * something else to say of it, and once more when it is as it should be.
 *
 * Loop thread only; all zero is a start at which nothing was said.
 */
#pragma once

#include "base/strbuf.h"

#define FINDING_TEXT_MAX 640

enum finding {
	FINDING_QUEUE,               /* how it is, for information */
	FINDING_VISIBILITY,          /* its visibility timeout is too short */
	FINDING_EXTENDING,           /* visibility cannot be extended */
	FINDING_REDRIVE,             /* none, or after too few receives */
	FINDING_DEAD_LETTERS_AWAY,   /* that queue does not exist */
	FINDING_DEAD_LETTERS_UNSEEN, /* nobody knows, without the permission to look */
	FINDING_RETENTION,           /* the dead letter queue's is too short */
};
#define N_FINDINGS (FINDING_RETENTION + 1)

struct findings {
	char said[N_FINDINGS][FINDING_TEXT_MAX];
};

/* text: "" when it is as it should be. */
void findings_say(struct findings *findings, enum finding finding, const char *text);

/* It is not known any more, or of no interest: nothing is said. */
void findings_forget(struct findings *findings, enum finding finding);

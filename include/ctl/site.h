/*
 * A queue that may be there or not.
 */
#pragma once

#include <stdint.h>

#include "ctl/client.h"

struct site {
	const char *name;
	char *url;          /* owned; NULL: it is asked for by the name */
	json_t *attributes; /* owned; NULL: it is not there */
};

void site_done(struct site *site);

/* Looks. 0; or 1, and why it is not known was said. */
int site_find(struct client *client, struct site *site);

/* An attribute as SQS has it; NULL: it has none. Borrowed. */
const char *site_attribute(const struct site *site, const char *name);
/* Visible, in flight and delayed, approximately. */
uint64_t site_messages(const struct site *site);

/*
 * The dead letter queue that its redrive policy names: sets the other one's URL. False: it has no
 * policy that could be followed.
 */
bool site_follow(const struct site *site, struct site *ret_dead_letters);

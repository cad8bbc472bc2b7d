/*
 * What the halves of nexusctl provision share: how it was asked, and what is left.
 */
#pragma once

#include "ctl/blueprint.h"
#include "ctl/client.h"
#include "ctl/ctl.h"
#include "ctl/news.h"

struct provision {
	const struct ctl *ctl;
	bool dry_run;
	bool fix;     /* set what differs of a queue */
	bool differs; /* something is left that is not as it is to be */
};

/*
 * The queues. url: the configured one's; NULL: they go by their names, and what the URL is is told.
 * named: the dead letter queue is the blueprint's, whatever the queue's redrive policy says. An
 * exit status; what went wrong was said.
 */
struct provision_queues {
	struct blueprint blueprint;
	const char *url;
	bool named;
};
int provision_queues(
	struct provision *p, struct client *client, const struct provision_queues *what);

/* The job table. An exit status. */
int provision_table(struct provision *p, const struct settings *settings);

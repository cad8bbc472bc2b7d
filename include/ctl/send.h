/*
 * Sending jobs to the queue, for the first time or again. Main thread.
 */
#pragma once

#include "base/strbuf.h"
#include "ctl/desk.h"
#include "ctl/row.h"

/* row_id: whose row is there already, and stays pending; NULL: there is none. ret: owned. 0 or 1.
 */
int send_message(
	struct desk *desk, const struct strbuf *body, const char *row_id, char **ret_message_id);

/*
 * A new message for a row that is there, which becomes pending first. 1; or 0: it is not any more
 * as it was seen, and nothing was done; or a negative errno with what was said. ret: owned.
 */
int send_again(struct desk *desk, const struct row *row, char **ret_message_id);

/* Both ids, for people or for programs. */
void send_show(const struct ctl *ctl, const char *job_id, const char *type, const char *message_id);

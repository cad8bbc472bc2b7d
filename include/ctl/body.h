/*
 * A message's body, as the web application writes it, from what stands on a command line.
 */
#pragma once

#include "base/strbuf.h"
#include "job/message.h"

/*
 * payload: JSON, @FILE, "-" for stdin; NULL is {}. It goes into the body byte for byte. command:
 * for what is said of mistakes. ret is what the daemon will read in the body. 0, or the exit status
 * of a failure that was said.
 */
int body_compose(const char *command, const char *job_id, const char *type, const char *payload,
	struct strbuf *out, struct message *ret);

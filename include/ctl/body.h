/*
 * A message's body, as the web application writes it.
 */
#pragma once

#include "base/strbuf.h"
#include "job/message.h"

/*
 * payload: JSON, which goes into the body byte for byte. ret is what the daemon will read in it.
 * NULL, or in a line why there is no such message.
 */
const char *body_write(const char *job_id, const char *type, const char *payload,
	struct strbuf *out, struct message *ret);

/*
 * The same of what stands on a command line. payload: JSON, @FILE, "-" for stdin; NULL is {}.
 * command: for what is said of mistakes. 0, or the exit status of a failure that was said.
 */
int body_compose(const char *command, const char *job_id, const char *type, const char *payload,
	struct strbuf *out, struct message *ret);

/*
 * Credentials that a program prints: "Sourcing credentials with an external process" in the AWS
 * CLI's guide, a profile's credential_process.
 *
 * The command line is split by base/words.h and run without a shell, on the loop and from its
 * thread. It reads /dev/null, and has the environment that means has for it; of what it prints to
 * stderr the last line is quoted if it fails. It is over when the program itself ends: whatever it
 * has started and left in its process group is killed then, and both are killed at the deadline and
 * by a cancel.
 *
 * SIGCHLD has to be blocked in all threads.
 */
#pragma once

#include "aws/credential_source.h"

#define CREDENTIALS_PROCESS_OUTPUT_MAX (1u << 20)

struct credentials_process {
	const char *command;
	const char *source; /* of the credentials, and what texts begin with */
	usec_t timeout;     /* 0: a minute */
};

/*
 * As credential_search_start() with a source that has to ask: never 0. Borrows what->source until
 * the search ends. -EINVAL: it cannot be run as it is written; -ENOMEM, -EMFILE and the like.
 *
 * Later the search may end with -EIO: the program failed; -ETIMEDOUT; -EMSGSIZE: it printed too
 * much; or as credentials_json_read() does.
 */
int credentials_process_start(
	struct credential_search *search, const struct credentials_process *what);

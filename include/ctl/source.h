/*
 * Something that nexusctl top looks at, again and again, in a process of its own: so nobody waits
 * for a queue or a database that does not answer, neither the screen nor the other source.
 *
 * That process writes into one pipe what it sees, an object a line, and what is said on its
 * standard error, which is why it sees nothing. It dies with ours. Main thread.
 */
#pragma once

#include <jansson.h>
#include <sys/types.h>

#include "base/strbuf.h"
#include "conf/settings.h"

/*
 * One look. what: kept from look to look, NULL at the first. Owned by the caller; NULL: there was
 * nothing to be seen, and why was said.
 */
typedef json_t *source_look_fn(const struct settings *settings, usec_t interval, void **what);

struct source {
	pid_t pid; /* 0: not started */
	int fd;    /* readable: there is news */
	struct strbuf text;
	json_t *seen; /* owned; NULL: nothing */
	char *said;   /* owned; NULL: nothing. Later than seen. */
	usec_t heard_at;
};

/* The looks begin an interval apart, if they are not longer. 0 or a negative errno. */
int source_start(struct source *source, source_look_fn *look, const struct settings *settings,
	usec_t interval);
/* Takes what has come, without waiting. 0, or a negative errno: nothing will come any more. */
int source_read(struct source *source);
/*
 * What was seen; or {"error": …}, which is what was said, or that for so long there is no answer.
 * Owned by the caller; NULL: nothing has come yet.
 */
json_t *source_json(const struct source *source, usec_t patience);
/* Of one that was not started too. */
void source_stop(struct source *source);

#include "daemon/findings.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "work/event.h"

static const struct {
	int priority;
	const char *cured; /* NULL: that needs no line */
} kinds[N_FINDINGS] = {
	[FINDING_QUEUE] = {LOG_INFO, NULL},
	[FINDING_VISIBILITY] = {LOG_WARNING, "the visibility timeout is long enough now"},
	[FINDING_EXTENDING] = {LOG_WARNING, "visibility can be extended now"},
	[FINDING_REDRIVE] = {LOG_WARNING, "the queue's redrive policy is as it should be now"},
	[FINDING_DEAD_LETTERS_AWAY] = {LOG_WARNING, "the dead letter queue is there now"},
	[FINDING_DEAD_LETTERS_UNSEEN] = {LOG_INFO, "the dead letter queue can be looked at now"},
	[FINDING_RETENTION] = {LOG_WARNING,
		"the dead letter queue keeps messages for longer than the queue now"},
};

void findings_say(struct findings *findings, enum finding finding, const char *text)
{
	char *said = findings->said[finding];

	if (strncmp(said, text, FINDING_TEXT_MAX - 1) == 0)
		return;
	if (text[0])
		log_as(kinds[finding].priority > LOG_WARNING ? EVENT_NONE : EVENT_QUEUE_FINDING,
			kinds[finding].priority, "%s", text);
	else if (kinds[finding].cured)
		log_as(EVENT_QUEUE_MENDED, LOG_NOTICE, "%s", kinds[finding].cured);
	snprintf(said, FINDING_TEXT_MAX, "%s", text);
}

void findings_forget(struct findings *findings, enum finding finding)
{
	findings->said[finding][0] = '\0';
}

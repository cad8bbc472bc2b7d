#include "work/trouble.h"

#include <stdio.h>
#include <string.h>

/* Two faults that take turns, or one that comes and goes, must not fill the log. */
#define CHANGE_PAUSE (10 * USEC_PER_SEC)
#define REPEAT_PAUSE USEC_PER_MIN

/* Whole seconds, for people. */
static const char *trouble_lasted(const struct trouble *trouble, char buffer[CLOCK_DURATION_MAX])
{
	usec_t lasted = usec_sub(clock_boottime(), trouble->since);

	return clock_format_duration(lasted - lasted % USEC_PER_SEC, buffer);
}

static bool trouble_is_same(const char said[static TROUBLE_TEXT_MAX], const char *text)
{
	return strncmp(said, text, TROUBLE_TEXT_MAX - 1) == 0;
}

/* Whether another trouble has said it, and still repeats it. */
static bool trouble_is_known(const struct trouble *trouble, const char *text, usec_t now)
{
	const struct trouble_causes *causes = trouble->causes;

	for (unsigned i = 0; causes && i < TROUBLE_CAUSES_MAX; i++) {
		const struct trouble_cause *cause = &causes->said[i];
		if (cause->by && cause->by != trouble && now - cause->said_at < 2 * REPEAT_PAUSE &&
			trouble_is_same(cause->text, text))
			return true;
	}
	return false;
}

static void trouble_forget_causes(struct trouble *trouble)
{
	for (unsigned i = 0; trouble->causes && i < TROUBLE_CAUSES_MAX; i++)
		if (trouble->causes->said[i].by == trouble)
			trouble->causes->said[i].by = NULL;
}

static void trouble_say(struct trouble *trouble, const char *text, usec_t now)
{
	struct trouble_causes *causes = trouble->causes;
	char lasted[CLOCK_DURATION_MAX];

	if (trouble->spoke && now - trouble->said_at >= REPEAT_PAUSE)
		log_as(trouble->away, LOG_WARNING, "%s (for %s, %u times since it was last said)",
			text, trouble_lasted(trouble, lasted), trouble->n_unsaid + 1);
	else
		log_as(trouble->away, LOG_WARNING, "%s", text);
	trouble->spoke = true;
	trouble->n_unsaid = 0;
	if (!causes)
		return;
	trouble_forget_causes(trouble);
	struct trouble_cause *cause = &causes->said[causes->next++ % TROUBLE_CAUSES_MAX];
	*cause = (struct trouble_cause){.by = trouble, .said_at = now};
	snprintf(cause->text, sizeof cause->text, "%s", text);
}

static bool trouble_is_due(const struct trouble *trouble, const char *text, usec_t now)
{
	usec_t pause = trouble->spoke && trouble_is_same(trouble->said, text) ? REPEAT_PAUSE
									      : CHANGE_PAUSE;

	return trouble->said_at == 0 || now - trouble->said_at >= pause;
}

static void trouble_tell(const struct trouble *trouble)
{
	if (trouble->causes && trouble->causes->changed)
		trouble->causes->changed(trouble->causes->userdata);
}

void trouble_report(struct trouble *trouble, const char *text)
{
	usec_t now = clock_boottime();
	bool begins = trouble->since == 0;

	if (begins)
		trouble->since = now;
	if (!trouble_is_due(trouble, text, now) || trouble_is_known(trouble, text, now)) {
		trouble->n_unsaid++;
		if (begins)
			trouble_tell(trouble);
		return;
	}
	trouble_say(trouble, text, now);
	snprintf(trouble->said, sizeof trouble->said, "%s", text);
	trouble->said_at = now;
	trouble_tell(trouble);
}

void trouble_end(struct trouble *trouble, const char *what)
{
	char lasted[CLOCK_DURATION_MAX];

	if (trouble->since == 0)
		return;
	if (trouble->spoke)
		log_as(trouble->back, LOG_NOTICE, "%s works again, after %s", what,
			trouble_lasted(trouble, lasted));
	trouble_drop(trouble);
}

void trouble_drop(struct trouble *trouble)
{
	if (trouble->since == 0)
		return;
	trouble->since = 0;
	trouble->spoke = false;
	trouble_forget_causes(trouble);
	trouble_tell(trouble);
}

#include "work/trouble.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

/* Two faults that take turns must not fill the log. */
#define CHANGE_PAUSE (10 * USEC_PER_SEC)

/* Whole seconds, for people. */
static const char *trouble_lasted(const struct trouble *trouble, char buffer[CLOCK_DURATION_MAX])
{
	usec_t lasted = usec_sub(clock_boottime(), trouble->since);

	return clock_format_duration(lasted - lasted % USEC_PER_SEC, buffer);
}

static bool trouble_is_new(const struct trouble *trouble, const char *text)
{
	return strncmp(trouble->said, text, sizeof trouble->said - 1) != 0;
}

void trouble_report(struct trouble *trouble, const char *text)
{
	char lasted[CLOCK_DURATION_MAX];
	usec_t now = clock_boottime();

	if (trouble->since == 0) {
		trouble->since = now;
		log_warning("%s", text);
	} else if (now - trouble->said_at >= USEC_PER_MIN) {
		log_warning("%s (for %s, %u times since it was last said)", text,
			trouble_lasted(trouble, lasted), trouble->n_unsaid + 1);
	} else if (now - trouble->said_at >= CHANGE_PAUSE && trouble_is_new(trouble, text)) {
		log_warning("%s", text);
	} else {
		trouble->n_unsaid++;
		return;
	}
	snprintf(trouble->said, sizeof trouble->said, "%s", text);
	trouble->said_at = now;
	trouble->n_unsaid = 0;
}

void trouble_end(struct trouble *trouble, const char *what)
{
	char lasted[CLOCK_DURATION_MAX];

	if (trouble->since == 0)
		return;
	log_notice("%s goes on after %s", what, trouble_lasted(trouble, lasted));
	trouble->since = 0;
}

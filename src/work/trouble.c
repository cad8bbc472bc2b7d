#include "work/trouble.h"

#include "base/log.h"

/* Whole seconds, for people. */
static const char *trouble_lasted(const struct trouble *trouble, char buffer[CLOCK_DURATION_MAX])
{
	usec_t lasted = usec_sub(clock_boottime(), trouble->since);

	return clock_format_duration(lasted - lasted % USEC_PER_SEC, buffer);
}

void trouble_report(struct trouble *trouble, const char *text)
{
	char lasted[CLOCK_DURATION_MAX];
	usec_t now = clock_boottime();

	if (trouble->since == 0) {
		trouble->since = trouble->said_at = now;
		trouble->n_unsaid = 0;
		log_warning("%s", text);
		return;
	}
	trouble->n_unsaid++;
	if (now - trouble->said_at < USEC_PER_MIN)
		return;
	log_warning("%s (for %s, %u times since it was last said)", text,
		trouble_lasted(trouble, lasted), trouble->n_unsaid);
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

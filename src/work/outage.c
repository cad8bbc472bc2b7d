#include "work/outage.h"

/* Unanswered for that long, the database counts as away. */
#define SILENCE USEC_PER_SEC
static const char silence_text[] = "the database has not answered for a second; look at its load, "
				   "at locks and at the pooler";

/* What V is taken for until the queue was asked. */
#define VISIBILITY_UNKNOWN (30 * USEC_PER_SEC)

void outage_init(struct outage *outage, outage_fn *tell, void *userdata)
{
	*outage = (struct outage){
		.tell = tell,
		.userdata = userdata,
		.trouble = {.away = EVENT_DATABASE_AWAY, .back = EVENT_DATABASE_BACK},
		.pause = {.base = 100 * USEC_PER_MSEC},
	};
}

bool outage_is_up(const struct outage *outage)
{
	return atomic_load(&outage->up);
}

/* ---- How long ---- */

static usec_t outage_third(const struct outage *outage)
{
	return (outage->visibility > 0 ? outage->visibility : VISIBILITY_UNKNOWN) / 3;
}

usec_t outage_patience(const struct outage *outage)
{
	return usec_min(5 * USEC_PER_SEC, outage_third(outage) / 2);
}

/* How long rows that look abandoned are left alone. */
static usec_t outage_hold_off(const struct outage *outage)
{
	return usec_min(10 * USEC_PER_SEC, outage_third(outage));
}

usec_t outage_take_over_at(struct outage *outage)
{
	usec_t now = clock_boottime();
	/* Idle is not away: what has been waited for once counts as seen. */
	usec_t seen_at = usec_max(outage->success_at, outage->take_over_at);

	if (outage->success_at == 0 || usec_sub(now, seen_at) > outage_third(outage))
		outage->take_over_at = now + outage_hold_off(outage);
	return outage->take_over_at;
}

usec_t outage_pause(const struct outage *outage)
{
	return usec_sub(outage->connect_at, clock_monotonic());
}

void outage_end_pause(struct outage *outage)
{
	outage->connect_at = 0;
}

/* ---- Away, and up again ---- */

static void outage_say(struct outage *outage, const char *text)
{
	trouble_report(&outage->trouble, text);
	atomic_store(&outage->up, false);
	outage->tell(outage->userdata, text);
}

void outage_asked(struct outage *outage)
{
	outage->asked_at = clock_monotonic();
}

void outage_look(struct outage *outage)
{
	if (outage_is_up(outage) && outage->asked_at > 0 &&
		clock_monotonic() - outage->asked_at >= SILENCE)
		outage_say(outage, silence_text);
}

void outage_answered(struct outage *outage)
{
	outage->asked_at = 0;
}

void outage_away(struct outage *outage, const char *text)
{
	outage->success_at = 0;
	outage->pause.cap = outage_patience(outage);
	outage->connect_at = clock_monotonic() + backoff_next(&outage->pause);
	outage_say(outage, text);
}

void outage_connected(struct outage *outage)
{
	bool first = outage->success_at == 0 && outage->trouble.since == 0;
	usec_t now = clock_boottime();

	if (!first) /* others could not touch their rows either */
		outage->take_over_at = now + outage_hold_off(outage);
	outage->success_at = now;
}

void outage_heard(struct outage *outage)
{
	backoff_reset(&outage->pause);
	trouble_end(&outage->trouble, "the job table");
	if (outage_is_up(outage))
		return;
	atomic_store(&outage->up, true);
	outage->tell(outage->userdata, "");
}

void outage_success(struct outage *outage, usec_t sent_at)
{
	outage->success_at = sent_at;
	outage_heard(outage);
}

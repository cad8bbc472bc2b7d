#include "aws/skew.h"

#include <stdlib.h>
#include <time.h>

/* AWS refuses what is five minutes off; a Date has whole seconds, and was on its way for some. */
#define TOLERANCE ((int64_t)(4 * USEC_PER_MIN))
#define BOUND     ((int64_t)(24 * USEC_PER_HOUR))

/* Their clock minus ours. */
static bool skew_read(const char *date, int64_t *ret)
{
	struct tm tm = {0};
	const char *end = date ? strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &tm) : NULL;

	if (!end || *end)
		return false;
	*ret = (int64_t)timegm(&tm) * (int64_t)USEC_PER_SEC - (int64_t)clock_realtime();
	return true;
}

usec_t skew_now(const struct skew *skew)
{
	return clock_realtime() + (usec_t)(skew ? skew->usec : 0);
}

bool skew_learn(struct skew *skew, const char *date)
{
	int64_t usec;

	if (!skew_read(date, &usec) || llabs(usec) > BOUND || llabs(usec - skew->usec) < TOLERANCE)
		return false;
	skew->usec = llabs(usec) < TOLERANCE ? 0 : usec;
	if (skew->changed)
		skew->changed(skew->userdata, skew);
	return true;
}

bool skew_is_beyond(const char *date, int64_t *ret_usec)
{
	int64_t usec;

	if (!skew_read(date, &usec) || llabs(usec) <= BOUND)
		return false;
	*ret_usec = usec;
	return true;
}

#include "aws/skew.h"

#include <stdlib.h>

#include "net/http_date.h"

/* AWS refuses what is five minutes off; a Date has whole seconds, and was on its way for some. */
#define TOLERANCE ((int64_t)(4 * USEC_PER_MIN))
#define BOUND     ((int64_t)(24 * USEC_PER_HOUR))

bool skew_read(const char *date, const char *age, int64_t *ret_usec)
{
	usec_t theirs;

	/* With an age the date is that of a cache's copy. */
	if (!date || age || !http_date_read(date, &theirs))
		return false;
	*ret_usec = (int64_t)theirs - (int64_t)clock_realtime();
	return true;
}

usec_t skew_now(const struct skew *skew)
{
	return clock_realtime() + (usec_t)(skew ? skew->usec : 0);
}

bool skew_matters(int64_t usec)
{
	return llabs(usec) >= TOLERANCE;
}

bool skew_is_beyond(int64_t usec)
{
	return llabs(usec) > BOUND;
}

void skew_forget(struct skew *skew)
{
	skew->usec = 0;
}

bool skew_learn(struct skew *skew, const char *date, const char *age)
{
	int64_t usec;

	if (!skew_read(date, age, &usec) || skew_is_beyond(usec) ||
		!skew_matters(usec - skew->usec))
		return false;
	skew->usec = skew_matters(usec) ? usec : 0;
	if (skew->changed)
		skew->changed(skew->userdata, skew);
	return true;
}

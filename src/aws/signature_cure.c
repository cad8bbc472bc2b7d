#include "aws/signature_cure.h"

#include <stdio.h>
#include <string.h>

#include "aws/skew.h"

/* Rounded, so that the same fault has the same text. */
static void describe_clock(int64_t usec, char ret[static SIGNATURE_CURE_MAX])
{
	usec_t off = (usec_t)(usec < 0 ? -usec : usec);
	usec_t unit = off < 2 * USEC_PER_HOUR ? USEC_PER_MIN : USEC_PER_HOUR;
	char text[CLOCK_DURATION_MAX];

	snprintf(ret, SIGNATURE_CURE_MAX, "this machine's clock is %s %s AWS's%s",
		clock_format_duration((off + unit / 2) / unit * unit, text),
		usec < 0 ? "ahead of" : "behind",
		skew_is_beyond(usec) ? ", too far to be corrected: have it set "
				       "(timedatectl set-ntp true)"
				     : "");
}

void signature_cure(const char *message, int64_t clock_usec, char ret[static SIGNATURE_CURE_MAX])
{
	const char *cure = "secret key, region or clock is wrong";

	if (strstr(message, "scoped")) {
		cure = "the region is wrong: correct it ([queue] region needs a restart)";
	} else if (skew_matters(clock_usec)) {
		describe_clock(clock_usec, ret);
		return;
	} else if (strcasestr(message, "expired") || strstr(message, "not yet current")) {
		cure = "this machine's clock is wrong";
	}
	snprintf(ret, SIGNATURE_CURE_MAX, "%s", cure);
}

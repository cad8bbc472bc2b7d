#include "ctl/when.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/strbuf.h"
#include "conf/value.h"

const char *when_age(usec_t age, char buffer[WHEN_MAX])
{
	static const struct {
		usec_t unit;
		const char *name;
	} units[] = {{24 * USEC_PER_HOUR, "d"}, {USEC_PER_HOUR, "h"}, {USEC_PER_MIN, "min"}};

	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (age >= units[i].unit) {
			snprintf(buffer, WHEN_MAX, "%" PRIu64 "%s", age / units[i].unit,
				units[i].name);
			return buffer;
		}
	snprintf(buffer, WHEN_MAX, "%" PRIu64 "s", age / USEC_PER_SEC);
	return buffer;
}

const char *when_utc(usec_t moment, char buffer[WHEN_MAX])
{
	time_t seconds = (time_t)(moment / USEC_PER_SEC);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(buffer, WHEN_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return buffer;
}

int when_parse_duration(const char *text, usec_t *ret)
{
	const struct value_rule rule = {.type = &value_duration, .max = 3650 * 24 * USEC_PER_HOUR};
	_cleanup_strbuf_ struct strbuf wrong = STRBUF_INIT;

	return value_duration.read(&rule, text, ret, &wrong);
}

/* Behind a date. Returns the end of what it took, NULL: it is no time of day. */
static const char *parse_time_of_day(const char *text, struct tm *tm)
{
	if (*text != 'T' && *text != ' ')
		return text;
	text = strptime(text + 1, "%H:%M", tm);
	if (text && *text == ':')
		text = strptime(text, ":%S", tm);
	if (text && *text == '.')
		text += 1 + strspn(text + 1, "0123456789");
	return text && *text == 'Z' ? text + 1 : text;
}

int when_parse_utc(const char *text, usec_t *ret)
{
	struct tm tm = {0};

	text = strptime(text, "%Y-%m-%d", &tm);
	if (text)
		text = parse_time_of_day(text, &tm);
	if (!text || *text)
		return -EINVAL;
	int day = tm.tm_mday;
	time_t seconds = timegm(&tm);
	/* There is no 30th of February, and nothing before 1970. */
	if (seconds < 0 || tm.tm_mday != day)
		return -EINVAL;
	*ret = (usec_t)seconds * USEC_PER_SEC;
	return 0;
}

#include "ctl/when.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
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

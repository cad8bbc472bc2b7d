#include "net/http_date.h"

#include <time.h>

bool http_date_read(const char *text, usec_t *ret)
{
	struct tm tm = {0};
	const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);

	if (!end || *end)
		return false;
	time_t seconds = timegm(&tm);
	if (seconds < 0)
		return false;
	*ret = (usec_t)seconds * USEC_PER_SEC;
	return true;
}

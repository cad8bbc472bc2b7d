#include "handler/sqsd_answer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "net/http_date.h"

#define PAUSE_MIN USEC_PER_SEC
#define PAUSE_MAX (12 * USEC_PER_HOUR)

/* How much of it is text without a control character. */
static size_t printable(const char *text, size_t len)
{
	size_t at = 0, n;

	while (at < len && (n = utf8_sequence(text + at, len - at)) > 0) {
		uint32_t c = utf8_decode(text + at, n);
		if ((c < 0x20 && c != '\t') || (c >= 0x7f && c < 0xa0))
			break;
		at += n;
	}
	return at;
}

void sqsd_answer_line(
	const char *content_type, const char *body, size_t len, char ret[SQSD_ANSWER_LINE_MAX + 1])
{
	size_t blank = strspn(body, " \t\r\n");

	ret[0] = '\0';
	if (content_type && strcasestr(content_type, "html"))
		return;
	body += blank;
	len -= blank;
	size_t n = printable(body, len);
	if (n < len && n < SQSD_ANSWER_LINE_MAX && body[n] != '\r' && body[n] != '\n')
		return;
	n = utf8_cut(body, n, SQSD_ANSWER_LINE_MAX);
	memcpy(ret, body, n);
	ret[n] = '\0';
}

usec_t sqsd_answer_retry_after(const char *value)
{
	usec_t until, seconds;

	if (!value || !*value)
		return 0;
	if (value[strspn(value, "0123456789")] == '\0') {
		seconds = strtoull(value, NULL, 10);
		return usec_max(
			PAUSE_MIN, usec_min(seconds, PAUSE_MAX / USEC_PER_SEC) * USEC_PER_SEC);
	}
	if (!http_date_read(value, &until))
		return 0;
	return usec_max(PAUSE_MIN, usec_min(usec_sub(until, clock_realtime()), PAUSE_MAX));
}

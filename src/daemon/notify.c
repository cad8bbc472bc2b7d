#include "daemon/notify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "base/utf8.h"

void notify_ready(void)
{
	sd_notify(0, "READY=1");
}

/* systemd drops a status that is not UTF-8; a line's end in it would begin another message, and
 * what steers a terminal is shown by systemctl status as it is. */
static void notify_clean(char *line)
{
	size_t len = strlen(line);

	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_sequence(line + i, len - i);
		if (n > 0 && !utf8_steers(utf8_decode(line + i, n)))
			continue;
		line[i] = '?';
		n = 1;
	}
}

void notify_status(const char *format, ...)
{
	static char last[1024];
	char line[sizeof last];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	notify_clean(line);
	if (strcmp(line, last) == 0)
		return;
	memcpy(last, line, sizeof last);
	sd_notifyf(0, "STATUS=%s", line);
}

/* MONOTONIC_USEC is what Type=notify-reload (systemd 253) asks for; older ones ignore it. */
void notify_reloading(void)
{
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_monotonic());
}

void notify_reloaded(void)
{
	sd_notify(0, "READY=1");
}

void notify_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

void notify_extend(usec_t duration)
{
	sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%" PRIu64, duration);
}

usec_t notify_watchdog_interval(void)
{
	uint64_t usec;

	return sd_watchdog_enabled(0, &usec) > 0 ? usec / 2 : 0;
}

void notify_watchdog(void)
{
	sd_notify(0, "WATCHDOG=1");
}

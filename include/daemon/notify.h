/*
 * What systemd is told (sd_notify(3)). Outside a unit of Type=notify nothing is, and all of this
 * does nothing. Loop thread only.
 */
#pragma once

#include "base/clock.h"

/* Once. */
void notify_ready(void);
/*
 * One line for `systemctl status`, whatever bytes it is made of; sent only when it differs from the
 * last.
 */
void notify_status(const char *format, ...) __attribute__((format(printf, 1, 2)));
void notify_reloading(void);
/* After notify_reloading(), whether it changed anything or not. */
void notify_reloaded(void);
void notify_stopping(void);
/* While a stop makes progress: that much time for more of it. */
void notify_extend(usec_t duration);

/* How often notify_watchdog() is expected; 0: not at all. */
usec_t notify_watchdog_interval(void);
void notify_watchdog(void);

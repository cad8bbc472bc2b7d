/*
 * Ctrl-C: a command that takes long ends between two of its steps, and says how far it came. The
 * second Ctrl-C ends the program at once, as it would have without us.
 *
 * What waits is interrupted: sd_event_run() returns, poll() says EINTR. Main thread.
 */
#pragma once

#include <stdbool.h>

#include "base/clock.h"

/* From here on SIGINT and SIGTERM only make a note of it. */
void interrupt_catch(void);
bool interrupted(void);

/* A step that is not to be cut in two: until that is over nothing has interrupted us. */
void interrupt_hold(bool hold);

/* Waits so long, or until Ctrl-C. */
void interrupt_pause(usec_t duration);

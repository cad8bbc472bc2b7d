/*
 * Ctrl-C: a command that takes long ends between two of its steps, and says how far it came. The
 * second Ctrl-C ends the program at once, as it would have without us.
 *
 * What waits is interrupted: sd_event_run() returns, poll() says EINTR. Main thread.
 */
#pragma once

#include <stdbool.h>

/* From here on SIGINT and SIGTERM only make a note of it. */
void interrupt_catch(void);
bool interrupted(void);

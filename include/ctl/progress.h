/*
 * How far a long operation is: one line on stderr that is written over again and again, where that
 * is a terminal; elsewhere nothing. Main thread.
 */
#pragma once

/* Ten times a second at most; what comes in between is left out. */
void progress(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Takes the line away: before anything else is written. */
void progress_end(void);

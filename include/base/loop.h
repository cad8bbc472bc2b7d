/*
 * What is set up alike wherever something waits on the loop (sd-event): a timer and a turn, both
 * off until they are wanted, and off again when they have fired.
 *
 * Each is an event source that the caller owns and frees (sd_event_source_disable_unref()), and
 * that borrows userdata; what names it where the loop is looked into. Callbacks come from the loop
 * alone. Loop thread only.
 */
#pragma once

#include <systemd/sd-event.h>
#include <time.h>

#include "base/clock.h"

/* Exact; sd-event's own would be up to a quarter of a second late. 0, or a negative errno. */
int loop_add_timer(sd_event *event, clockid_t clock, const char *what,
	sd_event_time_handler_t on_time, void *userdata, sd_event_source **ret);
/* On the timer's clock, whatever it was set to before. USEC_INFINITY: never. */
void loop_set_timer(sd_event_source *timer, usec_t at);
/*
 * As long as that is sooner. For the deadlines of many: one that is put off is left alone, and the
 * callback, which looks at all, sets the timer to the next.
 */
void loop_set_timer_by(sd_event_source *timer, usec_t at);

/* Comes once whoever is running has returned to the loop. 0, or a negative errno. */
int loop_add_turn(sd_event *event, const char *what, sd_event_handler_t on_turn, void *userdata,
	sd_event_source **ret);
void loop_set_turn(sd_event_source *turn);

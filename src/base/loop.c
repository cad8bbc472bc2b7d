#include "base/loop.h"

#include "base/cleanup.h"

int loop_add_timer(sd_event *event, clockid_t clock, const char *what,
	sd_event_time_handler_t on_time, void *userdata, sd_event_source **ret)
{
	_cleanup_(sd_event_source_disable_unrefp) sd_event_source *timer = NULL;

	int r = sd_event_add_time(event, &timer, clock, 0, 1, on_time, userdata);
	if (r >= 0)
		r = sd_event_source_set_enabled(timer, SD_EVENT_OFF);
	if (r < 0)
		return r;
	sd_event_source_set_description(timer, what);
	*ret = TAKE_PTR(timer);
	return 0;
}

void loop_set_timer(sd_event_source *timer, usec_t at)
{
	sd_event_source_set_time(timer, at);
	sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

void loop_set_timer_by(sd_event_source *timer, usec_t at)
{
	usec_t set_to = USEC_INFINITY;

	if (sd_event_source_get_enabled(timer, NULL) > 0)
		sd_event_source_get_time(timer, &set_to);
	if (at < set_to)
		loop_set_timer(timer, at);
}

int loop_add_turn(sd_event *event, const char *what, sd_event_handler_t on_turn, void *userdata,
	sd_event_source **ret)
{
	_cleanup_(sd_event_source_disable_unrefp) sd_event_source *turn = NULL;

	int r = sd_event_add_defer(event, &turn, on_turn, userdata);
	if (r >= 0)
		r = sd_event_source_set_enabled(turn, SD_EVENT_OFF);
	if (r < 0)
		return r;
	sd_event_source_set_description(turn, what);
	*ret = TAKE_PTR(turn);
	return 0;
}

void loop_set_turn(sd_event_source *turn)
{
	sd_event_source_set_enabled(turn, SD_EVENT_ONESHOT);
}

#include "daemon/clocks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/jump.h"
#include "base/log.h"
#include "work/event.h"

/* About when 32 bits of seconds end; it only has to be later than anything else. */
#define NEVER_SECONDS INT32_MAX

struct clocks {
	int fd;
	sd_event_source *source;
	struct jump seen;
	clocks_fn *jumped;
	void *userdata;
};

/* To the second, for that is about how exactly it is known. */
static const char *clocks_format(usec_t duration, char text[CLOCK_DURATION_MAX])
{
	duration += USEC_PER_SEC / 2;
	return clock_format_duration(duration - duration % USEC_PER_SEC, text);
}

static void clocks_say(const struct jump *moved)
{
	usec_t set = (usec_t)llabs(moved->set);
	char text[CLOCK_DURATION_MAX];

	if (moved->slept > 0)
		log_as(EVENT_CLOCK_JUMPED, LOG_NOTICE,
			"the machine was suspended for %s: leases are proven again, on new "
			"connections",
			clocks_format(moved->slept, text));
	if (set > 0)
		log_as(EVENT_CLOCK_JUMPED, LOG_NOTICE,
			"the machine's clock was set %s by %s: leases are proven again, on new "
			"connections",
			moved->set > 0 ? "forward" : "back", clocks_format(set, text));
}

/*
 * A timer that goes by the wall clock and never ends, but is cancelled when that clock jumps, which
 * it also does when the machine wakes. ECANCELED: it has just done so; the timer is armed anyway.
 */
static int clocks_arm(struct clocks *clocks)
{
	const struct itimerspec never = {.it_value.tv_sec = NEVER_SECONDS};

	if (timerfd_settime(clocks->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) <
			0 &&
		errno != ECANCELED)
		return -errno;
	return 0;
}

static int clocks_on_cancelled(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct clocks *clocks = userdata;
	struct jump moved;
	uint64_t count;
	ssize_t n = read(fd, &count, sizeof count);

	(void)source;
	(void)revents;
	(void)n;
	/* Armed first, so that no jump is missed. */
	int r = clocks_arm(clocks);
	if (r < 0)
		return r;
	if (!jump_look(&clocks->seen, &moved))
		return 0;
	clocks_say(&moved);
	clocks->jumped(clocks->userdata);
	return 0;
}

int clocks_new(sd_event *event, clocks_fn *jumped, void *userdata, struct clocks **ret)
{
	_cleanup_(clocks_freep) struct clocks *clocks = calloc(1, sizeof *clocks);

	if (!clocks)
		return -ENOMEM;
	clocks->jumped = jumped;
	clocks->userdata = userdata;
	clocks->fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (clocks->fd < 0)
		return -errno;
	jump_init(&clocks->seen);
	int r = clocks_arm(clocks);
	if (r == 0)
		r = sd_event_add_io(
			event, &clocks->source, clocks->fd, EPOLLIN, clocks_on_cancelled, clocks);
	if (r < 0)
		return r;
	sd_event_source_set_priority(clocks->source, SD_EVENT_PRIORITY_IMPORTANT);
	sd_event_source_set_description(clocks->source, "clocks");
	*ret = TAKE_PTR(clocks);
	return 0;
}

struct clocks *clocks_free(struct clocks *clocks)
{
	if (!clocks)
		return NULL;
	sd_event_source_disable_unref(clocks->source);
	if (clocks->fd >= 0)
		close(clocks->fd);
	free(clocks);
	return NULL;
}

/*
 * Preloaded into the daemon: the file CLOCKS_FILE says how many seconds its machine has slept and
 * by how many its clock was set, two 64-bit numbers, at any time. Clocks show it at once. Timers
 * that go by these clocks follow within LOOK_USEC, and one that is to be cancelled when the clock
 * is set ends then, which its owner is told in almost the same words.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define LOOK_USEC 10000
#define FDS_MAX   4096

struct clocks {
	int64_t slept;
	int64_t set;
};

struct timer {
	clockid_t clock;
	int flags;
	struct itimerspec wanted;
};

static const struct clocks still;
static const volatile struct clocks *clocks = (const volatile struct clocks *)&still;
static struct timer timers[FDS_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* By how many seconds the clock is ahead of the real one. */
static time_t clocks_ahead(clockid_t id)
{
	if (id == CLOCK_BOOTTIME)
		return clocks->slept;
	return id == CLOCK_REALTIME ? clocks->slept + clocks->set : 0;
}

int clock_gettime(clockid_t id, struct timespec *ret)
{
	if (syscall(SYS_clock_gettime, id, ret) < 0)
		return -1;
	ret->tv_sec += clocks_ahead(id);
	return 0;
}

int timerfd_create(clockid_t id, int flags)
{
	int fd = (int)syscall(SYS_timerfd_create, id, flags);

	if (fd >= 0 && fd < FDS_MAX) {
		pthread_mutex_lock(&lock);
		timers[fd] = (struct timer){.clock = id};
		pthread_mutex_unlock(&lock);
	}
	return fd;
}

/* The kernel's clock is behind: so the timer's moment comes that much sooner, or is over. */
static int timer_arm(int fd, const struct timer *timer)
{
	struct itimerspec real = timer->wanted;
	int armed = real.it_value.tv_sec > 0 || real.it_value.tv_nsec > 0;

	if (armed && timer->flags & TFD_TIMER_ABSTIME) {
		real.it_value.tv_sec -= clocks_ahead(timer->clock);
		if (real.it_value.tv_sec < 0)
			real.it_value = (struct timespec){.tv_nsec = 1};
	}
	return (int)syscall(SYS_timerfd_settime, fd, timer->flags, &real, NULL);
}

int timerfd_settime(int fd, int flags, const struct itimerspec *wanted, struct itimerspec *ret_old)
{
	if (fd < 0 || fd >= FDS_MAX || ret_old)
		return (int)syscall(SYS_timerfd_settime, fd, flags, wanted, ret_old);
	pthread_mutex_lock(&lock);
	timers[fd].flags = flags;
	timers[fd].wanted = *wanted;
	int r = timer_arm(fd, &timers[fd]);
	pthread_mutex_unlock(&lock);
	return r;
}

/* A number that is something else's by now is refused by the kernel. */
static void timers_follow(void)
{
	const struct itimerspec at_once = {.it_value.tv_nsec = 1};

	pthread_mutex_lock(&lock);
	for (int fd = 0; fd < FDS_MAX; fd++) {
		if (timers[fd].flags & TFD_TIMER_CANCEL_ON_SET)
			syscall(SYS_timerfd_settime, fd, 0, &at_once, NULL);
		else if (timers[fd].flags & TFD_TIMER_ABSTIME)
			timer_arm(fd, &timers[fd]);
	}
	pthread_mutex_unlock(&lock);
}

static void *clocks_watch(void *unused)
{
	struct clocks seen = {0};

	(void)unused;
	for (;; usleep(LOOK_USEC)) {
		if (seen.slept == clocks->slept && seen.set == clocks->set)
			continue;
		seen = (struct clocks){clocks->slept, clocks->set};
		timers_follow();
	}
	return NULL;
}

/* No signal is this thread's, whatever becomes of the program's. */
__attribute__((constructor)) static void clocks_begin(void)
{
	const char *path = getenv("CLOCKS_FILE");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *shared =
		fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *clocks, PROT_READ, MAP_SHARED, fd, 0);
	sigset_t all, before;
	pthread_t thread;

	if (shared == MAP_FAILED)
		return;
	clocks = shared;
	close(fd);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&thread, NULL, clocks_watch, NULL) != 0)
		abort();
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

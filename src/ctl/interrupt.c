#include "ctl/interrupt.h"

#include <poll.h>
#include <signal.h>

static volatile sig_atomic_t noted;
static bool held;

static void on_signal(int number)
{
	(void)number;
	noted = 1;
}

void interrupt_catch(void)
{
	/* No SA_RESTART: who waits is to wake up. */
	const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

bool interrupted(void)
{
	return noted && !held;
}

void interrupt_hold(bool hold)
{
	held = hold;
}

void interrupt_pause(usec_t duration)
{
	const struct timespec time = {.tv_sec = (time_t)(duration / USEC_PER_SEC),
		.tv_nsec = (long)(duration % USEC_PER_SEC) * 1000};
	sigset_t ending, usual;

	/* They come while we sleep, and not between the look and that. */
	sigemptyset(&ending);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGTERM);
	sigprocmask(SIG_BLOCK, &ending, &usual);
	if (!interrupted())
		ppoll(NULL, 0, &time, &usual);
	sigprocmask(SIG_SETMASK, &usual, NULL);
}

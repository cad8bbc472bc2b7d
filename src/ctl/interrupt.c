#include "ctl/interrupt.h"

#include <signal.h>

static volatile sig_atomic_t noted;

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
	return noted;
}

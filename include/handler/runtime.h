/*
 * One runtime: a process that does invocations, one at a time, and the port on which it asks for
 * them.
 *
 *     starting --asks--> idle --is given work--> busy --answers--> answered --asks--> idle
 *         '-------------------'----- its process ends -----'----------------> gone
 *
 * Owns the process, its port, its pipes and its timer. Loop thread only; never blocks, but for as
 * long as the program takes to load. Callbacks come from the loop, never from inside a function of
 * this header, and none comes after runtime_free(), which may be called from inside any of them.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "handler/lambda_answer.h"
#include "handler/runtime_api.h"
#include "handler/runtime_plan.h"

struct runtime;

struct runtime_events {
	/* It asks for work. */
	void (*ready)(void *userdata, struct runtime *runtime);
	/* Its work is done, well or not; text: why not. It is not ready for more yet. */
	void (*answered)(void *userdata, struct runtime *runtime, bool good, const char *text);
	/*
	 * Its process is gone, and all that it started and left in its group; what it had to do was
	 * not done. text: why, borrowed. Only runtime_free() is left to call.
	 */
	void (*gone)(void *userdata, struct runtime *runtime, const char *text);
	void *userdata;
};

/*
 * Borrows plan and event for its life, copies the events. folder: of the code. ask_limit: for it
 * to ask, after its start and after each answer. 0, or a negative errno and one line.
 */
int runtime_new(sd_event *event, const struct runtime_plan *plan, const char *folder,
	usec_t ask_limit, const struct runtime_events *events, char ret_error[LAMBDA_TEXT_MAX],
	struct runtime **ret);
/* Kills what is still there, unheard; the loop reaps it. Returns NULL. */
struct runtime *runtime_free(struct runtime *runtime);
DEFINE_CLEANUP(struct runtime *, runtime_free)

/* Only to one that is ready. Borrows work until it is answered, or the runtime gone. */
void runtime_give(struct runtime *runtime, const struct runtime_work *work);

/*
 * Ends it: SIGTERM, and SIGKILL after grace; with 0 at once. Then it is gone. What it has to do it
 * may answer until then.
 */
void runtime_end(struct runtime *runtime, usec_t grace);

bool runtime_is_ready(const struct runtime *runtime);
bool runtime_is_ending(const struct runtime *runtime);
unsigned runtime_n_given(const struct runtime *runtime);
/* Bytes resident at most so far; 0: not known. Reads /proc. */
uint64_t runtime_peak_memory(const struct runtime *runtime);

/*
 * What a runtime consists of. For handler/runtime, which is its process, and handler/runtime_talk,
 * which is what it is told and says; nobody else includes it.
 */
#pragma once

#include "handler/output.h"
#include "handler/runtime.h"

enum runtime_state {
	RUNTIME_STARTING,
	RUNTIME_IDLE, /* asks */
	RUNTIME_BUSY,
	RUNTIME_ANSWERED,
};

struct runtime {
	sd_event *event;
	const struct runtime_plan *plan;
	struct runtime_events events;
	enum runtime_state state;
	bool ending;        /* is killed, or will be; what it has to do it may still answer */
	struct child child; /* pid 0: there is none */
	struct http_serve *serve;
	struct serve_request *asking; /* its question for work, not answered yet; or NULL */
	const struct runtime_work *work;
	unsigned n_given;
	usec_t ask_limit;

	struct output output;
	int pipes[OUTPUT_N_STREAMS];
	sd_event_source *readable[OUTPUT_N_STREAMS];
	sd_event_source *ended;
	sd_event_source *timer;
	char text[LAMBDA_TEXT_MAX]; /* why it ends; "": its end will tell */
};

/* All that it wrote until now belongs to what it did until now. */
void runtime_drain_all(struct runtime *runtime);

/* Kills it after so long, unless the timer is switched off before. */
void runtime_arm(struct runtime *runtime, usec_t from_now);

/* From now on it can ask: 0, or a negative errno. */
int runtime_listen(struct runtime *runtime);

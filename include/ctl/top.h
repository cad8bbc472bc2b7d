/*
 * What the parts of nexusctl top share: what is looked at, and how it is shown.
 *
 * All of it is one JSON object, documented in the command's --help: "queue" and "rows" are what the
 * two looks return, or {"error": …}; null before their first answer.
 */
#pragma once

#include <jansson.h>

#include "ctl/screen.h"
#include "ctl/source.h"

#define TOP_JOBS_MAX   100
#define TOP_ERRORS_MAX 5
#define TOP_ENDED_MAX  20000 /* so many rows are counted of those that ended, for each status */

/* The queue and its dead letter queue. Each asks with a connection of its own. */
source_look_fn top_look_queue;
/* The job table. Cheap however large it is: index (status, created_at), and a ceiling. */
source_look_fn top_look_rows;

/* A frame. queue_name, interval: for the title. */
void top_put(struct screen *screen, const json_t *seen, const char *queue_name, usec_t interval);

/* For output that is no terminal: the same as one line of a table, and its titles. */
void top_print_titles(void);
void top_print_line(const json_t *seen);

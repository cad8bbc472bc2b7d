/*
 * What CreateQueue and SetQueueAttributes set of a queue.
 *
 * Settings are read into a copy which then replaces the old as one, so that a request with one bad
 * value changes nothing.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "failure.h"

struct settings {
	unsigned visibility_timeout; /* seconds */
	unsigned message_bytes_max;
	unsigned retention;    /* seconds */
	unsigned delay;        /* seconds */
	unsigned receive_wait; /* seconds */
	char *dead_letter_arn; /* owns; NULL: no redrive policy */
	unsigned max_receive_count;
	json_t *texts; /* owns: attributes that are only kept */
};

/* As a queue has them when nothing is said. */
void settings_init(struct settings *settings);
void settings_copy(struct settings *to, const struct settings *from);
/* from is empty afterwards. */
void settings_move(struct settings *to, struct settings *from);
void settings_done(struct settings *settings);

bool settings_equal(const struct settings *a, const struct settings *b);

/* Applies a map of attributes, name to string. After false the settings may be half changed. */
bool settings_read(struct settings *settings, const json_t *attributes, struct failure *failure);

/* Adds each of them that is set to an object of strings, as GetQueueAttributes shows them. */
void settings_show(const struct settings *settings, json_t *attributes);

/* Does the queue with these settings take the dead letters of the queue with that ARN? */
bool settings_allow_source(const struct settings *settings, const char *arn);

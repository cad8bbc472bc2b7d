/*
 * The two queues as the runbook has them: their names and attributes, and how others differ. Pure.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define BLUEPRINT_NAME_MAX       80 /* as SQS has it */
#define BLUEPRINT_VALUE_MAX      256
#define BLUEPRINT_ATTRIBUTES_MAX 3

struct blueprint_queue {
	char name[BLUEPRINT_NAME_MAX + 1];
	struct blueprint_attribute {
		const char *name; /* as SQS has it */
		char value[BLUEPRINT_VALUE_MAX];
	} attributes[BLUEPRINT_ATTRIBUTES_MAX];
	size_t n_attributes;
};

struct blueprint {
	struct blueprint_queue jobs;
	struct blueprint_queue dead_letters;
};

/* nexus-jobs-ENV and nexus-jobs-dlq-ENV. -EINVAL: no queue's name can be made of it. */
int blueprint_for_environment(const char *environment, struct blueprint *ret);
/*
 * For a queue of any name: nexus-jobs-X has nexus-jobs-dlq-X, another one NAME-dlq. -EINVAL: that
 * would be no queue's name, or the queue is a FIFO queue.
 */
int blueprint_for_queue(const char *name, struct blueprint *ret);

/* Where messages go that are received too often: the queue's last attribute. */
void blueprint_set_dead_letters(struct blueprint *blueprint, const char *arn);

/* Whether a queue's attributes, as SQS has them, say that. */
bool blueprint_agrees(const struct blueprint_attribute *attribute, const json_t *attributes);

/* A value for people: "30s"; "3 receives, then to nexus-jobs-dlq-dev"; value NULL: "not set". */
void blueprint_describe(
	const char *attribute, const char *value, char ret_text[static BLUEPRINT_VALUE_MAX]);

/*
 * The services from which AWS credentials come, on the same port as SQS and told apart from it by
 * what their requests look like: STS, an instance's metadata service, a container's credentials
 * endpoint. One thread.
 */
#pragma once

#include <jansson.h>

#include "container.h"
#include "metadata.h"
#include "sts.h"

struct exchange;
struct service;

struct identity {
	json_t *roles; /* ARN -> terms */
	struct metadata metadata;
	struct container_list containers;
};

struct identity_service {
	/* As what the request counts, for stats and faults, a constant; NULL: not for this one. */
	const char *(*claim)(struct exchange *exchange);
	/* Sets the answer. */
	void (*handle)(struct service *service, struct exchange *exchange);
	/* Sets the answer to an error that a test ordered. */
	void (*refuse)(
		struct exchange *exchange, unsigned status, const char *code, const char *message);
};

void identity_init(struct identity *identity);
void identity_done(struct identity *identity);

/* Whose request it is, a constant, and as what it counts; NULL: none of these. */
const struct identity_service *identity_find(struct exchange *exchange, const char **ret_name);

/* Sets the answer; takes the text. status 0: there is none, ever. */
void identity_reply(struct exchange *exchange, unsigned status, const char *type, char *text);

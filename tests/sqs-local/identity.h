/*
 * The services from which AWS credentials come, on the same port as SQS and told apart from it by
 * what their requests look like: STS, an instance's metadata service, a container's credentials
 * endpoint.
 *
 * What a test has ordered of them is kept as the JSON it came as. One thread.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/clock.h"
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

/* What a term may be; null takes it away. */
enum identity_type {
	IDENTITY_TEXT,
	IDENTITY_NAMES,   /* a list of strings */
	IDENTITY_SECONDS, /* more than 0 and at most 1e9 */
	IDENTITY_STATUS,  /* 0, or a status of HTTP */
	IDENTITY_FLAG,
};

struct identity_term {
	const char *name; /* NULL: the end of the list */
	enum identity_type type;
	bool renews; /* keys that were issued before are not what is asked for any more */
};

/* Changes the terms that are named, and no others. NULL, or what is wrong, a constant. */
const char *identity_change(json_t *terms, const struct identity_term *known, const json_t *change);
/* Do such changes ask for other keys than before? */
bool identity_renews(const struct identity_term *known, const json_t *change);

/* A term, or what is used without it. */
const char *identity_text(const json_t *terms, const char *name, const char *otherwise);
usec_t identity_seconds(const json_t *terms, const char *name, usec_t otherwise);
bool identity_flag(const json_t *terms, const char *name);
/* The term of that name; 0: none, answer as usual. */
unsigned identity_status(const json_t *terms);

/* Sets the answer; takes the text. status 0: there is none, ever. */
void identity_reply(struct exchange *exchange, unsigned status, const char *type, char *text);

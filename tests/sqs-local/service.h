/*
 * The service behind the HTTP front: takes whole requests, and makes their answers now or later.
 *
 * A request is an exchange that lives in the front's memory. After service_begin() it is answered,
 * to be cut off, or held: a long poll without a message, a delay that a test ordered. What is held
 * is looked at again in service_turn(), which tells the front when that made an answer.
 *
 * One thread; nothing blocks. The clock of everything here is the account's.
 */
#pragma once

#include "actions.h"
#include "answer.h"
#include "auth.h"
#include "faults.h"
#include "identity.h"
#include "wire.h"

enum exchange_state {
	EXCHANGE_ANSWERED,
	EXCHANGE_HELD,
	EXCHANGE_CUT, /* close the connection, say nothing */
};

/* What a held exchange waits for. */
enum exchange_stage {
	STAGE_BEGIN,   /* to be acted on */
	STAGE_POLL,    /* a message */
	STAGE_ANSWER,  /* the moment to answer */
	STAGE_NOTHING, /* nothing: it is never answered */
};

struct exchange {
	struct wire wire; /* filled in by the front, as the id is */
	char request_id[RNG_UUID_SIZE];
	struct answer answer;
	enum exchange_state state;

	/* The service's own. */
	enum exchange_stage stage;
	struct deadline held_until;
	struct waiter waiter;
	struct fault_hit fault;
	const char *name; /* as what the request counts, a constant */
	const struct action *action;
	const struct identity_service *identity; /* NULL: SQS */
	json_t *input;
	struct call call;
};

/* What the service asks of the front. */
struct service_front {
	/* A held exchange is not held any more. */
	void (*ready)(struct exchange *exchange);
	/* Has the client closed its side? */
	bool (*gone)(const struct exchange *exchange);
};

struct service {
	struct account account;
	struct key_list *keys; /* borrows */
	struct fault_list faults;
	struct identity identity;
	struct heap held;
	json_t *stats; /* action -> result -> how many */
	int64_t skew;  /* microseconds by which our wall clock is wrong, on a test's order */
	bool strand;   /* hand messages to polls whose client is gone, as AWS may */
	char base_url[64];
	const struct service_front *front; /* borrows */
};

/* Borrows the keys and the options' texts. */
void service_init(
	struct service *service, const struct account_options *options, struct key_list *keys);
void service_done(struct service *service);

/* The request is complete. */
void service_begin(struct service *service, struct exchange *exchange);
/* An answer that goes out in pieces waits for that long; the front is told when it is over. */
void service_pause(struct service *service, struct exchange *exchange, usec_t pause);
/* Nobody needs the exchange any more; held or not. */
void service_end(struct service *service, struct exchange *exchange);

/* Does what is due. How long until the next turn is needed at the latest; USEC_INFINITY: never. */
usec_t service_turn(struct service *service);

/* Lets everything that is held go, to be cut. */
void service_release(struct service *service);

/* Wall clock, with the skew: what signatures are checked against. */
usec_t service_wall_clock(const struct service *service);

/* Sets the answer to that object, which it takes; NULL: an empty body. */
void service_reply(struct exchange *exchange, unsigned status, json_t *body);

/*
 * The actions of the service: what a request asks for, found by name and run.
 */
#pragma once

#include "account.h"
#include "failure.h"
#include "keys.h"

/* The first entries of a batch are refused without a look at them: a test has ordered it. */
struct refusal {
	size_t n_entries;
	const char *code;    /* borrows */
	const char *message; /* borrows */
	bool sender_fault;
};

/* One request, read and authenticated. */
struct call {
	struct account *account;   /* borrows */
	const char *base_url;      /* borrows: what queue URLs begin with */
	const char *sender;        /* borrows for ever: the name of the key */
	const json_t *input;       /* borrows: an object */
	struct local_queue *queue; /* set by action_run() for actions on a queue */
	usec_t begun_at;           /* the account's clock: when it arrived */
	usec_t now;                /* and what it shows now */
	struct refusal refusal;

	json_t *output;    /* the answer, owned; NULL: an empty one, or text */
	char *text;        /* the answer ready made, owned; NULL: output */
	usec_t wait_until; /* not 0: no answer yet, run it again when a message comes or then */
	struct failure failure;

	/* What a receive has handed out, borrowed until anything else runs. */
	struct local_message *taken[ACCOUNT_TAKE_MAX];
	unsigned n_taken;
};

typedef bool action_fn(struct call *call);

struct action {
	const char *name;
	const char *permission; /* as IAM calls it */
	action_fn *run;
	bool on_queue;
};

/* A constant; NULL: SQS knows no such action. */
const struct action *action_find(const char *name);

/* Does what is asked: sets output, wait_until or, returning false, failure. */
bool action_run(const struct action *action, struct call *call);

/* The name in a queue's URL, borrowed from it; "" if it is not the URL of a queue of ours. */
const char *action_queue_name(const struct account *account, const json_t *input);

/* One URL, owned. */
json_t *action_queue_url(const struct call *call, const struct local_queue *queue);

/* queue_actions.c */
action_fn action_create_queue, action_delete_queue, action_get_queue_attributes,
	action_get_queue_url, action_list_queues, action_list_sources, action_purge_queue,
	action_set_queue_attributes;

/* tag_actions.c */
action_fn action_list_tags, action_tag_queue, action_untag_queue;

/* permission_actions.c */
action_fn action_add_permission, action_remove_permission;

/* move_actions.c */
action_fn action_cancel_move, action_list_moves, action_start_move;

/* message_actions.c */
action_fn action_change_visibility, action_change_visibility_batch, action_delete_message,
	action_delete_message_batch, action_send_message, action_send_message_batch;

/* receive_action.c */
action_fn action_receive_message;

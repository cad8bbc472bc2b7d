/*
 * The side for tests, under /_control/ on the same port. Unsigned: the port is on loopback only.
 * JSON both ways; a request that cannot be is answered with 400 and {"error": why}.
 *
 *   GET    stats             {action: {result: how many}}; results are OK, an error's name or its
 *                            status, fault:KIND, gone (a poll whose client had closed), silence
 *                            (never answered). Actions are those of SQS and STS, metadata:token,
 *                            :role, :credentials, :region, :zone, :document, :other, container,
 *                            unknown
 *   DELETE stats             from zero again
 *   GET    queue?name=NAME   settings, counts and every message with state, receives and age
 *   POST   journal           {"on": true}: from now on notes what becomes of every message; false:
 *                            no more. Either way forgets what was noted
 *   GET    journal           what was noted since it was last asked for (journal.h says how)
 *   GET    faults            those that are still to come
 *   POST   faults            adds one, or a list of them (faults.h says what they look like)
 *   DELETE faults            none any more
 *   POST   clock             {"advance": seconds} moves the queues' time on, and with it ends
 *                            delays, visibility timeouts, retention; {"stopped": true} lets nothing
 *                            else move it, until it is false; {"skew": seconds} makes our wall
 *                            clock wrong: signatures are checked against it and Date shows it
 *   POST   keys              {"id", "secret", "token", "actions": [...], "expired"}: adds a key
 *                            or gives it new terms
 *   POST   redeliver         {"queue", "message_id"}: makes a message in flight visible at once,
 *                            while its handle stays good: a duplicate delivery
 *
 * Where credentials come from. A POST changes what it names and leaves the rest as it is; null
 * takes a term away; a DELETE takes everything away. "actions" (default: all) are what the keys
 * that are issued may do, "seconds" is how long they live, also less than AWS would allow.
 *
 *   POST   roles             {"arn", "actions", "seconds" (default: as asked for), "external_id",
 *                            "principal": the access key that may assume it,
 *                            "web_identity_token": the one that is accepted,
 *                            "expired_web_identity_token": one that is called too old}
 *   POST   metadata          {"role", "actions", "seconds",
 *                            "code", "message": these instead of keys, with HTTP's 200,
 *                            "status": every request is answered with it (0: as usual),
 *                            "hop_limit_exceeded": true: nobody answers who asks for a token,
 *                            "same_keys": true: hands out the same keys even when they end,
 *                            "token_seconds": tokens live at most so long, whatever is said}
 *   POST   container         {"id", "token": the Authorization that must come along, "actions",
 *                            "seconds", "status", "body": this instead of keys}
 *                            Naming role, actions or seconds of the last two makes the next keys
 *                            new ones.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

struct exchange;
struct service;
struct wire;

/* NULL, or what is wrong with the request, a constant; *ret: what to answer with, or NULL. */
typedef const char *control_fn(
	struct service *service, const char *query, const json_t *input, json_t **ret);

bool control_is_for(const struct wire *wire);
/* Answers at once. */
void control_handle(struct service *service, struct exchange *exchange);

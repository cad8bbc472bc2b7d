/*
 * The side for tests, under /_control/ on the same port. Unsigned: the port is on loopback only.
 * JSON both ways; a request that cannot be is answered with 400 and {"error": why}.
 *
 *   GET    stats             {action: {result: how many}}; results are OK, an error's name,
 *                            fault:KIND, or gone (a poll whose client had closed)
 *   DELETE stats             from zero again
 *   GET    queue?name=NAME   settings, counts and every message with state, receives and age
 *   GET    faults            those that are still to come
 *   POST   faults            adds one, or a list of them (faults.h says what they look like)
 *   DELETE faults            none any more
 *   POST   clock             {"advance": seconds} moves the queues' time on, and with it ends
 *                            delays, visibility timeouts, retention; {"skew": seconds} makes our
 *                            wall clock wrong: signatures are checked against it and Date shows it
 *   POST   keys              {"id", "secret", "token", "actions": [...], "expired"}: adds a key
 *                            or gives it new terms
 *   POST   redeliver         {"queue", "message_id"}: makes a message in flight visible at once,
 *                            while its handle stays good: a duplicate delivery
 */
#pragma once

#include <stdbool.h>

struct exchange;
struct service;
struct wire;

bool control_is_for(const struct wire *wire);
/* Answers at once. */
void control_handle(struct service *service, struct exchange *exchange);

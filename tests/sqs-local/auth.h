/*
 * Who sent a request: the check of its SigV4 signature, with the answers that AWS gives.
 */
#pragma once

#include "base/clock.h"
#include "failure.h"
#include "keys.h"
#include "wire.h"

#define AUTH_SKEW_MAX (5 * USEC_PER_MIN)

struct auth {
	const struct key_list *keys; /* borrows */
	const char *region;          /* borrows */
	const char *service;         /* a constant: as the scope of the signature names it */
	usec_t clock;                /* the account's, which ends the lives of keys */
};

/* now: wall clock. The key is borrowed. False: refused, and why. */
bool auth_check(const struct auth *auth, const struct wire *wire, usec_t now, struct key **ret_key,
	struct failure *ret_failure);

/*
 * Where the programs that we start get AWS credentials: a container's credential endpoint on
 * loopback, which the AWS SDKs ask by themselves (AWS_CONTAINER_CREDENTIALS_FULL_URI and
 * AWS_CONTAINER_AUTHORIZATION_TOKEN). They get what the store has at that moment and ask again in
 * time: so there is no key in any environment or file, and none grows old.
 *
 * Two things are asked of a client. Its connection must come from a process of our user in a
 * session whose leader is a child of ours: a program that we started, or what it started in its
 * turn that has not left its session and did not outlive it. Another's connection is closed unread.
 * And it must show the token. One port does for all programs: since whoever is started by us may
 * have the same credentials, a port for each would tell apart what need not be, and would keep out
 * nobody else. Whether a program is told of it at all is its section's to say
 * (pass_aws_credentials).
 *
 *     200  {"AccessKeyId": …, "SecretAccessKey": …, "Token": …, "Expiration": …}
 *     403  the token is missing or wrong
 *     404  405  another path, another method
 *     503  there are no credentials yet; the store is told that they are wanted
 *
 * each but the first with {"code": …, "message": …}. The SDKs demand all four texts: the token of
 * credentials that have none is "", and what never expires is said to expire in an hour.
 *
 * Owns its port and its token. Loop thread only. Never blocks, but for the walk through processes
 * of net/peer, once for each connection.
 */
#pragma once

#include "base/cleanup.h"

typedef struct sd_event sd_event;

struct credential_endpoint;
struct credential_store;

/* Listens from now on. Borrows the store. 0, or a negative errno: http_serve_new()'s, or
 * getrandom()'s. */
int credential_endpoint_new(
	sd_event *event, struct credential_store *store, struct credential_endpoint **ret);
/* Wipes the token. Returns NULL. */
struct credential_endpoint *credential_endpoint_free(struct credential_endpoint *endpoint);
DEFINE_CLEANUP(struct credential_endpoint *, credential_endpoint_free)

/* For the two variables; borrowed. The token is a secret. */
const char *credential_endpoint_uri(const struct credential_endpoint *endpoint);
const char *credential_endpoint_token(const struct credential_endpoint *endpoint);

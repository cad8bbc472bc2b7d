/*
 * Who the daemon is to AWS: its credentials and its clock, and what the log says of both.
 *
 * Owns the credential store and the skew. Says once which source was chosen and until when its
 * keys are good, once by how much the clock is off, and that keys cannot be renewed for as long as
 * that lasts; requests for which there are no keys at all say so themselves. Loop thread only.
 */
#pragma once

#include "aws/credential_store.h"

struct identity;

/*
 * Looks for credentials at once. Borrows http and region for its life. 0; -EINVAL: there are none,
 * or what is configured is wrong, editing local files cures it, and the log has said so; -ENOMEM.
 * What somebody else has to be asked for is no error: it comes later.
 */
int identity_new(struct http *http, const char *region, struct identity **ret);
/* Before http. Returns NULL. */
struct identity *identity_free(struct identity *identity);
DEFINE_CLEANUP(struct identity *, identity_free)

/* Borrowed. */
struct credential_store *identity_credentials(struct identity *identity);
struct skew *identity_skew(struct identity *identity);

/* Looks again: on SIGHUP. What becomes of it is logged. */
void identity_reload(struct identity *identity);

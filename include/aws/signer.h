/*
 * Who signs requests to one service in one region: with the store's current credentials, on the
 * service's clock.
 *
 * Owns the signing context and what was learnt of the clock. Where there is nothing to sign with,
 * or AWS does not accept what there is, the store is told to look again, at most once a second: a
 * key that was renewed on disk is there for the next try. A clock of ours that is so far off that
 * signatures are refused is corrected by the Date of an answer; for signatures only.
 *
 * Loop thread only.
 */
#pragma once

#include "aws/credentials.h"
#include "aws/sigv4.h"

struct signer;

/* Borrows the store; copies the rest. 0 or a negative errno. */
int signer_new(struct credential_store *store, const char *region, const char *service,
	struct signer **ret);
/* Returns NULL. */
struct signer *signer_free(struct signer *s);
DEFINE_CLEANUP(struct signer *, signer_free)

const char *signer_region(const struct signer *s);

/* What to sign with now, borrowed until the next turn of the loop; NULL: nothing is there. */
struct credentials *signer_credentials(struct signer *s);
/* Why not: one line, borrowed; "" if that is not known. */
const char *signer_complaint(const struct signer *s);

/* As sigv4_sign(), and its errors. */
int signer_sign(struct signer *s, const struct credentials *c, const struct sigv4_request *request,
	struct sigv4_signed *ret);

/* What an answer's Date header said; NULL is fine. */
void signer_heard_date(struct signer *s, const char *date);
/* AWS did not accept a signature that was made with these. */
void signer_was_refused(struct signer *s, const struct credentials *c);

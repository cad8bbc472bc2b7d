/*
 * Who signs requests to one service in one region, on AWS's clock.
 *
 * Owns the signing context, which remembers the day's key. Loop thread only.
 */
#pragma once

#include "aws/credentials.h"
#include "aws/sigv4.h"
#include "aws/skew.h"
#include "net/http.h"

struct signer;

/* Borrows skew (NULL: our clock is right); copies the rest. 0 or a negative errno. */
int signer_new(
	const struct skew *skew, const char *region, const char *service, struct signer **ret);
/* Returns NULL. */
struct signer *signer_free(struct signer *s);
DEFINE_CLEANUP(struct signer *, signer_free)

const char *signer_region(const struct signer *s);

/*
 * Signs a request to the root of the service at authority. Its headers are then in `room`: its own
 * ones, and those that signing adds, which stay good until the next call. Errors: sigv4_sign()'s.
 */
int signer_sign(struct signer *s, const struct credentials *c, const char *authority,
	struct http_request *request, struct http_header room[static HTTP_HEADERS_MAX]);

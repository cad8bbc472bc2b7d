/*
 * One question to AWS's Security Token Service: the keys of a role, for keys that may assume it
 * (AssumeRole) or for the token of another identity provider (AssumeRoleWithWebIdentity). The
 * "AWS STS API Reference", version 2011-06-15: a form is posted, XML comes back.
 *
 * Whom it asks: AWS_ENDPOINT_URL_STS, or AWS_ENDPOINT_URL, unless
 * AWS_IGNORE_CONFIGURED_ENDPOINT_URLS is true; else the region's own service, with
 * AWS_USE_FIPS_ENDPOINT that with validated cryptography.
 *
 * Asked once, and once more where the refusal has just taught what the right time is; pauses and
 * further tries are the caller's. Each try has 5 s, of which 3 to connect. Token, keys and form are
 * wiped. Loop thread only.
 */
#pragma once

#include "aws/credential_source.h"

#define STS_SESSION_NAME_MAX 64
#define STS_TOKEN_MAX        20000
#define STS_DURATION_MIN     (15 * USEC_PER_MIN)
#define STS_DURATION_MAX     (12 * USEC_PER_HOUR)

/* Copied by sts_start(), but for the keys, which it holds. */
struct sts_request {
	const char *role_arn;
	const char *session_name; /* NULL: made from this machine's name */
	const char *external_id;  /* NULL: none */
	/* Of the keys, from STS_DURATION_MIN to STS_DURATION_MAX; 0: the service's own, an hour. */
	usec_t duration;
	/* Exactly one of them is set. */
	struct credentials *signed_by;
	const char *web_identity_token;
	const char *source; /* what the new credentials' `source` says */
};

struct sts_call;

/*
 * The end of a call, from the loop and never from inside sts_start(); the call is gone when this
 * returns. Takes credentials, which are NULL unless r is 0; text is borrowed, "" if r is 0, and
 * otherwise says in one line why not and what cures it, without a secret.
 *
 *     -EACCES   refused: by a policy, or the keys or the signature are not accepted
 *     -EAGAIN   not now: throttled, out of order, or the token is not good yet or any more, which
 *               whoever renews it cures
 *     -EBADMSG  the answer is not the token service's
 *     -ENOMEM, or what struct http_response has for no answer
 */
typedef void sts_done_fn(void *userdata, int r, const char *text, struct credentials *credentials);

/*
 * Borrows means until the call ends. 0; otherwise no callback comes and ret_text says why:
 * -EINVAL: the request cannot be right, or there is no endpoint to send it to, both of which local
 * files cure; -EAGAIN: the region is not known (yet); -ENOMEM, -EIO.
 */
int sts_start(const struct credential_means *means, const struct sts_request *request,
	sts_done_fn *done, void *userdata, struct sts_call **ret_call,
	char ret_text[static CREDENTIALS_TEXT_MAX]);
/* No callback comes any more. Not from inside it. */
void sts_cancel(struct sts_call *call);

/*
 * What every stage of a signature makes of a complete request, for tests that compare each with
 * what somebody else made of it. Complete: all that is signed stands in its headers or its query.
 */
#pragma once

#include <check.h>

#include "aws/sigv4.h"

struct stages {
	struct strbuf signed_headers;
	struct strbuf canonical_request;
	struct strbuf string_to_sign;
	char signature[SIGV4_HEX_SIZE];
};

static inline void stages_done(struct stages *stages)
{
	strbuf_done(&stages->signed_headers);
	strbuf_done(&stages->canonical_request);
	strbuf_done(&stages->string_to_sign);
}

#define _cleanup_stages_ _cleanup_(stages_done)

static inline void stages_run(struct sigv4 *signer, const char *secret,
	const struct sigv4_scope *scope, const struct sigv4_request *complete, struct stages *ret)
{
	char payload_hash[SIGV4_HEX_SIZE];
	uint8_t key[SIGV4_KEY_BYTES];

	ret->signed_headers = ret->canonical_request = ret->string_to_sign = STRBUF_INIT;
	ck_assert_int_eq(sigv4_hash(signer, complete->body, complete->body_len, payload_hash), 0);
	ck_assert_int_eq(
		sigv4_signed_headers(complete->headers, complete->n_headers, &ret->signed_headers),
		0);
	ck_assert_int_eq(sigv4_canonical_request(complete, strbuf_str(&ret->signed_headers),
				 payload_hash, &ret->canonical_request),
		0);
	ck_assert_int_eq(sigv4_string_to_sign(signer, scope, strbuf_str(&ret->canonical_request),
				 ret->canonical_request.len, &ret->string_to_sign),
		0);
	ck_assert_int_eq(sigv4_key(signer, secret, scope, key), 0);
	ck_assert_int_eq(sigv4_signature(signer, key, strbuf_str(&ret->string_to_sign),
				 ret->string_to_sign.len, ret->signature),
		0);
}

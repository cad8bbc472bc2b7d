/*
 * Signature Version 4: who we are, written under a request so that AWS can check it.
 *
 * Follows "AWS API request signing" of the IAM User Guide. A signature is made in stages, each a
 * function of its own that can be compared with published vectors, or be used by who verifies:
 *
 *     sigv4_signed_headers()      which headers are signed
 *     sigv4_canonical_request()   the request as both sides must write it
 *     sigv4_string_to_sign()      its hash, with time and scope
 *     sigv4_key()                 secret + date + region + service
 *     sigv4_signature()           the HMAC of the one with the other
 *     sigv4_authorization()       the header's value
 *
 * sigv4_sign() and sigv4_presign() do all of them. Nothing here knows the clock, the environment
 * or a connection: the same input gives the same output.
 *
 * struct sigv4 owns the cryptography's contexts, scratch memory and the signing keys of the last
 * few scopes, so that a signature in steady state allocates nothing; all of it is wiped in
 * sigv4_free(). One thread at a time per object. Nothing blocks.
 *
 * Functions return 0 or a negative errno: -EINVAL for input that cannot be signed, -ENOMEM, -EIO
 * when OpenSSL fails. Text is appended to a struct strbuf, whose content is undefined after a
 * failure. All pointers inside the structs are borrowed for the call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/strbuf.h"

#define SIGV4_KEY_BYTES        32
#define SIGV4_HEX_SIZE         65 /* a SHA-256 in lower case hex, and NUL */
#define SIGV4_TIMESTAMP_SIZE   17 /* "20260102T030405Z", and NUL */
#define SIGV4_HEADERS_MAX      64
#define SIGV4_ADDED_MAX        4   /* by signing */
#define SIGV4_SECRET_MAX       255 /* AWS gives 40 */
#define SIGV4_UNSIGNED_PAYLOAD "UNSIGNED-PAYLOAD"

struct sigv4;

struct sigv4_header {
	const char *name;
	const char *value;
};

struct sigv4_keys {
	const char *access_key_id;
	const char *secret_access_key;
	const char *session_token; /* NULL: none */
};

/* When and where a signature is good. The date of the scope is the timestamp's. */
struct sigv4_scope {
	const char *timestamp; /* UTC, as sigv4_format_timestamp() writes it */
	const char *region;
	const char *service;
};

/* Zero is right for every service but S3, where a key may hold "//" and "..". */
enum sigv4_flags {
	SIGV4_KEEP_PATH = 1 << 0,           /* "//", "." and ".." stay in the canonical path */
	SIGV4_ENCODE_ONCE = 1 << 1,         /* the path's percent signs are not encoded again */
	SIGV4_PAYLOAD_HASH_HEADER = 1 << 2, /* X-Amz-Content-Sha256 is sent and signed */
	SIGV4_S3 = SIGV4_KEEP_PATH | SIGV4_ENCODE_ONCE | SIGV4_PAYLOAD_HASH_HEADER,
};

struct sigv4_request {
	const char *method;
	const char *path;  /* as sent, percent-encoded; begins with "/", or is empty */
	const char *query; /* as sent, without "?"; NULL or empty: none */
	/* All that are sent, "host" among them, repeated ones in order of arrival. */
	const struct sigv4_header *headers;
	size_t n_headers;
	const void *body;
	size_t body_len;
	/* NULL: the body's. Else the hash already known, or SIGV4_UNSIGNED_PAYLOAD. */
	const char *payload_hash;
	unsigned flags; /* enum sigv4_flags */
};

/* What to send besides the request's own headers; the values stay good until the next call. */
struct sigv4_signed {
	struct sigv4_header headers[SIGV4_ADDED_MAX];
	size_t n_headers;
};

int sigv4_new(struct sigv4 **ret);
/* Returns NULL. */
struct sigv4 *sigv4_free(struct sigv4 *s);
DEFINE_CLEANUP(struct sigv4 *, sigv4_free)

/* realtime as clock_realtime() gives it, to the second below; -EINVAL after the year 9999. */
int sigv4_format_timestamp(usec_t realtime, char ret[SIGV4_TIMESTAMP_SIZE]);

/*
 * Signs in headers. The request must not hold what signing adds: X-Amz-Date, Authorization, and
 * where they apply X-Amz-Security-Token and X-Amz-Content-Sha256.
 */
int sigv4_sign(struct sigv4 *s, const struct sigv4_keys *keys, const struct sigv4_scope *scope,
	const struct sigv4_request *request, struct sigv4_signed *ret);

/*
 * Signs in the query: appends the whole query to send to ret_query. expires: whole seconds, from
 * one to seven days' worth. Whoever holds the URL holds the permission: it is a secret.
 */
int sigv4_presign(struct sigv4 *s, const struct sigv4_keys *keys, const struct sigv4_scope *scope,
	const struct sigv4_request *request, usec_t expires, struct strbuf *ret_query);

/* ---- The stages ---- */

int sigv4_hash(struct sigv4 *s, const void *data, size_t len, char ret_hex[SIGV4_HEX_SIZE]);

/* Percent-encodes all but A-Z a-z 0-9 - . _ ~ and, with keep_slash, "/". */
int sigv4_encode(const char *text, size_t len, bool keep_slash, struct strbuf *ret);

/*
 * The names to sign, in lower case, sorted, joined by ";": all but those that a proxy may change
 * on the way, and Authorization itself.
 */
int sigv4_signed_headers(const struct sigv4_header *headers, size_t n_headers, struct strbuf *ret);

/*
 * signed_headers decides which headers are in, and in which order, so that a verifier can pass on
 * what it was sent; -EINVAL if the request lacks one of them. payload_hash is taken as it is, the
 * request's own is not looked at.
 */
int sigv4_canonical_request(const struct sigv4_request *request, const char *signed_headers,
	const char *payload_hash, struct strbuf *ret);

int sigv4_string_to_sign(struct sigv4 *s, const struct sigv4_scope *scope, const char *canonical,
	size_t canonical_len, struct strbuf *ret);

/* Remembered by secret, date, region and service. */
int sigv4_key(struct sigv4 *s, const char *secret_access_key, const struct sigv4_scope *scope,
	uint8_t ret_key[SIGV4_KEY_BYTES]);

int sigv4_signature(struct sigv4 *s, const uint8_t key[SIGV4_KEY_BYTES], const char *string_to_sign,
	size_t string_len, char ret_hex[SIGV4_HEX_SIZE]);

int sigv4_authorization(const char *access_key_id, const struct sigv4_scope *scope,
	const char *signed_headers, const char *signature, struct strbuf *ret);

/*
 * The digests of the protocol, on OpenSSL. The algorithms are fetched once: fetching costs more
 * than hashing a request. Main thread only.
 */
#pragma once

#include <stddef.h>

#define DIGEST_MD5_SIZE    16
#define DIGEST_SHA256_SIZE 32

void digest_md5(const void *data, size_t len, unsigned char ret[DIGEST_MD5_SIZE]);
void digest_sha256(const void *data, size_t len, unsigned char ret[DIGEST_SHA256_SIZE]);
void digest_hmac(const void *key, size_t key_len, const void *data, size_t len,
	unsigned char ret[DIGEST_SHA256_SIZE]);

/* Lower case; ret has room for 2 * len + 1. */
void digest_hex(const unsigned char *data, size_t len, char *ret);

/* Gives the algorithms back. */
void digest_done(void);

#include "digest.h"

#include <assert.h>
#include <openssl/evp.h>
#include <string.h>

#define DIGEST_BLOCK_SIZE 64 /* of SHA-256 */

static EVP_MD *md5;
static EVP_MD *sha256;
static EVP_MD_CTX *context;

static void digest_start(EVP_MD **algorithm, const char *name)
{
	if (!*algorithm)
		*algorithm = EVP_MD_fetch(NULL, name, NULL);
	if (!context)
		context = EVP_MD_CTX_new();
	int ok = context && EVP_DigestInit_ex(context, *algorithm, NULL);
	assert(ok);
}

static void digest_add(const void *data, size_t len)
{
	int ok = EVP_DigestUpdate(context, data, len);
	assert(ok);
}

static void digest_end(unsigned char *ret)
{
	int ok = EVP_DigestFinal_ex(context, ret, NULL);
	assert(ok);
}

void digest_md5(const void *data, size_t len, unsigned char ret[DIGEST_MD5_SIZE])
{
	digest_start(&md5, "MD5");
	digest_add(data, len);
	digest_end(ret);
}

void digest_sha256(const void *data, size_t len, unsigned char ret[DIGEST_SHA256_SIZE])
{
	digest_start(&sha256, "SHA256");
	digest_add(data, len);
	digest_end(ret);
}

/* RFC 2104, by hand: OpenSSL's HMAC() looks its algorithm up anew at every call. */
void digest_hmac(const void *key, size_t key_len, const void *data, size_t len,
	unsigned char ret[DIGEST_SHA256_SIZE])
{
	unsigned char block[DIGEST_BLOCK_SIZE] = {0};

	if (key_len > sizeof block)
		digest_sha256(key, key_len, block);
	else
		memcpy(block, key, key_len);

	for (size_t i = 0; i < sizeof block; i++)
		block[i] ^= 0x36;
	digest_start(&sha256, "SHA256");
	digest_add(block, sizeof block);
	digest_add(data, len);
	digest_end(ret);

	for (size_t i = 0; i < sizeof block; i++)
		block[i] ^= 0x36 ^ 0x5c;
	digest_start(&sha256, "SHA256");
	digest_add(block, sizeof block);
	digest_add(ret, DIGEST_SHA256_SIZE);
	digest_end(ret);
}

void digest_hex(const unsigned char *data, size_t len, char *ret)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		ret[2 * i] = digits[data[i] >> 4];
		ret[2 * i + 1] = digits[data[i] & 15];
	}
	ret[2 * len] = '\0';
}

void digest_done(void)
{
	EVP_MD_CTX_free(context);
	EVP_MD_free(md5);
	EVP_MD_free(sha256);
	context = NULL;
	md5 = sha256 = NULL;
}

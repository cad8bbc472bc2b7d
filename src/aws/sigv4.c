#include "aws/sigv4.h"

#include <assert.h>
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>
#include <time.h>

#define ALGORITHM  "AWS4-HMAC-SHA256"
#define TERMINATOR "aws4_request"

#define HASH_BYTES  32
#define DATE_LEN    8 /* of a timestamp */
#define SCOPE_MAX   128
#define KEYS_MAX    4 /* two services on both sides of midnight */
#define EXPIRES_MAX (7 * 24 * USEC_PER_HOUR)

/*
 * A key by all that it depends on. The secret and not the access key id: somebody may correct a
 * secret under the same id.
 */
struct remembered_key {
	char secret[SIGV4_SECRET_MAX + 1];
	char scope[SCOPE_MAX];
	uint8_t key[SIGV4_KEY_BYTES];
};

struct sigv4 {
	/* Fetched once: OpenSSL 3 would search its providers for each signature. */
	EVP_MD *sha256;
	EVP_MD_CTX *digest;
	EVP_MAC *hmac;
	EVP_MAC_CTX *mac;

	struct remembered_key keys[KEYS_MAX];
	unsigned next_key;

	/* Scratch memory, and the values of what sigv4_sign() returns. */
	struct strbuf signed_headers;
	struct strbuf canonical;
	struct strbuf string_to_sign;
	struct strbuf authorization;
	char timestamp[SIGV4_TIMESTAMP_SIZE];
	char payload_hash[SIGV4_HEX_SIZE];
};

int sigv4_new(struct sigv4 **ret)
{
	_cleanup_(sigv4_freep) struct sigv4 *s = calloc(1, sizeof *s);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0),
		OSSL_PARAM_construct_end(),
	};

	if (!s)
		return -ENOMEM;
	s->signed_headers = s->canonical = s->string_to_sign = s->authorization = STRBUF_INIT;

	s->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	s->digest = EVP_MD_CTX_new();
	s->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	s->mac = s->hmac ? EVP_MAC_CTX_new(s->hmac) : NULL;
	if (!s->sha256 || !s->digest || !s->mac || !EVP_MAC_CTX_set_params(s->mac, params))
		return -EIO;

	*ret = TAKE_PTR(s);
	return 0;
}

struct sigv4 *sigv4_free(struct sigv4 *s)
{
	if (!s)
		return NULL;
	strbuf_wipe(&s->signed_headers);
	strbuf_wipe(&s->canonical);
	strbuf_wipe(&s->string_to_sign);
	strbuf_wipe(&s->authorization);
	EVP_MAC_CTX_free(s->mac);
	EVP_MAC_free(s->hmac);
	EVP_MD_CTX_free(s->digest);
	EVP_MD_free(s->sha256);
	explicit_bzero(s->keys, sizeof s->keys);
	free(s);
	return NULL;
}

int sigv4_format_timestamp(usec_t realtime, char ret[SIGV4_TIMESTAMP_SIZE])
{
	time_t seconds = (time_t)(realtime / USEC_PER_SEC);
	char text[SIGV4_TIMESTAMP_SIZE];
	struct tm tm;

	/* Without room for it, a fifth digit of the year makes strftime() return 0. */
	if (!gmtime_r(&seconds, &tm) ||
		strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &tm) != sizeof text - 1)
		return -EINVAL;
	memcpy(ret, text, sizeof text);
	return 0;
}

/* ---- The stages ---- */

static bool timestamp_is_valid(const char *timestamp)
{
	static const char FORM[] = "00000000T000000Z";

	for (size_t i = 0; i < sizeof FORM; i++) {
		bool is_digit = timestamp[i] >= '0' && timestamp[i] <= '9';
		if (FORM[i] == '0' ? !is_digit : timestamp[i] != FORM[i])
			return false;
	}
	return true;
}

/* "20150830/us-east-1/sqs/aws4_request" */
static int format_scope(const struct sigv4_scope *scope, char ret[SCOPE_MAX])
{
	size_t len = DATE_LEN + strlen("/") + strlen(scope->region) + strlen("/") +
		     strlen(scope->service) + strlen("/" TERMINATOR);

	if (!timestamp_is_valid(scope->timestamp) || len >= SCOPE_MAX)
		return -EINVAL;
	char *at = stpcpy(mempcpy(ret, scope->timestamp, DATE_LEN), "/");
	at = stpcpy(stpcpy(at, scope->region), "/");
	stpcpy(stpcpy(at, scope->service), "/" TERMINATOR);
	return 0;
}

static void format_hex(const uint8_t bytes[HASH_BYTES], char ret_hex[SIGV4_HEX_SIZE])
{
	static const char HEX[] = "0123456789abcdef";

	for (size_t i = 0; i < HASH_BYTES; i++) {
		ret_hex[2 * i] = HEX[bytes[i] >> 4];
		ret_hex[2 * i + 1] = HEX[bytes[i] & 15];
	}
	ret_hex[2 * HASH_BYTES] = '\0';
}

int sigv4_hash(struct sigv4 *s, const void *data, size_t len, char ret_hex[SIGV4_HEX_SIZE])
{
	uint8_t hash[HASH_BYTES];

	if (!EVP_DigestInit_ex2(s->digest, s->sha256, NULL) ||
		!EVP_DigestUpdate(s->digest, data, len) ||
		!EVP_DigestFinal_ex(s->digest, hash, NULL))
		return -EIO;
	format_hex(hash, ret_hex);
	return 0;
}

static int hmac(struct sigv4 *s, const void *key, size_t key_len, const void *data, size_t len,
	uint8_t ret[HASH_BYTES])
{
	size_t ret_len;

	if (!EVP_MAC_init(s->mac, key, key_len, NULL) || !EVP_MAC_update(s->mac, data, len) ||
		!EVP_MAC_final(s->mac, ret, &ret_len, HASH_BYTES))
		return -EIO;
	return 0;
}

int sigv4_string_to_sign(struct sigv4 *s, const struct sigv4_scope *scope, const char *canonical,
	size_t canonical_len, struct strbuf *ret)
{
	char text[SCOPE_MAX], hash[SIGV4_HEX_SIZE];

	int r = format_scope(scope, text);
	if (r < 0)
		return r;
	r = sigv4_hash(s, canonical, canonical_len, hash);
	if (r < 0)
		return r;

	strbuf_puts(ret, ALGORITHM "\n");
	strbuf_puts(ret, scope->timestamp);
	strbuf_putc(ret, '\n');
	strbuf_puts(ret, text);
	strbuf_putc(ret, '\n');
	return strbuf_puts(ret, hash);
}

static int derive_key(struct sigv4 *s, const char *secret, const struct sigv4_scope *scope,
	uint8_t ret_key[SIGV4_KEY_BYTES])
{
	char seed[4 + SIGV4_SECRET_MAX + 1] = "AWS4";
	uint8_t key[SIGV4_KEY_BYTES];

	strcpy(seed + 4, secret);
	int r = hmac(s, seed, strlen(seed), scope->timestamp, DATE_LEN, key);
	if (r == 0)
		r = hmac(s, key, sizeof key, scope->region, strlen(scope->region), key);
	if (r == 0)
		r = hmac(s, key, sizeof key, scope->service, strlen(scope->service), key);
	if (r == 0)
		r = hmac(s, key, sizeof key, TERMINATOR, strlen(TERMINATOR), ret_key);
	OPENSSL_cleanse(seed, sizeof seed);
	OPENSSL_cleanse(key, sizeof key);
	return r;
}

int sigv4_key(struct sigv4 *s, const char *secret_access_key, const struct sigv4_scope *scope,
	uint8_t ret_key[SIGV4_KEY_BYTES])
{
	char text[SCOPE_MAX];

	if (strlen(secret_access_key) > SIGV4_SECRET_MAX)
		return -EINVAL;
	int r = format_scope(scope, text);
	if (r < 0)
		return r;

	for (size_t i = 0; i < KEYS_MAX; i++) {
		const struct remembered_key *k = &s->keys[i];
		if (strcmp(k->scope, text) == 0 && strcmp(k->secret, secret_access_key) == 0) {
			memcpy(ret_key, k->key, sizeof k->key);
			return 0;
		}
	}

	r = derive_key(s, secret_access_key, scope, ret_key);
	if (r < 0)
		return r;
	struct remembered_key *k = &s->keys[s->next_key++ % KEYS_MAX];
	explicit_bzero(k, sizeof *k);
	strcpy(k->secret, secret_access_key);
	strcpy(k->scope, text);
	memcpy(k->key, ret_key, sizeof k->key);
	return 0;
}

int sigv4_signature(struct sigv4 *s, const uint8_t key[SIGV4_KEY_BYTES], const char *string_to_sign,
	size_t string_len, char ret_hex[SIGV4_HEX_SIZE])
{
	uint8_t signature[HASH_BYTES];

	int r = hmac(s, key, SIGV4_KEY_BYTES, string_to_sign, string_len, signature);
	if (r < 0)
		return r;
	format_hex(signature, ret_hex);
	return 0;
}

int sigv4_authorization(const char *access_key_id, const struct sigv4_scope *scope,
	const char *signed_headers, const char *signature, struct strbuf *ret)
{
	char text[SCOPE_MAX];

	int r = format_scope(scope, text);
	if (r < 0)
		return r;
	strbuf_puts(ret, ALGORITHM " Credential=");
	strbuf_puts(ret, access_key_id);
	strbuf_putc(ret, '/');
	strbuf_puts(ret, text);
	strbuf_puts(ret, ", SignedHeaders=");
	strbuf_puts(ret, signed_headers);
	strbuf_puts(ret, ", Signature=");
	return strbuf_puts(ret, signature);
}

/* ---- All stages at once ---- */

/* The payload's line of the canonical request, into s->payload_hash. */
static int hash_payload(struct sigv4 *s, const struct sigv4_request *request)
{
	if (!request->payload_hash)
		return sigv4_hash(s, request->body, request->body_len, s->payload_hash);
	if (strlen(request->payload_hash) >= sizeof s->payload_hash)
		return -EINVAL;
	strcpy(s->payload_hash, request->payload_hash);
	return 0;
}

/* From the request, complete but for the signature, and s->signed_headers and s->payload_hash. */
static int sign_canonical(struct sigv4 *s, const struct sigv4_keys *keys,
	const struct sigv4_scope *scope, const struct sigv4_request *request,
	char ret_hex[SIGV4_HEX_SIZE])
{
	uint8_t key[SIGV4_KEY_BYTES];

	strbuf_reset(&s->canonical);
	int r = sigv4_canonical_request(
		request, strbuf_str(&s->signed_headers), s->payload_hash, &s->canonical);
	if (r < 0)
		return r;
	strbuf_reset(&s->string_to_sign);
	r = sigv4_string_to_sign(s, scope, s->canonical.data, s->canonical.len, &s->string_to_sign);
	if (r < 0)
		return r;
	r = sigv4_key(s, keys->secret_access_key, scope, key);
	if (r < 0)
		return r;
	r = sigv4_signature(s, key, s->string_to_sign.data, s->string_to_sign.len, ret_hex);
	OPENSSL_cleanse(key, sizeof key);
	return r;
}

static void add_header(struct sigv4_signed *to, const char *name, const char *value)
{
	to->headers[to->n_headers++] = (struct sigv4_header){name, value};
}

int sigv4_sign(struct sigv4 *s, const struct sigv4_keys *keys, const struct sigv4_scope *scope,
	const struct sigv4_request *request, struct sigv4_signed *ret)
{
	struct sigv4_header headers[SIGV4_HEADERS_MAX];
	struct sigv4_request complete = *request;
	struct sigv4_signed added = {0};
	char signature[SIGV4_HEX_SIZE];

	if (request->n_headers > SIGV4_HEADERS_MAX - 3)
		return -EINVAL;
	int r = hash_payload(s, request);
	if (r < 0)
		return r;
	if (!timestamp_is_valid(scope->timestamp))
		return -EINVAL;
	strcpy(s->timestamp, scope->timestamp);

	add_header(&added, "X-Amz-Date", s->timestamp);
	if (keys->session_token)
		add_header(&added, "X-Amz-Security-Token", keys->session_token);
	if (request->flags & SIGV4_PAYLOAD_HASH_HEADER)
		add_header(&added, "X-Amz-Content-Sha256", s->payload_hash);
	if (request->n_headers > 0)
		memcpy(headers, request->headers, request->n_headers * sizeof *headers);
	memcpy(headers + request->n_headers, added.headers, added.n_headers * sizeof *headers);
	complete.headers = headers;
	complete.n_headers += added.n_headers;

	strbuf_reset(&s->signed_headers);
	r = sigv4_signed_headers(complete.headers, complete.n_headers, &s->signed_headers);
	if (r < 0)
		return r;
	r = sign_canonical(s, keys, scope, &complete, signature);
	if (r < 0)
		return r;
	strbuf_reset(&s->authorization);
	r = sigv4_authorization(keys->access_key_id, scope, strbuf_str(&s->signed_headers),
		signature, &s->authorization);
	if (r < 0)
		return r;
	add_header(&added, "Authorization", strbuf_str(&s->authorization));
	*ret = added;
	return 0;
}

static void append_parameter(struct strbuf *query, const char *name, const char *value)
{
	if (query->len > 0)
		strbuf_putc(query, '&');
	strbuf_puts(query, name);
	strbuf_putc(query, '=');
	sigv4_encode(value, strlen(value), false, query);
}

/* The request's own query, and behind it all that the signature is to cover. */
static int append_presigned_query(const struct sigv4_keys *keys, const struct sigv4_scope *scope,
	const struct sigv4_request *request, usec_t expires, const char *signed_headers,
	struct strbuf *ret)
{
	_cleanup_strbuf_ struct strbuf credential = STRBUF_INIT;
	char text[SCOPE_MAX], seconds[24];

	int r = format_scope(scope, text);
	if (r < 0)
		return r;
	r = strbuf_printf(&credential, "%s/%s", keys->access_key_id, text);
	if (r < 0)
		return r;
	snprintf(seconds, sizeof seconds, "%llu", (unsigned long long)(expires / USEC_PER_SEC));

	if (request->query)
		strbuf_puts(ret, request->query);
	append_parameter(ret, "X-Amz-Algorithm", ALGORITHM);
	append_parameter(ret, "X-Amz-Credential", strbuf_str(&credential));
	append_parameter(ret, "X-Amz-Date", scope->timestamp);
	append_parameter(ret, "X-Amz-Expires", seconds);
	append_parameter(ret, "X-Amz-SignedHeaders", signed_headers);
	if (keys->session_token)
		append_parameter(ret, "X-Amz-Security-Token", keys->session_token);
	return ret->error;
}

int sigv4_presign(struct sigv4 *s, const struct sigv4_keys *keys, const struct sigv4_scope *scope,
	const struct sigv4_request *request, usec_t expires, struct strbuf *ret_query)
{
	_cleanup_(strbuf_wipe) struct strbuf query = STRBUF_INIT;
	struct sigv4_request complete = *request;
	char signature[SIGV4_HEX_SIZE];

	if (expires < USEC_PER_SEC || expires > EXPIRES_MAX || expires % USEC_PER_SEC != 0)
		return -EINVAL;
	int r = hash_payload(s, request);
	if (r < 0)
		return r;
	strbuf_reset(&s->signed_headers);
	r = sigv4_signed_headers(request->headers, request->n_headers, &s->signed_headers);
	if (r < 0)
		return r;
	r = append_presigned_query(
		keys, scope, request, expires, strbuf_str(&s->signed_headers), &query);
	if (r < 0)
		return r;

	complete.query = strbuf_str(&query);
	r = sign_canonical(s, keys, scope, &complete, signature);
	if (r < 0)
		return r;
	append_parameter(&query, "X-Amz-Signature", signature);
	if (query.error < 0)
		return query.error;
	return strbuf_append(ret_query, query.data, query.len);
}

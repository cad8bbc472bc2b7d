#include "issuer.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <time.h>

#include "must.h"
#include "service.h"

#define ISSUER_REFRESH     (5 * USEC_PER_MIN)
#define ISSUER_ID_LEN      16
#define ISSUER_ROLE_ID_LEN 17

static void issuer_random(void *ret, size_t size)
{
	int r = RAND_bytes(ret, (int)size);

	assert(r == 1);
}

/* n letters and digits, one for each byte. */
static void issuer_letters(const unsigned char *bytes, size_t n, char *ret)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

	for (size_t i = 0; i < n; i++)
		ret[i] = letters[bytes[i] % 32];
	ret[n] = '\0';
}

void issuer_text(char *ret, size_t size)
{
	unsigned char bytes[512];
	size_t n = (size - 1) / 4 * 3;

	assert(n <= sizeof bytes);
	issuer_random(bytes, n);
	EVP_EncodeBlock((unsigned char *)ret, bytes, (int)n);
}

void issuer_moment(usec_t at, char ret[ISSUER_MOMENT_SIZE])
{
	time_t seconds = (time_t)(at / USEC_PER_SEC);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(ret, ISSUER_MOMENT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static const char *issuer_role_name(const char *arn)
{
	const char *slash = strrchr(arn, '/');

	return slash ? slash + 1 : arn;
}

char *issuer_session_arn(const struct grant *grant)
{
	char account[13] = "", *arn;

	sscanf(grant->role_arn, "arn:%*[^:]:iam::%12[0-9]:", account);
	int len = asprintf(&arn, "arn:aws:sts::%s:assumed-role/%s/%s", account,
		issuer_role_name(grant->role_arn), grant->session);
	assert(len > 0);
	return arn;
}

char *issuer_user_id(const struct grant *grant)
{
	unsigned char hash[DIGEST_SHA256_SIZE];
	char role[ISSUER_ROLE_ID_LEN + 1], *id;

	/* A role has one for ever. */
	digest_sha256(grant->role_arn, strlen(grant->role_arn), hash);
	issuer_letters(hash, ISSUER_ROLE_ID_LEN, role);
	int len = asprintf(&id, "AROA%s:%s", role, grant->session);
	assert(len > 0);
	return id;
}

static void issuer_register(
	struct service *service, const struct grant *grant, const struct issued *issued)
{
	_cleanup_free_ char *actions = keys_join(grant->actions);
	_cleanup_free_ char *arn = issuer_session_arn(grant);
	_cleanup_free_ char *user_id = issuer_user_id(grant);

	keys_set(service->keys, &(struct key_terms){
					.id = issued->id,
					.secret = issued->secret,
					.token = issued->token,
					.actions = actions,
					.arn = arn,
					.user_id = user_id,
					.expires_at = issued->expires_at,
				});
}

void issuer_issue(struct service *service, const struct grant *grant, struct issued *ret)
{
	usec_t wall = service_wall_clock(service), ends = wall + grant->lifetime;
	unsigned char bytes[ISSUER_ID_LEN];

	issuer_random(bytes, sizeof bytes);
	memcpy(ret->id, "ASIA", 4);
	issuer_letters(bytes, sizeof bytes, ret->id + 4);
	issuer_text(ret->secret, sizeof ret->secret);
	issuer_text(ret->token, sizeof ret->token);

	ends += (USEC_PER_SEC - ends % USEC_PER_SEC) % USEC_PER_SEC;
	issuer_moment(wall, ret->issued);
	issuer_moment(ends, ret->expiration);
	ret->issued_at = account_now(&service->account);
	ret->expires_at = ret->issued_at + (ends - wall);
	issuer_register(service, grant, ret);
}

void issuer_refresh(
	struct service *service, const struct grant *grant, bool keep, struct issued *issued)
{
	usec_t life = issued->expires_at - issued->issued_at;
	usec_t left = usec_sub(issued->expires_at, account_now(&service->account));

	if (!*issued->id || (!keep && left <= usec_min(ISSUER_REFRESH, life / 3)))
		issuer_issue(service, grant, issued);
}

void issuer_forget(struct issued *issued)
{
	OPENSSL_cleanse(issued, sizeof *issued);
}

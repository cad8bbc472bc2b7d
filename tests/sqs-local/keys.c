#include "keys.h"

#include <openssl/crypto.h>
#include <stdio.h>

#include "base/strbuf.h"
#include "must.h"

static char *keys_copy(const char *text)
{
	return text ? must_strdup(text) : NULL;
}

static void keys_clear(struct key *key)
{
	if (key->secret)
		OPENSSL_cleanse(key->secret, strlen(key->secret));
	OPENSSL_cleanse(key->signing_key, sizeof key->signing_key);
	free(key->secret);
	free(key->token);
	free(key->actions);
	free(key->arn);
	free(key->user_id);
}

static void keys_fill(struct key *key, const struct key_terms *terms)
{
	key->secret = must_strdup(terms->secret);
	key->token = keys_copy(terms->token);
	key->actions = keys_copy(terms->actions);
	key->arn = keys_copy(terms->arn);
	key->user_id = keys_copy(terms->user_id);
	key->expired = terms->expired;
	key->expires_at = terms->expires_at;
	key->signing_day[0] = '\0';
}

void keys_set(struct key_list *keys, const struct key_terms *terms)
{
	struct key *key = keys_find(keys, terms->id);

	if (key) {
		keys_clear(key);
		keys_fill(key, terms);
		return;
	}
	key = must_zalloc(sizeof *key);
	key->id = must_strdup(terms->id);
	keys_fill(key, terms);
	LIST_INSERT_HEAD(keys, key, next);
}

bool keys_parse(struct key_list *keys, const char *text)
{
	_cleanup_free_ char *copy = must_strdup(text);
	struct key_terms terms = {0};
	char *rest = copy;

	terms.id = strsep(&rest, ":");
	terms.secret = strsep(&rest, ":");
	terms.actions = rest;
	if (!*terms.id || !terms.secret || !*terms.secret)
		return false;
	keys_set(keys, &terms);
	OPENSSL_cleanse(copy, strlen(text));
	return true;
}

struct key *keys_find(const struct key_list *keys, const char *id)
{
	struct key *key;

	LIST_FOREACH(key, keys, next)
	{
		if (strcmp(key->id, id) == 0)
			return key;
	}
	return NULL;
}

void keys_done(struct key_list *keys)
{
	struct key *key;

	while ((key = LIST_FIRST(keys))) {
		LIST_REMOVE(key, next);
		keys_clear(key);
		free(key->id);
		free(key);
	}
}

char *keys_join(const json_t *names)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	const json_t *name;
	size_t i;

	if (!json_is_array(names))
		return NULL;
	json_array_foreach (names, i, name) {
		if (!json_is_string(name))
			return NULL;
		strbuf_printf(&text, "%s%s", i > 0 ? "," : "", json_string_value(name));
	}
	return strbuf_take(&text);
}

bool key_allows(const struct key *key, const char *action)
{
	size_t len = strlen(action);

	if (!key->actions)
		return true;
	for (const char *at = key->actions; *at;) {
		size_t n = strcspn(at, ",");
		if (n == len && memcmp(at, action, len) == 0)
			return true;
		at += n;
		at += *at == ',';
	}
	return false;
}

bool key_expired(const struct key *key, usec_t now)
{
	return key->expired || (key->expires_at > 0 && key->expires_at <= now);
}

char *key_arn(const struct key *key, const char *account_id)
{
	char *arn;

	if (key->arn)
		return must_strdup(key->arn);
	int len = asprintf(&arn, "arn:aws:iam::%s:user/%s", account_id, key->id);
	assert(len > 0);
	return arn;
}

const unsigned char *key_signing(
	struct key *key, const char *day, const char *region, const char *service)
{
	_cleanup_free_ char *start = NULL;
	unsigned char *k = key->signing_key;

	if (strcmp(key->signing_day, day) == 0 && strcmp(key->signing_service, service) == 0)
		return k;

	int len = asprintf(&start, "AWS4%s", key->secret);
	assert(len > 0);
	digest_hmac(start, (size_t)len, day, strlen(day), k);
	digest_hmac(k, DIGEST_SHA256_SIZE, region, strlen(region), k);
	digest_hmac(k, DIGEST_SHA256_SIZE, service, strlen(service), k);
	digest_hmac(k, DIGEST_SHA256_SIZE, "aws4_request", 12, k);
	OPENSSL_cleanse(start, (size_t)len);
	snprintf(key->signing_day, sizeof key->signing_day, "%s", day);
	snprintf(key->signing_service, sizeof key->signing_service, "%s", service);
	return k;
}

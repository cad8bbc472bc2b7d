/*
 * 2,000 random requests that botocore has signed (tests/data/sigv4/gen_sigv4_vectors.py), replayed
 * stage by stage and as a whole.
 */
#include <check.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "../support/test_suite.h"
#include "aws/sigv4.h"
#include "sigv4_stages.h"

#define VECTORS "tests/data/sigv4/vectors.jsonl.gz"

static const char *const KINDS[] = {"sqs", "sts", "logs", "s3", "generic", "query"};
#define N_KINDS (N_OF(KINDS))

/* Each kind has a sixth of them, give or take chance. */
#define KIND_VECTORS_MIN 300

/* A vector as its request, and what the stages need besides. */
struct replay {
	const json_t *vector;
	const json_t *expected;
	struct sigv4_keys keys;
	struct sigv4_scope scope;
	struct sigv4_header headers[SIGV4_HEADERS_MAX];
	struct sigv4_request request;
	unsigned char body[8192];
};

static struct sigv4 *signer;

static void setup(void)
{
	ck_assert_int_eq(sigv4_new(&signer), 0);
}

static void teardown(void)
{
	signer = sigv4_free(signer);
}

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static int number_of(const struct replay *replay)
{
	return (int)json_integer_value(json_object_get(replay->vector, "id"));
}

#define expect_text(replay, key, actual)                                                           \
	ck_assert_msg(strcmp(text_of((replay)->expected, key), actual) == 0,                       \
		"vector %d: %s is\n%s\nbut should be\n%s", number_of(replay), key, actual,         \
		text_of((replay)->expected, key))

static void add_header(struct replay *replay, const char *name, const char *value)
{
	replay->headers[replay->request.n_headers++] = (struct sigv4_header){name, value};
}

static void read_body(struct replay *replay, const char *base64)
{
	size_t len = strlen(base64);

	ck_assert_uint_le(len / 4 * 3, sizeof replay->body);
	int n = EVP_DecodeBlock(replay->body, (const unsigned char *)base64, (int)len);
	ck_assert_int_ge(n, 0);
	while (len > 0 && base64[len - 1] == '=') {
		len--;
		n--;
	}
	replay->request.body = replay->body;
	replay->request.body_len = (size_t)n;
}

static void read_vector(struct replay *replay, const json_t *vector)
{
	json_t *header;
	size_t i;

	*replay = (struct replay){
		.vector = vector,
		.expected = json_object_get(vector, "expect"),
		.keys = {text_of(vector, "access_key"), text_of(vector, "secret_key"),
			text_of(vector, "token")},
		.scope = {text_of(vector, "timestamp"), text_of(vector, "region"),
			text_of(vector, "service")},
		.request = {.method = text_of(vector, "method"),
			.path = text_of(vector, "path"),
			.query = text_of(vector, "query")},
	};
	replay->request.headers = replay->headers;
	if (!json_is_true(json_object_get(vector, "normalize")))
		replay->request.flags |= SIGV4_KEEP_PATH;
	if (!json_is_true(json_object_get(vector, "double_encode")))
		replay->request.flags |= SIGV4_ENCODE_ONCE;
	if (json_is_true(json_object_get(vector, "payload_hash_header")))
		replay->request.flags |= SIGV4_PAYLOAD_HASH_HEADER;

	json_array_foreach (json_object_get(vector, "headers"), i, header)
		add_header(replay, json_string_value(json_array_get(header, 0)),
			json_string_value(json_array_get(header, 1)));
	add_header(replay, "Host", text_of(vector, "host"));
	read_body(replay, text_of(vector, "body_b64"));
}

static void expect_stages(const struct replay *replay, const struct sigv4_request *complete)
{
	_cleanup_stages_ struct stages stages;

	stages_run(signer, replay->keys.secret_access_key, &replay->scope, complete, &stages);
	expect_text(replay, "signed_headers", strbuf_str(&stages.signed_headers));
	expect_text(replay, "canonical_request", strbuf_str(&stages.canonical_request));
	expect_text(replay, "string_to_sign", strbuf_str(&stages.string_to_sign));
	expect_text(replay, "signature", stages.signature);
}

static void expect_added(const struct replay *replay, const struct sigv4_signed *added)
{
	const json_t *expected = json_object_get(replay->expected, "added_headers"), *header;
	size_t i;

	ck_assert_uint_eq(added->n_headers, json_array_size(expected) + 1);
	json_array_foreach (expected, i, header) {
		const char *name = json_string_value(json_array_get(header, 0));
		const char *value = json_string_value(json_array_get(header, 1));
		size_t at = 0;

		while (at < added->n_headers && strcasecmp(added->headers[at].name, name) != 0)
			at++;
		ck_assert_msg(at < added->n_headers, "vector %d lacks %s", number_of(replay), name);
		ck_assert_str_eq(added->headers[at].value, value);
	}
}

static void replay_in_headers(struct replay *replay)
{
	struct sigv4_request complete = replay->request;
	struct sigv4_signed added;

	ck_assert_int_eq(
		sigv4_sign(signer, &replay->keys, &replay->scope, &replay->request, &added), 0);
	expect_added(replay, &added);
	expect_text(replay, "authorization", added.headers[added.n_headers - 1].value);

	for (size_t i = 0; i + 1 < added.n_headers; i++)
		replay->headers[complete.n_headers++] = added.headers[i];
	expect_stages(replay, &complete);
}

static void replay_in_query(struct replay *replay)
{
	_cleanup_strbuf_ struct strbuf query = STRBUF_INIT, url = STRBUF_INIT;
	struct sigv4_request complete = replay->request;
	json_int_t seconds = json_integer_value(json_object_get(replay->vector, "expires"));

	ck_assert_int_eq(sigv4_presign(signer, &replay->keys, &replay->scope, &replay->request,
				 (usec_t)seconds * USEC_PER_SEC, &query),
		0);
	strbuf_printf(&url, "%s://%s%s?%s", text_of(replay->vector, "scheme"),
		text_of(replay->vector, "host"), replay->request.path, strbuf_str(&query));
	expect_text(replay, "query_url", strbuf_str(&url));

	strbuf_truncate(&query, (size_t)(strstr(query.data, "&X-Amz-Signature=") - query.data));
	complete.query = strbuf_str(&query);
	expect_stages(replay, &complete);
}

START_TEST(every_request_is_signed_as_botocore_signs_it)
{
	FILE *lines = popen("gzip -dc " VECTORS, "r");
	_cleanup_free_ char *line = NULL;
	size_t capacity = 0;
	unsigned n_replayed = 0;

	ck_assert_ptr_nonnull(lines);
	while (getline(&line, &capacity, lines) > 0) {
		json_t *vector = json_loads(line, 0, NULL);
		struct replay replay;

		ck_assert_ptr_nonnull(vector);
		if (strcmp(text_of(vector, "kind"), KINDS[_i]) == 0) {
			read_vector(&replay, vector);
			if (strcmp(text_of(vector, "mode"), "query") == 0)
				replay_in_query(&replay);
			else
				replay_in_headers(&replay);
			n_replayed++;
		}
		json_decref(vector);
	}
	ck_assert_int_eq(pclose(lines), 0);
	ck_assert_uint_ge(n_replayed, KIND_VECTORS_MIN);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sigv4 vectors");
	TCase *vectors = tcase_create("vectors");

	tcase_add_checked_fixture(vectors, setup, teardown);
	tcase_add_loop_test(vectors, every_request_is_signed_as_botocore_signs_it, 0, N_KINDS);
	suite_add_tcase(suite, vectors);
	return test_suite_run(suite);
}

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../support/test_suite.h"
#include "aws/sigv4.h"

#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

static const struct sigv4_keys EXAMPLE = {"AKIDEXAMPLE", SECRET, NULL};
static const struct sigv4_keys EXAMPLE_SESSION = {"AKIDEXAMPLE", SECRET, "AQoDYXdzEXAMPLETOKEN=="};
static const struct sigv4_keys S3_EXAMPLE = {
	"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", NULL};

static const struct sigv4_scope SQS_SCOPE = {"20260102T030405Z", "us-east-1", "sqs"};

static const struct sigv4_header SQS_HEADERS[] = {
	{"Content-Type", "application/x-amz-json-1.0"},
	{"Host", "sqs.us-east-1.amazonaws.com"},
	{"X-Amz-Target", "AmazonSQS.ReceiveMessage"},
	{"x-amzn-query-mode", "true"},
};

static const char SQS_BODY[] =
	"{\"QueueUrl\":\"https://sqs.us-east-1.amazonaws.com/123456789012/jobs\","
	"\"MaxNumberOfMessages\":10,\"WaitTimeSeconds\":20}";

static const struct sigv4_request SQS_REQUEST = {
	.method = "POST",
	.path = "/",
	.headers = SQS_HEADERS,
	.n_headers = 4,
	.body = SQS_BODY,
	.body_len = sizeof SQS_BODY - 1,
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

static const char *signature_of(const struct sigv4_signed *signed_request)
{
	const struct sigv4_header *last = &signed_request->headers[signed_request->n_headers - 1];

	ck_assert_str_eq(last->name, "Authorization");
	return strstr(last->value, "Signature=") + strlen("Signature=");
}

static void expect_signature(const struct sigv4_keys *keys, const struct sigv4_scope *scope,
	const struct sigv4_request *request, const char *signature)
{
	struct sigv4_signed added;

	ck_assert_int_eq(sigv4_sign(signer, keys, scope, request, &added), 0);
	ck_assert_str_eq(signature_of(&added), signature);
}

START_TEST(the_signing_key_is_the_one_in_the_documentation)
{
	static const struct sigv4_scope scope = {"20150830T123600Z", "us-east-1", "iam"};
	static const uint8_t expected[SIGV4_KEY_BYTES] = {0xc4, 0xaf, 0xb1, 0xcc, 0x57, 0x71, 0xd8,
		0x71, 0x76, 0x3a, 0x39, 0x3e, 0x44, 0xb7, 0x03, 0x57, 0x1b, 0x55, 0xcc, 0x28, 0x42,
		0x4d, 0x1a, 0x5e, 0x86, 0xda, 0x6e, 0xd3, 0xc1, 0x54, 0xa4, 0xb9};
	uint8_t key[SIGV4_KEY_BYTES];

	ck_assert_int_eq(sigv4_key(signer, SECRET, &scope, key), 0);
	ck_assert_mem_eq(key, expected, sizeof key);
}
END_TEST

START_TEST(a_receive_is_signed_and_says_what_to_send)
{
	struct sigv4_signed added;

	ck_assert_int_eq(sigv4_sign(signer, &EXAMPLE, &SQS_SCOPE, &SQS_REQUEST, &added), 0);
	ck_assert_uint_eq(added.n_headers, 2);
	ck_assert_str_eq(added.headers[0].name, "X-Amz-Date");
	ck_assert_str_eq(added.headers[0].value, "20260102T030405Z");
	ck_assert_str_eq(added.headers[1].name, "Authorization");
	ck_assert_str_eq(added.headers[1].value,
		"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-east-1/sqs/aws4_request, "
		"SignedHeaders=content-type;host;x-amz-date;x-amz-target;x-amzn-query-mode, "
		"Signature=19e5d7800f4ecdf075c4a87f5781edd91bf324819d02fca4d29b63b09a81202e");
}
END_TEST

START_TEST(a_session_token_is_sent_and_signed)
{
	struct sigv4_signed added;

	ck_assert_int_eq(sigv4_sign(signer, &EXAMPLE_SESSION, &SQS_SCOPE, &SQS_REQUEST, &added), 0);
	ck_assert_uint_eq(added.n_headers, 3);
	ck_assert_str_eq(added.headers[1].name, "X-Amz-Security-Token");
	ck_assert_str_eq(added.headers[1].value, EXAMPLE_SESSION.session_token);
	ck_assert_str_eq(signature_of(&added),
		"133450094902db04c72dc549889aa48c3fa2f5abc7e312f978d5b40276e63b08");
}
END_TEST

START_TEST(an_s3_path_is_signed_as_it_is_sent)
{
	static const struct sigv4_scope scope = {"20260102T030405Z", "eu-west-1", "s3"};
	static const struct sigv4_header headers[] = {
		{"host", "amzn-s3-demo-bucket.s3.eu-west-1.amazonaws.com"}};
	static const struct sigv4_request request = {
		.method = "PUT",
		.path = "/dir/a%20b%2Bc%3D%C3%A9.json",
		.headers = headers,
		.n_headers = 1,
		.payload_hash = SIGV4_UNSIGNED_PAYLOAD,
		.flags = SIGV4_S3,
	};

	expect_signature(&EXAMPLE, &scope, &request,
		"a453ba3253e5ceea3f0ff5c779b2b08bb440d1e59d7a013e614c99fdf59fe09a");
}
END_TEST

START_TEST(an_sts_form_is_signed)
{
	static const struct sigv4_scope scope = {"20260102T030405Z", "us-east-1", "sts"};
	static const char body[] = "Action=GetCallerIdentity&Version=2011-06-15";
	static const struct sigv4_header headers[] = {
		{"Content-Type", "application/x-www-form-urlencoded"},
		{"Host", "sts.us-east-1.amazonaws.com"},
	};
	static const struct sigv4_request request = {
		.method = "POST",
		.path = "",
		.headers = headers,
		.n_headers = 2,
		.body = body,
		.body_len = sizeof body - 1,
	};

	expect_signature(&EXAMPLE, &scope, &request,
		"3a5443813d28f25a4d7ea5fda2b77e6221ab0af9d35c974b943ee1c32f85c621");
}
END_TEST

/* The pair in the S3 documentation. */
static const struct sigv4_scope S3_SCOPE = {"20130524T000000Z", "us-east-1", "s3"};
static const struct sigv4_header S3_HEADERS[] = {
	{"Host", "examplebucket.s3.amazonaws.com"},
	{"Range", "bytes=0-9"},
};

START_TEST(the_s3_example_is_signed_in_headers)
{
	static const struct sigv4_request request = {
		.method = "GET",
		.path = "/test.txt",
		.headers = S3_HEADERS,
		.n_headers = 2,
		.flags = SIGV4_S3,
	};

	expect_signature(&S3_EXAMPLE, &S3_SCOPE, &request,
		"f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}
END_TEST

START_TEST(the_s3_example_is_signed_in_the_query)
{
	_cleanup_strbuf_ struct strbuf query = STRBUF_INIT;
	static const struct sigv4_request request = {
		.method = "GET",
		.path = "/test.txt",
		.headers = S3_HEADERS,
		.n_headers = 1,
		.payload_hash = SIGV4_UNSIGNED_PAYLOAD,
		.flags = SIGV4_S3,
	};

	ck_assert_int_eq(sigv4_presign(signer, &S3_EXAMPLE, &S3_SCOPE, &request,
				 86400 * USEC_PER_SEC, &query),
		0);
	ck_assert_str_eq(strbuf_str(&query),
		"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524"
		"%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400"
		"&X-Amz-SignedHeaders=host&X-Amz-Signature="
		"aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}
END_TEST

/* ---- What decides the key ---- */

static void sign_receive(const char *secret, const char *timestamp, struct sigv4_signed *ret)
{
	struct sigv4_keys keys = {"AKIDEXAMPLE", secret, NULL};
	struct sigv4_scope scope = {timestamp, "us-east-1", "sqs"};

	ck_assert_int_eq(sigv4_sign(signer, &keys, &scope, &SQS_REQUEST, ret), 0);
}

START_TEST(a_corrected_secret_under_the_same_id_is_used_at_once)
{
	struct sigv4_signed added;

	sign_receive("wrong", "20260102T030405Z", &added);
	sign_receive(SECRET, "20260102T030405Z", &added);
	ck_assert_str_eq(signature_of(&added),
		"19e5d7800f4ecdf075c4a87f5781edd91bf324819d02fca4d29b63b09a81202e");
}
END_TEST

START_TEST(a_key_is_right_whether_it_is_remembered_or_not)
{
	uint8_t first[8][SIGV4_KEY_BYTES], again[SIGV4_KEY_BYTES];

	/* More scopes than are remembered, so that each is forgotten and made anew. */
	for (unsigned turn = 0; turn < 24; turn++) {
		char region[] = "region-0";
		struct sigv4_scope scope = {"20260102T030405Z", region, "sqs"};
		unsigned i = turn % 8;

		region[7] = (char)('0' + i);
		ck_assert_int_eq(sigv4_key(signer, SECRET, &scope, again), 0);
		if (turn < 8)
			memcpy(first[i], again, sizeof again);
		ck_assert_mem_eq(first[i], again, sizeof again);
		ck_assert_int_eq(sigv4_key(signer, SECRET, &scope, again), 0);
		ck_assert_mem_eq(first[i], again, sizeof again);
		ck_assert(i == 0 || memcmp(first[i], first[i - 1], sizeof again) != 0);
	}
}
END_TEST

START_TEST(a_new_day_has_a_new_key_and_the_scope_says_the_same_day)
{
	struct sigv4_signed added;
	char after_midnight[SIGV4_HEX_SIZE];

	sign_receive(SECRET, "20260102T235959Z", &added);
	ck_assert_ptr_nonnull(strstr(added.headers[1].value, "/20260102/"));
	sign_receive(SECRET, "20260103T000000Z", &added);
	ck_assert_ptr_nonnull(strstr(added.headers[1].value, "/20260103/"));
	strcpy(after_midnight, signature_of(&added));

	/* As by somebody who has never signed on the day before. */
	teardown();
	setup();
	sign_receive(SECRET, "20260103T000000Z", &added);
	ck_assert_str_eq(signature_of(&added), after_midnight);
}
END_TEST

/* ---- The canonical request's edges ---- */

static void expect_canonical(const char *path, const char *query, unsigned flags, const char *line)
{
	_cleanup_strbuf_ struct strbuf canonical = STRBUF_INIT, expected = STRBUF_INIT;
	struct sigv4_request request = {
		.method = "GET", .path = path, .query = query, .flags = flags};

	strbuf_printf(&expected, "GET\n%s\n\n\nHASH", line);
	ck_assert_int_eq(sigv4_canonical_request(&request, "", "HASH", &canonical), 0);
	ck_assert_str_eq(strbuf_str(&canonical), strbuf_str(&expected));
}

START_TEST(a_path_is_normalized_and_encoded_again)
{
	expect_canonical("", NULL, 0, "/\n");
	expect_canonical("//a/./b/../c//", NULL, 0, "/a/c/\n");
	expect_canonical("/..", NULL, 0, "/\n");
	expect_canonical("/../../a/..", NULL, 0, "/\n");
	expect_canonical("/a/...", NULL, 0, "/a/...\n");
	expect_canonical("/a%20b/~(c)", NULL, 0, "/a%2520b/~%28c%29\n");
}
END_TEST

START_TEST(an_s3_path_keeps_every_byte)
{
	expect_canonical("//a/./b/../c%2f//", NULL, SIGV4_S3, "//a/./b/../c%2f//\n");
	expect_canonical("", NULL, SIGV4_S3, "/\n");
}
END_TEST

START_TEST(a_query_is_sorted_by_name_and_then_by_value_as_encoded)
{
	expect_canonical("/", "b=1&a=2&a=10&A=&a-b=3", 0, "/\nA=&a=10&a=2&a-b=3&b=1");
	expect_canonical("/", "a%2Fb=1&a=2", 0, "/\na=2&a%2Fb=1");
}
END_TEST

START_TEST(a_query_comes_out_the_same_however_it_was_encoded)
{
	expect_canonical("/", "k=%c3%A9%7E+&uploads", 0, "/\nk=%C3%A9~%2B&uploads=");
	expect_canonical("/", "k=\xc3\xa9~%2b&&uploads&", 0, "/\nk=%C3%A9~%2B&uploads=");
	expect_canonical("/", "k=%&l=%4&m=%zz&n=a=b", 0, "/\nk=%25&l=%254&m=%25zz&n=a%3Db");
}
END_TEST

START_TEST(what_a_proxy_may_change_is_not_signed)
{
	_cleanup_strbuf_ struct strbuf names = STRBUF_INIT;
	static const struct sigv4_header headers[] = {
		{"X-Amz-Date", ""},
		{"User-Agent", ""},
		{"EXPECT", ""},
		{"connection", ""},
		{"Transfer-Encoding", ""},
		{"X-Amzn-Trace-Id", ""},
		{"Authorization", ""},
		{"te", ""},
		{"Tea", ""},
		{"Host", ""},
		{"x-amz-date", ""},
		{"Accept", ""},
	};

	ck_assert_int_eq(sigv4_signed_headers(headers, N_OF(headers), &names), 0);
	ck_assert_str_eq(strbuf_str(&names), "accept;host;tea;x-amz-date");
}
END_TEST

START_TEST(values_are_trimmed_folded_and_joined_in_order_of_arrival)
{
	_cleanup_strbuf_ struct strbuf canonical = STRBUF_INIT;
	static const struct sigv4_header headers[] = {{"A", "  \"x  y\"\t z\r\n w "}, {"b", "1"},
		{"a", ""}, {"c", "not asked for"}, {"a", "2"}};
	static const struct sigv4_request request = {
		.method = "GET", .path = "/", .headers = headers, .n_headers = 5};

	ck_assert_int_eq(sigv4_canonical_request(&request, "a;b", "HASH", &canonical), 0);
	ck_assert_str_eq(strbuf_str(&canonical), "GET\n/\n\na:\"x y\" z w,,2\nb:1\n\na;b\nHASH");
}
END_TEST

/* ---- What cannot be signed ---- */

START_TEST(a_list_that_names_a_header_which_was_not_sent_is_refused)
{
	_cleanup_strbuf_ struct strbuf canonical = STRBUF_INIT;

	ck_assert_int_eq(
		sigv4_canonical_request(&SQS_REQUEST, "host;x-amz-date", "HASH", &canonical),
		-EINVAL);
}
END_TEST

START_TEST(a_path_that_does_not_begin_with_a_slash_is_refused)
{
	_cleanup_strbuf_ struct strbuf canonical = STRBUF_INIT;
	static const struct sigv4_request request = {.method = "GET", .path = "a"};

	ck_assert_int_eq(sigv4_canonical_request(&request, "", "HASH", &canonical), -EINVAL);
}
END_TEST

static void expect_refusal(const struct sigv4_keys *keys, const struct sigv4_scope *scope,
	const struct sigv4_request *request)
{
	struct sigv4_signed added = {.n_headers = 77};

	ck_assert_int_eq(sigv4_sign(signer, keys, scope, request, &added), -EINVAL);
	ck_assert_uint_eq(added.n_headers, 77);
}

START_TEST(a_timestamp_in_another_form_is_refused)
{
	static const char *const timestamps[] = {"", "2026-01-02T03:04:05Z", "20260102T030405",
		"20260102T030405Z ", "20260102 030405Z", "2026O102T030405Z"};

	for (size_t i = 0; i < N_OF(timestamps); i++) {
		struct sigv4_scope scope = {timestamps[i], "us-east-1", "sqs"};
		expect_refusal(&EXAMPLE, &scope, &SQS_REQUEST);
	}
}
END_TEST

START_TEST(too_long_a_secret_or_scope_and_too_many_headers_are_refused)
{
	char text[SIGV4_SECRET_MAX + 2];
	struct sigv4_keys keys = {"AKIDEXAMPLE", text, NULL};
	struct sigv4_scope scope = {"20260102T030405Z", text, "sqs"};
	struct sigv4_header headers[SIGV4_HEADERS_MAX];
	struct sigv4_request request = SQS_REQUEST;

	memset(text, 'x', sizeof text);
	text[sizeof text - 1] = '\0';
	expect_refusal(&keys, &SQS_SCOPE, &SQS_REQUEST);
	expect_refusal(&EXAMPLE, &scope, &SQS_REQUEST);

	for (size_t i = 0; i < SIGV4_HEADERS_MAX; i++)
		headers[i] = SQS_HEADERS[0];
	request.headers = headers;
	request.n_headers = SIGV4_HEADERS_MAX;
	expect_refusal(&EXAMPLE, &SQS_SCOPE, &request);
}
END_TEST

START_TEST(a_url_is_good_for_one_second_to_seven_days)
{
	static const usec_t week = 7 * 24 * USEC_PER_HOUR;
	static const struct {
		usec_t expires;
		int r;
	} durations[] = {{0, -EINVAL}, {USEC_PER_SEC, 0}, {USEC_PER_SEC + 1, -EINVAL}, {week, 0},
		{week + USEC_PER_SEC, -EINVAL}};

	for (size_t i = 0; i < N_OF(durations); i++) {
		_cleanup_strbuf_ struct strbuf query = STRBUF_INIT;

		ck_assert_int_eq(sigv4_presign(signer, &EXAMPLE, &SQS_SCOPE, &SQS_REQUEST,
					 durations[i].expires, &query),
			durations[i].r);
		ck_assert_int_eq(query.len > 0, durations[i].r == 0);
	}
}
END_TEST

START_TEST(a_moment_is_written_in_utc_to_the_second_below)
{
	char text[SIGV4_TIMESTAMP_SIZE] = "untouched";

	setenv("TZ", "America/New_York", 1);
	ck_assert_int_eq(sigv4_format_timestamp(253402300800 * USEC_PER_SEC, text), -EINVAL);
	ck_assert_str_eq(text, "untouched");
	ck_assert_int_eq(sigv4_format_timestamp(253402300800 * USEC_PER_SEC - 1, text), 0);
	ck_assert_str_eq(text, "99991231T235959Z");
	ck_assert_int_eq(sigv4_format_timestamp(0, text), 0);
	ck_assert_str_eq(text, "19700101T000000Z");
	ck_assert_int_eq(sigv4_format_timestamp(1709251199 * USEC_PER_SEC + 999999, text), 0);
	ck_assert_str_eq(text, "20240229T235959Z");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sigv4");
	TCase *known = tcase_create("known answers");
	TCase *keys = tcase_create("keys");
	TCase *canonical = tcase_create("canonical request");
	TCase *refused = tcase_create("refused");

	tcase_add_checked_fixture(known, setup, teardown);
	tcase_add_test(known, the_signing_key_is_the_one_in_the_documentation);
	tcase_add_test(known, a_receive_is_signed_and_says_what_to_send);
	tcase_add_test(known, a_session_token_is_sent_and_signed);
	tcase_add_test(known, an_s3_path_is_signed_as_it_is_sent);
	tcase_add_test(known, an_sts_form_is_signed);
	tcase_add_test(known, the_s3_example_is_signed_in_headers);
	tcase_add_test(known, the_s3_example_is_signed_in_the_query);
	suite_add_tcase(suite, known);

	tcase_add_checked_fixture(keys, setup, teardown);
	tcase_add_test(keys, a_corrected_secret_under_the_same_id_is_used_at_once);
	tcase_add_test(keys, a_key_is_right_whether_it_is_remembered_or_not);
	tcase_add_test(keys, a_new_day_has_a_new_key_and_the_scope_says_the_same_day);
	suite_add_tcase(suite, keys);

	tcase_add_test(canonical, a_path_is_normalized_and_encoded_again);
	tcase_add_test(canonical, an_s3_path_keeps_every_byte);
	tcase_add_test(canonical, a_query_is_sorted_by_name_and_then_by_value_as_encoded);
	tcase_add_test(canonical, a_query_comes_out_the_same_however_it_was_encoded);
	tcase_add_test(canonical, what_a_proxy_may_change_is_not_signed);
	tcase_add_test(canonical, values_are_trimmed_folded_and_joined_in_order_of_arrival);
	suite_add_tcase(suite, canonical);

	tcase_add_checked_fixture(refused, setup, teardown);
	tcase_add_test(refused, a_list_that_names_a_header_which_was_not_sent_is_refused);
	tcase_add_test(refused, a_path_that_does_not_begin_with_a_slash_is_refused);
	tcase_add_test(refused, a_timestamp_in_another_form_is_refused);
	tcase_add_test(refused, too_long_a_secret_or_scope_and_too_many_headers_are_refused);
	tcase_add_test(refused, a_url_is_good_for_one_second_to_seven_days);
	tcase_add_test(refused, a_moment_is_written_in_utc_to_the_second_below);
	suite_add_tcase(suite, refused);
	return test_suite_run(suite);
}

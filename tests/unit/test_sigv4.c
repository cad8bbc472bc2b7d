#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

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

int main(void)
{
	Suite *suite = suite_create("sigv4");
	TCase *known = tcase_create("known answers");

	tcase_add_checked_fixture(known, setup, teardown);
	tcase_add_test(known, the_signing_key_is_the_one_in_the_documentation);
	tcase_add_test(known, a_receive_is_signed_and_says_what_to_send);
	tcase_add_test(known, a_session_token_is_sent_and_signed);
	tcase_add_test(known, an_s3_path_is_signed_as_it_is_sent);
	tcase_add_test(known, an_sts_form_is_signed);
	tcase_add_test(known, the_s3_example_is_signed_in_headers);
	tcase_add_test(known, the_s3_example_is_signed_in_the_query);
	suite_add_tcase(suite, known);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

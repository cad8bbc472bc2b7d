/*
 * The suite that AWS publishes with its C signer (aws-c-auth, tests/aws-signing-test-suite),
 * where the caller has it: SIGV4_SUITE names the folder of its cases, or one above their "v4".
 */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "../support/test_suite.h"
#include "aws/sigv4.h"
#include "base/file.h"
#include "sigv4_stages.h"

#define FILE_MAX (64u << 10)

static const char *suite_path;

static struct sigv4 *signer;

/* One case: its files, and the request that is read from two of them. */
static const char *name;
static json_t *context;
static struct strbuf text;
static char timestamp[64];
static struct sigv4_keys keys;
static struct sigv4_scope scope;
static struct sigv4_header headers[SIGV4_HEADERS_MAX];
static struct sigv4_request request;

static void read_case_file(const char *file, struct strbuf *ret)
{
	_cleanup_strbuf_ struct strbuf path = STRBUF_INIT;

	strbuf_printf(&path, "%s/%s/%s", suite_path, name, file);
	int r = file_read(strbuf_str(&path), FILE_MAX, ret);
	ck_assert_msg(r == 0, "%s: %s", strbuf_str(&path), strerror(-r));
}

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static bool is_true(const char *key)
{
	return json_is_true(json_object_get(context, key));
}

/* "2015-08-30T12:36:00Z" is "20150830T123600Z" in a signature. */
static void read_timestamp(const char *iso8601)
{
	char *to = timestamp;

	for (const char *c = iso8601; *c; c++)
		if (*c != '-' && *c != ':')
			*to++ = *c;
	*to = '\0';
}

static void read_context(void)
{
	_cleanup_strbuf_ struct strbuf json = STRBUF_INIT;

	read_case_file("context.json", &json);
	context = json_loads(strbuf_str(&json), 0, NULL);
	const json_t *credentials = json_object_get(context, "credentials");

	read_timestamp(text_of(context, "timestamp"));
	scope = (struct sigv4_scope){
		timestamp, text_of(context, "region"), text_of(context, "service")};
	keys = (struct sigv4_keys){text_of(credentials, "access_key_id"),
		text_of(credentials, "secret_access_key"), text_of(credentials, "token")};
	if (is_true("omit_session_token"))
		keys.session_token = NULL;
}

/* "GET /?a=b HTTP/1.1"; the target may hold blanks. */
static void read_request_line(char *line)
{
	char *target = strchr(line, ' ');
	char *version = strrchr(line, ' ');

	*target++ = *version = '\0';
	char *query = strchr(target, '?');
	if (query)
		*query++ = '\0';
	request = (struct sigv4_request){
		.method = line, .path = target, .query = query, .headers = headers};
	if (!is_true("normalize"))
		request.flags |= SIGV4_KEEP_PATH;
	if (is_true("sign_body"))
		request.flags |= SIGV4_PAYLOAD_HASH_HEADER;
}

static void read_header(char *line)
{
	if (*line == ' ' || *line == '\t') {
		/* Folded: the line end before it becomes white space in the value. */
		line[-1] = ' ';
		return;
	}
	char *colon = strchr(line, ':');
	*colon = '\0';
	headers[request.n_headers++] = (struct sigv4_header){line, colon + 1};
}

static void read_request(void)
{
	read_case_file("request.txt", &text);
	char *body = strstr(text.data, "\n\n");
	if (body) {
		*body = '\0';
		body += 2;
	}

	char *next = text.data, *line;
	read_request_line(strsep(&next, "\n"));
	while ((line = strsep(&next, "\n")) && *line)
		read_header(line);
	request.body = body ? body : "";
	request.body_len = body ? strlen(body) : 0;
}

static void setup(void)
{
	ck_assert_int_eq(sigv4_new(&signer), 0);
	text = STRBUF_INIT;
}

static void teardown(void)
{
	signer = sigv4_free(signer);
	strbuf_done(&text);
	json_decref(context);
}

static void read_case(int i)
{
	name = test_suite_case(i);
	read_context();
	read_request();
}

static void expect_file(const char *file, const char *actual)
{
	_cleanup_strbuf_ struct strbuf expected = STRBUF_INIT;

	read_case_file(file, &expected);
	ck_assert_msg(strcmp(strbuf_str(&expected), actual) == 0,
		"%s: %s should be\n%s\nbut is\n%s", name, file, strbuf_str(&expected), actual);
}

START_TEST(every_case_of_the_suite_is_signed_in_headers)
{
	_cleanup_stages_ struct stages stages;
	struct sigv4_signed added;

	read_case(_i);
	ck_assert_int_eq(sigv4_sign(signer, &keys, &scope, &request, &added), 0);
	const char *authorization = added.headers[added.n_headers - 1].value;
	expect_file("header-signature.txt", strstr(authorization, "Signature=") + 10);

	for (size_t i = 0; i + 1 < added.n_headers; i++)
		headers[request.n_headers++] = added.headers[i];
	stages_run(signer, keys.secret_access_key, &scope, &request, &stages);
	expect_file("header-canonical-request.txt", strbuf_str(&stages.canonical_request));
	expect_file("header-string-to-sign.txt", strbuf_str(&stages.string_to_sign));
	expect_file("header-signature.txt", stages.signature);
}
END_TEST

START_TEST(every_case_of_the_suite_is_signed_in_the_query)
{
	_cleanup_stages_ struct stages stages;
	_cleanup_strbuf_ struct strbuf query = STRBUF_INIT;

	read_case(_i);
	json_int_t seconds = json_integer_value(json_object_get(context, "expiration_in_seconds"));
	ck_assert_int_eq(sigv4_presign(signer, &keys, &scope, &request,
				 (usec_t)seconds * USEC_PER_SEC, &query),
		0);
	char *signature = strstr(query.data, "&X-Amz-Signature=");
	expect_file("query-signature.txt", signature + strlen("&X-Amz-Signature="));

	*signature = '\0';
	request.query = query.data;
	stages_run(signer, keys.secret_access_key, &scope, &request, &stages);
	expect_file("query-canonical-request.txt", strbuf_str(&stages.canonical_request));
	expect_file("query-string-to-sign.txt", strbuf_str(&stages.string_to_sign));
	expect_file("query-signature.txt", stages.signature);
}
END_TEST

static int find_cases(const char *folder, struct strbuf *path)
{
	strbuf_printf(path, "%s/v4", folder);
	if (access(strbuf_str(path), F_OK) < 0) {
		strbuf_reset(path);
		strbuf_puts(path, folder);
	}
	suite_path = strbuf_str(path);
	return test_suite_find_cases(suite_path);
}

int main(void)
{
	_cleanup_strbuf_ struct strbuf path = STRBUF_INIT;
	const char *folder = getenv("SIGV4_SUITE");

	if (!folder || !*folder) {
		puts("not run: published SigV4 suite (SIGV4_SUITE is not set)");
		return EXIT_SUCCESS;
	}

	int n_cases = find_cases(folder, &path);
	Suite *suite = suite_create("published SigV4 suite");
	TCase *published = tcase_create("published");
	tcase_add_checked_fixture(published, setup, teardown);
	tcase_add_loop_test(published, every_case_of_the_suite_is_signed_in_headers, 0, n_cases);
	tcase_add_loop_test(published, every_case_of_the_suite_is_signed_in_the_query, 0, n_cases);
	suite_add_tcase(suite, published);
	return test_suite_run(suite);
}

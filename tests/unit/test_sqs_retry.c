#include <check.h>
#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "../support/test_server.h"
#include "../support/test_suite.h"
#include "aws/sqs.h"

#define QUEUE_URL "https://sqs.eu-west-1.amazonaws.com/123456789012/nexus-jobs-dev"
#define REFUSAL   "{\"__type\":\"com.amazon.coral.service#%s\",\"message\":\"\"}"

static sd_event *event;
static struct http *http;
static struct credential_store *store;
static struct skew skew;
static struct sqs *sqs;
static struct test_server *server;

/* ---- What the server accepts; set while it has nothing to do ---- */

static const char *accepted_key; /* NULL: none */
static char accepted_since[32];  /* what is dated before is refused; "": nothing is */
static char date_headers[128];   /* of such a refusal */
static _Atomic usec_t clock_ahead, jump_at_answer;

static bool head_holds(const struct test_request *request, const char *before, const char *value)
{
	char needle[128];

	snprintf(needle, sizeof needle, "%s%s/", before, value);
	return strstr(request->head, needle) != NULL;
}

static bool comes_too_early(const struct test_request *request)
{
	const char *date = strcasestr(request->head, "\r\nX-Amz-Date: ");

	ck_assert_ptr_nonnull(date);
	return strncmp(date + strlen("\r\nX-Amz-Date: "), accepted_since, strlen(accepted_since)) <
	       0;
}

static enum test_then answer(void *userdata, const struct test_request *request, struct strbuf *out)
{
	const char *refusal = NULL;
	char body[256] = "{\"Successful\":[{\"Id\":\"0\"}]}";

	(void)userdata;
	if (!accepted_key || !head_holds(request, "Credential=", accepted_key))
		refusal = "UnrecognizedClientException";
	else if (comes_too_early(request))
		refusal = "InvalidSignatureException";
	if (refusal)
		snprintf(body, sizeof body, REFUSAL, refusal);
	clock_ahead += jump_at_answer;
	strbuf_printf(out, "HTTP/1.1 %d Said\r\n%sContent-Length: %zu\r\n\r\n%s",
		refusal ? 403 : 200, refusal ? date_headers : "", strlen(body), body);
	return TEST_KEEP;
}

/* ---- Where credentials come from: the n-th key, at once or later ---- */

static unsigned n_searches;
static bool finds_later, finds_others;
static struct credential_search *asked;

static struct credentials *nth_key(unsigned n, char text[static CREDENTIALS_TEXT_MAX])
{
	struct credentials *found;
	char key[32];
	const struct credentials fields = {
		.access_key_id = key,
		.secret_access_key = "secret",
		.source = "test",
		.expires_at = USEC_INFINITY,
	};

	snprintf(key, sizeof key, "AKID%u", n);
	ck_assert_int_eq(credentials_new(&fields, text, &found), 0);
	return found;
}

static int start_search(struct credential_search *search, struct credentials **ret)
{
	n_searches++;
	asked = search;
	if (finds_later)
		return -EINPROGRESS;
	*ret = nth_key(finds_others ? n_searches : 1, search->text);
	return 0;
}

static void cancel_search(struct credential_search *search)
{
	ck_assert_ptr_eq(search, asked);
}

static void find(unsigned n)
{
	credential_search_end(asked, 0, nth_key(n, asked->text));
}

static const struct credential_source source = {"test", start_search, cancel_search};
static const struct credential_source *const sources[] = {&source, NULL};

/* ---- One call ---- */

static unsigned n_callbacks;
static enum sqs_result result;
static char result_text[SQS_BATCH_MAX * 40];

static void on_entries(void *userdata, const struct sqs_answer *a,
	const struct sqs_entry_answer *entries, size_t n_entries)
{
	(void)userdata;
	(void)entries;
	n_callbacks++;
	result = a->result;
	ck_assert_uint_eq(n_entries, a->result == SQS_OK);
	snprintf(result_text, sizeof result_text, "%s", a->text);
}

static struct sqs_call *delete_one(void)
{
	static const char *const handle = "AQEBone";
	static const struct sqs_delete one = {.handles = &handle, .n_handles = 1};
	unsigned n = n_callbacks;
	struct sqs_call *call;

	ck_assert_int_eq(sqs_delete(sqs, &one, on_entries, NULL, &call), 0);
	ck_assert_uint_eq(n_callbacks, n);
	return call;
}

static void turn(void)
{
	ck_assert_msg(sd_event_run(event, 10 * USEC_PER_SEC) > 0, "nothing happened for 10 s");
}

static void await(unsigned n)
{
	while (n_callbacks < n)
		turn();
}

static void await_search(unsigned n)
{
	while (n_searches < n)
		turn();
	ck_assert(credential_store_is_searching(store));
	ck_assert_uint_eq(n_callbacks, 0);
}

static void assert_quiet(void)
{
	while (sd_event_run(event, 0) > 0)
		;
}

static void open_sqs(void)
{
	const struct credential_store_options store_options = {
		.means.http = http,
		.sources = sources,
	};
	const struct sqs_options sqs_options = {
		.queue_url = QUEUE_URL,
		.endpoint = test_server_url(server),
		.region = "eu-west-1",
	};

	ck_assert_int_eq(credential_store_new(&store_options, &store), 0);
	ck_assert_int_eq(sqs_new(http, store, &skew, &sqs_options, &sqs), 0);
}

static void setup(void)
{
	const struct http_options http_options = {.user_agent = "nexus-worker/test"};
	char text[CREDENTIALS_TEXT_MAX];

	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(curl_global_init(CURL_GLOBAL_DEFAULT), 0);
	ck_assert_int_ge(sd_event_new(&event), 0);
	server = test_server_new(TEST_PLAIN, answer, NULL);
	ck_assert_int_eq(http_new(event, &http_options, &http), 0);
	open_sqs();
	ck_assert_int_eq(credential_store_reload(store, text), 0);
	finds_others = true;
	accepted_key = "AKID2";
}

static void teardown(void)
{
	sqs = sqs_free(sqs);
	store = credential_store_free(store);
	http = http_free(http);
	server = test_server_free(server);
	event = sd_event_unref(event);
	curl_global_cleanup();
}

/* ---- Credentials ---- */

START_TEST(a_call_refused_for_its_key_is_sent_again_with_another_that_is_there)
{
	delete_one();
	await(1);
	ck_assert_int_eq(result, SQS_OK);
	ck_assert_uint_eq(test_server_requests(server), 2);
	assert_quiet();
	ck_assert_uint_eq(n_callbacks, 1);
}
END_TEST

START_TEST(or_with_one_that_was_found_while_it_was_out)
{
	delete_one();
	delete_one();
	await(2);
	ck_assert_int_eq(result, SQS_OK);
	ck_assert_uint_eq(n_searches, 2);
	ck_assert_uint_eq(test_server_requests(server), 4);
}
END_TEST

START_TEST(with_the_same_key_it_ends_as_it_is)
{
	finds_others = false;
	delete_one();
	await(1);
	ck_assert_int_eq(result, SQS_BAD_TOKEN);
	ck_assert_uint_eq(n_searches, 2);
	ck_assert_uint_eq(test_server_requests(server), 1);
}
END_TEST

START_TEST(it_is_sent_again_only_once)
{
	accepted_key = NULL;
	delete_one();
	await(1);
	ck_assert_int_eq(result, SQS_BAD_TOKEN);
	ck_assert_uint_eq(test_server_requests(server), 2);
}
END_TEST

START_TEST(it_waits_for_a_key_that_is_looked_for)
{
	finds_later = true;
	delete_one();
	await_search(2);
	assert_quiet();
	find(2);
	await(1);
	ck_assert_int_eq(result, SQS_OK);
	ck_assert_uint_eq(test_server_requests(server), 2);
}
END_TEST

START_TEST(where_a_search_finds_the_same_the_call_ends_with_its_fault)
{
	finds_later = true;
	delete_one();
	await_search(2);
	find(1);
	ck_assert_uint_eq(n_callbacks, 0);
	await(1);
	ck_assert_int_eq(result, SQS_BAD_TOKEN);
	ck_assert_uint_eq(test_server_requests(server), 1);
}
END_TEST

START_TEST(nor_does_it_wait_for_longer_than_its_time_allows)
{
	static const struct sqs_visibility entry = {"AQEBone", 4 * USEC_PER_SEC};
	const struct sqs_change change = {
		.entries = &entry, .n_entries = 1, .patience = 666 * USEC_PER_MSEC};
	usec_t begin = clock_monotonic();

	finds_later = true;
	ck_assert_int_eq(sqs_change_visibility(sqs, &change, on_entries, NULL, NULL), 0);
	await_search(2);
	await(1);
	ck_assert_int_eq(result, SQS_BAD_TOKEN);
	ck_assert_uint_lt(clock_monotonic() - begin, 2 * USEC_PER_SEC);
	find(2);
	assert_quiet();
	ck_assert_uint_eq(n_callbacks, 1);
	ck_assert_uint_eq(test_server_requests(server), 1);
}
END_TEST

static usec_t test_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (usec_t)ts.tv_sec * USEC_PER_SEC + (usec_t)ts.tv_nsec / 1000 + clock_ahead;
}

START_TEST(late_in_its_time_it_is_not_sent_again)
{
	jump_at_answer = 8 * USEC_PER_SEC;
	clock_replace(test_clock);
	delete_one();
	await(1);
	clock_replace(NULL);
	ck_assert_int_eq(result, SQS_BAD_TOKEN);
	ck_assert_uint_eq(test_server_requests(server), 1);
	/* But the next one knows better from its start. */
	delete_one();
	await(2);
	ck_assert_int_eq(result, SQS_OK);
	ck_assert_uint_eq(test_server_requests(server), 2);
}
END_TEST

/* ---- Before there are any ---- */

static void forget_credentials(void)
{
	finds_later = true;
	sqs = sqs_free(sqs);
	store = credential_store_free(store);
	open_sqs();
}

START_TEST(a_call_that_begins_before_there_are_credentials_waits_for_their_search)
{
	forget_credentials();
	delete_one();
	delete_one();
	await_search(2);
	assert_quiet();
	ck_assert_uint_eq(test_server_requests(server), 0);
	find(2);
	await(2);
	ck_assert_int_eq(result, SQS_OK);
	ck_assert_uint_eq(test_server_requests(server), 2);
}
END_TEST

START_TEST(having_waited_it_may_still_be_sent_twice)
{
	forget_credentials();
	delete_one();
	await_search(2);
	find(1);
	await_search(3);
	find(2);
	await(1);
	ck_assert_int_eq(result, SQS_OK);
	ck_assert_uint_eq(test_server_requests(server), 2);
}
END_TEST

START_TEST(where_that_search_fails_the_reason_is_said)
{
	forget_credentials();
	delete_one();
	await_search(2);
	credential_search_end(asked, credentials_failed(asked->text, -EINVAL, "broken"), NULL);
	ck_assert_uint_eq(n_callbacks, 0);
	await(1);
	ck_assert_int_eq(result, SQS_NO_CREDENTIALS);
	ck_assert_str_eq(result_text, "no AWS credentials to sign requests with: broken");
	ck_assert_uint_eq(test_server_requests(server), 0);
}
END_TEST

/* libcurl's, without memory where a test wants that. */
static bool adding_fails;

CURLMcode curl_multi_add_handle(CURLM *multi, CURL *easy)
{
	static CURLMcode (*real)(CURLM *, CURL *);

	if (adding_fails)
		return CURLM_OUT_OF_MEMORY;
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "curl_multi_add_handle");
	return real(multi, easy);
}

START_TEST(having_waited_in_vain_for_want_of_memory_it_does_not_blame_the_credentials)
{
	forget_credentials();
	delete_one();
	await_search(2);
	adding_fails = true;
	find(2);
	await(1);
	ck_assert_int_eq(result, SQS_UNREACHABLE);
	ck_assert_str_eq(result_text, "no answer from 127.0.0.1: Cannot allocate memory");
}
END_TEST

START_TEST(what_waits_can_be_cancelled_at_any_time)
{
	forget_credentials();
	struct sqs_call *waiting = delete_one(), *due = delete_one();
	await_search(2);
	sqs_cancel(waiting);
	find(2);
	sqs_cancel(due);
	assert_quiet();
	ck_assert_uint_eq(n_callbacks, 0);
	ck_assert_uint_eq(test_server_requests(server), 0);
}
END_TEST

START_TEST(a_second_try_can_be_cancelled)
{
	struct sqs_call *call = delete_one();

	while (n_searches < 2)
		turn();
	sqs_cancel(call);
	assert_quiet();
	ck_assert_uint_eq(n_callbacks, 0);
}
END_TEST

START_TEST(tear_down_ends_what_waits)
{
	forget_credentials();
	delete_one();
	delete_one();
	await_search(2);
	sqs = sqs_free(sqs);
	find(2);
	assert_quiet();
	ck_assert_uint_eq(n_callbacks, 0);
}
END_TEST

/* ---- The clock ---- */

static void use_their_clock(int minutes, const char *more)
{
	time_t theirs = time(NULL) + minutes * 60;
	char date[64];

	accepted_key = "AKID1";
	strftime(accepted_since, sizeof accepted_since, "%Y%m%dT%H%M%SZ", gmtime(&theirs));
	strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&theirs));
	snprintf(date_headers, sizeof date_headers, "Date: %s\r\n%s", date, more);
}

START_TEST(a_call_refused_for_its_time_is_sent_again_with_the_right_one)
{
	use_their_clock(20, "");
	delete_one();
	await(1);
	ck_assert_int_eq(result, SQS_OK);
	ck_assert_uint_eq(test_server_requests(server), 2);
	ck_assert_uint_eq(n_searches, 1);
}
END_TEST

START_TEST(as_is_one_that_was_out_when_another_taught_it)
{
	use_their_clock(20, "");
	delete_one();
	delete_one();
	await(2);
	ck_assert_int_eq(result, SQS_OK);
	ck_assert_uint_eq(test_server_requests(server), 4);
	ck_assert_uint_eq(n_searches, 1);
}
END_TEST

START_TEST(the_date_of_a_cached_answer_teaches_nothing)
{
	use_their_clock(20, "Age: 7\r\n");
	finds_others = false;
	delete_one();
	await(1);
	ck_assert_int_eq(result, SQS_BAD_SIGNATURE);
	ck_assert_uint_eq(test_server_requests(server), 1);
	ck_assert_int_eq(skew.usec, 0);
	ck_assert_ptr_null(strstr(result_text, "20min"));
}
END_TEST

START_TEST(a_clock_beyond_correction_is_said_with_its_size)
{
	use_their_clock(50 * 60, "");
	finds_others = false;
	delete_one();
	await(1);
	ck_assert_int_eq(result, SQS_BAD_SIGNATURE);
	ck_assert_ptr_nonnull(strstr(
		result_text, "this machine's clock is 50h behind AWS's, too far to be corrected"));
	ck_assert_uint_eq(test_server_requests(server), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sqs_retry");
	TCase *c = tcase_create("sqs_retry");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_call_refused_for_its_key_is_sent_again_with_another_that_is_there);
	tcase_add_test(c, or_with_one_that_was_found_while_it_was_out);
	tcase_add_test(c, with_the_same_key_it_ends_as_it_is);
	tcase_add_test(c, it_is_sent_again_only_once);
	tcase_add_test(c, it_waits_for_a_key_that_is_looked_for);
	tcase_add_test(c, where_a_search_finds_the_same_the_call_ends_with_its_fault);
	tcase_add_test(c, nor_does_it_wait_for_longer_than_its_time_allows);
	tcase_add_test(c, late_in_its_time_it_is_not_sent_again);
	tcase_add_test(c, a_call_that_begins_before_there_are_credentials_waits_for_their_search);
	tcase_add_test(c, having_waited_it_may_still_be_sent_twice);
	tcase_add_test(c, where_that_search_fails_the_reason_is_said);
	tcase_add_test(
		c, having_waited_in_vain_for_want_of_memory_it_does_not_blame_the_credentials);
	tcase_add_test(c, what_waits_can_be_cancelled_at_any_time);
	tcase_add_test(c, a_second_try_can_be_cancelled);
	tcase_add_test(c, tear_down_ends_what_waits);
	tcase_add_test(c, a_call_refused_for_its_time_is_sent_again_with_the_right_one);
	tcase_add_test(c, as_is_one_that_was_out_when_another_taught_it);
	tcase_add_test(c, the_date_of_a_cached_answer_teaches_nothing);
	tcase_add_test(c, a_clock_beyond_correction_is_said_with_its_size);
	suite_add_tcase(suite, c);
	return test_suite_run(suite);
}

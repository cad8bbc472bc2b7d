#include <check.h>
#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-event.h>

#include "../support/test_connect.h"
#include "../support/test_environment.h"
#include "../support/test_imds.h"
#include "../support/test_suite.h"
#include "aws/imds.h"

#define REGION   "/latest/meta-data/placement/region"
#define ENDPOINT "AWS_EC2_METADATA_SERVICE_ENDPOINT"
#define MAX      100

static sd_event *event;
static struct http *http;
static struct imds *imds;
static struct test_server *server;
static struct test_imds service;

static struct {
	unsigned n_callbacks;
	int r;
	char text[CREDENTIALS_TEXT_MAX];
	char body[MAX + 1];
} seen;

static void on_answer(void *userdata, int r, const char *text, const char *body)
{
	ck_assert_ptr_eq(userdata, &seen);
	ck_assert((r == 0) == (body != NULL));
	seen.n_callbacks++;
	seen.r = r;
	snprintf(seen.text, sizeof seen.text, "%s", text);
	snprintf(seen.body, sizeof seen.body, "%s", body ? body : "");
}

static void use_environment(void)
{
	imds = imds_free(imds);
	ck_assert_int_eq(imds_new(http, test_environment_get, &imds), 0);
}

static void setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(curl_global_init(CURL_GLOBAL_DEFAULT), 0);
	ck_assert_int_ge(sd_event_new(&event), 0);
	service.token_status = 200;
	test_imds_set(&service, REGION, 200, "eu-north-1");
	server = test_server_new(TEST_PLAIN, test_imds_answer, &service);
	test_environment_set(ENDPOINT, test_server_url(server));
	ck_assert_int_eq(http_new(event, &(struct http_options){0}, &http), 0);
	use_environment();
}

static void teardown(void)
{
	clock_replace(NULL);
	imds = imds_free(imds);
	http = http_free(http);
	server = test_server_free(server);
	event = sd_event_unref(event);
	curl_global_cleanup();
}

static int start(struct imds_call **ret_call)
{
	const struct imds_request request = {
		.path = REGION,
		.max_answer = MAX,
		.done = on_answer,
		.userdata = &seen,
	};

	return imds_get(imds, &request, seen.text, ret_call);
}

static void get(void)
{
	unsigned n = seen.n_callbacks;
	struct imds_call *call;

	ck_assert_int_eq(start(&call), 0);
	ck_assert_uint_eq(seen.n_callbacks, n);
	while (seen.n_callbacks == n)
		ck_assert_msg(
			sd_event_run(event, 10 * USEC_PER_SEC) > 0, "nothing happened for 10 s");
}

/* Where nobody listens. */
static void close_server(void)
{
	static char url[64];

	snprintf(url, sizeof url, "%s", test_server_url(server));
	server = test_server_free(server);
	test_environment_set(ENDPOINT, url);
}

/* The text, "%s" being the endpoint. */
static void assert_text(const char *format)
{
	_cleanup_strbuf_ struct strbuf expected = STRBUF_INIT;
	const char *place = strstr(format, "%s");
	const char *endpoint = test_environment_get(ENDPOINT);

	ck_assert_ptr_nonnull(place);
	strbuf_printf(&expected, "%.*s%s%s", (int)(place - format), format, endpoint, place + 2);
	ck_assert_str_eq(seen.text, strbuf_str(&expected));
}

/* ---- Tokens ---- */

START_TEST(a_path_is_asked_for_with_a_token_that_was_asked_for_before)
{
	get();
	ck_assert_int_eq(seen.r, 0);
	ck_assert_str_eq(seen.body, "eu-north-1");
	ck_assert_str_eq(seen.text, "");
	ck_assert_str_eq(service.asked_path, REGION);
	ck_assert_ptr_nonnull(
		strstr(service.asked_head, "\r\nX-aws-ec2-metadata-token-ttl-seconds: 21600\r\n"));
	ck_assert_uint_eq(service.n_tokens, 1);
	ck_assert_uint_eq(service.n_gets, 1);
}
END_TEST

static usec_t later_by;

static usec_t later(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (usec_t)now.tv_sec * USEC_PER_SEC + (usec_t)now.tv_nsec / 1000 + later_by;
}

START_TEST(a_token_is_used_again_until_two_minutes_before_its_end)
{
	get();
	clock_replace(later);
	later_by = 6 * USEC_PER_HOUR - 3 * USEC_PER_MIN;
	get();
	ck_assert_uint_eq(service.n_tokens, 1);
	later_by = 6 * USEC_PER_HOUR - 2 * USEC_PER_MIN;
	get();
	ck_assert_uint_eq(service.n_tokens, 2);
	ck_assert_uint_eq(service.n_gets, 3);
	ck_assert_int_eq(seen.r, 0);
}
END_TEST

START_TEST(a_token_that_is_not_known_any_more_is_asked_for_anew)
{
	get();
	service.n_tokens = 7;
	get();
	ck_assert_int_eq(seen.r, 0);
	ck_assert_uint_eq(service.n_tokens, 8);
	ck_assert_uint_eq(service.n_gets, 3);
}
END_TEST

START_TEST(a_token_that_is_never_good_is_asked_for_anew_once)
{
	service.forgetful = true;
	get();
	ck_assert_int_eq(seen.r, -EAGAIN);
	assert_text("%s does not accept the token that it has just given (HTTP 401)");
	ck_assert_uint_eq(service.n_tokens, 2);
	ck_assert_uint_eq(service.n_gets, 2);

	/* Nor is it kept. */
	service.forgetful = false;
	get();
	ck_assert_int_eq(seen.r, 0);
	ck_assert_uint_eq(service.n_tokens, 3);
	ck_assert_uint_eq(service.n_gets, 3);
}
END_TEST

START_TEST(questions_at_the_same_time_have_an_answer_each)
{
	struct imds_call *call;

	ck_assert_int_eq(start(&call), 0);
	ck_assert_int_eq(start(&call), 0);
	get();
	while (seen.n_callbacks < 3)
		ck_assert_int_gt(sd_event_run(event, 10 * USEC_PER_SEC), 0);
	ck_assert_int_eq(seen.r, 0);
}
END_TEST

START_TEST(no_proxy_is_asked)
{
	/* Nobody listens there. */
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	get();
	ck_assert_int_eq(seen.r, 0);
}
END_TEST

/* ---- What goes wrong ---- */

static const struct {
	unsigned token_status;
	const char *token;
	unsigned status;
	const char *body;
	int r;
	const char *text;
} REFUSALS[] = {
	{403, NULL, 200, "", -EACCES,
		"%s refuses (HTTP 403): the metadata service is switched off for this instance: "
		"set its HttpEndpoint to enabled"},
	{404, NULL, 200, "", -EPROTO,
		"%s gives no token (HTTP 404): it is not EC2's metadata service, or one without "
		"IMDSv2"},
	{401, NULL, 200, "", -EPROTO,
		"%s gives no token (HTTP 401): it is not EC2's metadata service, or one without "
		"IMDSv2"},
	{503, NULL, 200, "", -EAGAIN, "%s is in trouble: HTTP 503"},
	{200, "two words", 200, "", -EPROTO, "%s gives something else than a token"},
	{200, "", 200, "", -EPROTO, "%s gives something else than a token"},
	{200, NULL, 403, "", -EACCES,
		"%s refuses (HTTP 403): the metadata service is switched off for this instance: "
		"set its HttpEndpoint to enabled"},
	{200, NULL, 404, "", -ENODATA, "%s has nothing there"},
	{200, NULL, 400, "", -EPROTO, "%s refuses: HTTP 400"},
	{200, NULL, 500, "", -EAGAIN, "%s is in trouble: HTTP 500"},
	{200, NULL, 200,
		"0123456789012345678901234567890123456789012345678901234567890123456789"
		"0123456789012345678901234567890",
		-EMSGSIZE, "%s: the answer is larger than expected"},
};

START_TEST(what_is_refused_is_said_with_its_cure)
{
	service.token_status = REFUSALS[_i].token_status;
	service.token = REFUSALS[_i].token;
	test_imds_set(&service, REGION, REFUSALS[_i].status, REFUSALS[_i].body);
	get();
	ck_assert_int_eq(seen.r, REFUSALS[_i].r);
	assert_text(REFUSALS[_i].text);
}
END_TEST

START_TEST(where_nobody_listens_there_is_no_instance)
{
	close_server();
	use_environment();
	get();
	ck_assert_int_eq(seen.r, -ENOENT);
	ck_assert_ptr_nonnull(strstr(seen.text,
		": this is no EC2 instance, or its metadata service does not reach into this "
		"container (cannot connect to 127.0.0.1 port "));
}
END_TEST

START_TEST(where_no_connection_comes_about_in_a_second_there_is_no_instance)
{
	char url[64];

	/* Nobody ends the handshake. */
	snprintf(url, sizeof url, "https://127.0.0.1:%u", test_server_port(server));
	test_environment_set(ENDPOINT, url);
	use_environment();
	get();
	ck_assert_int_eq(seen.r, -ENOENT);
	assert_text("nobody is at %s: this is no EC2 instance, or its metadata service does not "
		    "reach into this container (no connection in time)");
}
END_TEST

START_TEST(who_has_answered_before_and_is_silent_now_has_an_outage)
{
	get();
	close_server();
	get();
	ck_assert_int_eq(seen.r, -EHOSTUNREACH);
	ck_assert_ptr_nonnull(strstr(seen.text, " does not answer any more: "));
}
END_TEST

START_TEST(a_token_that_does_not_come_hints_at_the_hop_limit)
{
	service.token_status = 0;
	get();
	ck_assert_int_eq(seen.r, -ETIMEDOUT);
	assert_text("%s answers no request for a token: in a container, set the instance's "
		    "HttpPutResponseHopLimit to 2 (no answer in time)");
}
END_TEST

START_TEST(a_page_that_does_not_come_is_an_outage)
{
	service.silent = true;
	get();
	ck_assert_int_eq(seen.r, -ETIMEDOUT);
	assert_text("%s: no answer in time");
}
END_TEST

START_TEST(as_many_attempts_are_made_as_the_environment_says)
{
	test_environment_set("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "3");
	use_environment();
	test_imds_set(&service, REGION, 500, "");
	get();
	ck_assert_int_eq(seen.r, -EAGAIN);
	ck_assert_uint_eq(service.n_tokens, 1);
	ck_assert_uint_eq(service.n_gets, 3);

	service.token_status = 502;
	use_environment();
	get();
	ck_assert_int_eq(seen.r, -EAGAIN);
	ck_assert_uint_eq(service.n_tokens, 4);
}
END_TEST

/* ---- The environment ---- */

static const struct {
	const char *name;
	const char *value;
	int r;
	const char *text;
} ENVIRONMENTS[] = {
	{"AWS_EC2_METADATA_DISABLED", "True", -ENOENT, "AWS_EC2_METADATA_DISABLED is set"},
	{ENDPOINT "_MODE", "IPv5", -EINVAL, ENDPOINT "_MODE is neither IPv4 nor IPv6"},
	{ENDPOINT, "ftp://127.0.0.1", -EINVAL,
		ENDPOINT " is not a URL like http://169.254.169.254"},
	{ENDPOINT, "http://127.0.0.1/?x", -EINVAL,
		ENDPOINT " is not a URL like http://169.254.169.254"},
	{"AWS_METADATA_SERVICE_TIMEOUT", "0", -EINVAL,
		"AWS_METADATA_SERVICE_TIMEOUT is not a whole number from 1 to 60"},
	{"AWS_METADATA_SERVICE_TIMEOUT", "1.5", -EINVAL,
		"AWS_METADATA_SERVICE_TIMEOUT is not a whole number from 1 to 60"},
	{"AWS_METADATA_SERVICE_NUM_ATTEMPTS", "99999999999999999999", -EINVAL,
		"AWS_METADATA_SERVICE_NUM_ATTEMPTS is not a whole number from 1 to 10"},
};

START_TEST(the_environment_is_told_what_is_wrong_with_it)
{
	struct imds_call *call = NULL;

	test_environment_set(ENVIRONMENTS[_i].name, ENVIRONMENTS[_i].value);
	use_environment();
	ck_assert_int_eq(start(&call), ENVIRONMENTS[_i].r);
	ck_assert_str_eq(seen.text, ENVIRONMENTS[_i].text);
	ck_assert_ptr_null(call);
}
END_TEST

static const struct {
	const char *endpoint;
	const char *mode;
	const char *asked;
	const char *address;
} PLACES[] = {
	{"", NULL, "http://169.254.169.254", "169.254.169.254:80"},
	{"", "ipv6", "http://[fd00:ec2::254]", "[fd00:ec2::254]:80"},
	{"http://192.0.2.1:81/prefix//", "IPv6", "http://192.0.2.1:81/prefix", "192.0.2.1:81"},
};

START_TEST(the_service_is_asked_where_it_is_or_where_the_environment_says)
{
	char text[128];

	test_environment_set(ENDPOINT, PLACES[_i].endpoint);
	test_environment_set(ENDPOINT "_MODE", PLACES[_i].mode);
	use_environment();
	get();
	ck_assert_int_eq(seen.r, -ENOENT);
	ck_assert_str_eq(test_connect_refused(), PLACES[_i].address);
	snprintf(text, sizeof text, "nobody is at %s: ", PLACES[_i].asked);
	ck_assert_int_eq(strncmp(seen.text, text, strlen(text)), 0);
}
END_TEST

/* ---- Cancelled ---- */

static void await_requests(unsigned n)
{
	while (test_server_requests(server) < n)
		ck_assert_int_ge(sd_event_run(event, 10 * USEC_PER_MSEC), 0);
}

START_TEST(after_cancel_no_callback_comes)
{
	struct imds_call *call;

	/* While it asks for a token, and for the page. */
	ck_assert_int_eq(start(&call), 0);
	await_requests(1);
	imds_cancel(call);
	ck_assert_int_eq(start(&call), 0);
	await_requests(3);
	imds_cancel(call);
	get();
	ck_assert_uint_eq(seen.n_callbacks, 1);
}
END_TEST

START_TEST(its_end_cancels_what_is_out)
{
	struct imds_call *call;

	ck_assert_int_eq(start(&call), 0);
	imds = imds_free(imds);
	while (sd_event_run(event, 0) > 0)
		;
	ck_assert_uint_eq(seen.n_callbacks, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("imds");
	TCase *c = tcase_create("imds");

	tcase_set_timeout(c, 30);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_path_is_asked_for_with_a_token_that_was_asked_for_before);
	tcase_add_test(c, a_token_is_used_again_until_two_minutes_before_its_end);
	tcase_add_test(c, a_token_that_is_not_known_any_more_is_asked_for_anew);
	tcase_add_test(c, a_token_that_is_never_good_is_asked_for_anew_once);
	tcase_add_test(c, questions_at_the_same_time_have_an_answer_each);
	tcase_add_test(c, no_proxy_is_asked);
	tcase_add_loop_test(c, what_is_refused_is_said_with_its_cure, 0, N_OF(REFUSALS));
	tcase_add_test(c, where_nobody_listens_there_is_no_instance);
	tcase_add_test(c, where_no_connection_comes_about_in_a_second_there_is_no_instance);
	tcase_add_test(c, who_has_answered_before_and_is_silent_now_has_an_outage);
	tcase_add_test(c, a_token_that_does_not_come_hints_at_the_hop_limit);
	tcase_add_test(c, a_page_that_does_not_come_is_an_outage);
	tcase_add_test(c, as_many_attempts_are_made_as_the_environment_says);
	tcase_add_loop_test(
		c, the_environment_is_told_what_is_wrong_with_it, 0, N_OF(ENVIRONMENTS));
	tcase_add_loop_test(
		c, the_service_is_asked_where_it_is_or_where_the_environment_says, 0, N_OF(PLACES));
	tcase_add_test(c, after_cancel_no_callback_comes);
	tcase_add_test(c, its_end_cancels_what_is_out);
	suite_add_tcase(suite, c);
	return test_suite_run(suite);
}

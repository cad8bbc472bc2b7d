#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-event.h>

#include "../support/test_environment.h"
#include "../support/test_imds.h"
#include "../support/test_search.h"
#include "../support/test_suite.h"
#include "aws/region.h"

#define ENDPOINT "AWS_EC2_METADATA_SERVICE_ENDPOINT"
#define REGION   "/latest/meta-data/placement/region"

static struct test_search t; /* for its loop and its http */
static struct imds *imds;
static struct region_search *search;
static struct test_server *server;
static struct test_imds service;

static struct {
	unsigned n_told;
	bool known;
	char region[64];
	char text[CREDENTIALS_TEXT_MAX];
} seen;

static void on_told(void *userdata, const char *region, const char *text)
{
	ck_assert_ptr_eq(userdata, &seen);
	seen.n_told++;
	seen.known = region != NULL;
	snprintf(seen.region, sizeof seen.region, "%s", region ? region : "");
	snprintf(seen.text, sizeof seen.text, "%s", text);
}

static void setup(void)
{
	test_search_init(&t);
	service.token_status = 200;
	server = test_server_new(TEST_PLAIN, test_imds_answer, &service);
	test_environment_set(ENDPOINT, test_server_url(server));
}

static void teardown(void)
{
	search = region_search_free(search);
	imds = imds_free(imds);
	test_search_done(&t);
	server = test_server_free(server);
}

static int begin(void)
{
	ck_assert_int_eq(imds_new(t.http, test_environment_get, &imds), 0);
	return region_search_new(imds, on_told, &seen, seen.text, &search);
}

static void await(unsigned n_told)
{
	while (seen.n_told < n_told)
		ck_assert_msg(
			sd_event_run(t.event, 10 * USEC_PER_SEC) > 0, "nothing happened for 10 s");
}

START_TEST(the_region_is_told_once)
{
	test_imds_set(&service, REGION, 200, "ap-southeast-2");
	ck_assert_int_eq(begin(), 0);
	ck_assert_uint_eq(seen.n_told, 0);
	await(1);
	ck_assert_str_eq(seen.region, "ap-southeast-2");
	ck_assert_str_eq(seen.text, "");
	/* No timer is armed: there is nothing to wait for. */
	while (sd_event_run(t.event, 0) > 0)
		;
	ck_assert_uint_eq(seen.n_told, 1);
	ck_assert_uint_eq(service.n_gets, 1);
}
END_TEST

START_TEST(a_region_that_is_not_there_yet_is_asked_for_again)
{
	test_imds_set(&service, REGION, 503, "");
	ck_assert_int_eq(begin(), 0);
	await(1);
	ck_assert(!seen.known);
	ck_assert_ptr_nonnull(strstr(seen.text, " is in trouble: HTTP 503"));
	test_imds_set(&service, REGION, 200, "eu-west-1");
	await(2);
	ck_assert_str_eq(seen.region, "eu-west-1");
}
END_TEST

static const char *const NO_REGIONS[] = {
	"",
	"eu-west-1\n",
	"EU-WEST-1",
	"eu west",
	"-eu-west-1",
	"eu-west-",
	"<html>",
	"../..",
	"a-region-whose-name-is-longer-than-sixty-three-characters-allow-",
};

START_TEST(what_cannot_be_a_region_is_none)
{
	test_imds_set(&service, REGION, 200, NO_REGIONS[_i]);
	ck_assert_int_eq(begin(), 0);
	await(1);
	ck_assert(!seen.known);
	ck_assert_str_eq(seen.text, "the metadata service's answer is no region's name");
}
END_TEST

START_TEST(disabled_there_is_nobody_to_ask)
{
	test_environment_set("AWS_EC2_METADATA_DISABLED", "true");
	ck_assert_int_eq(begin(), -ENOENT);
	ck_assert_str_eq(seen.text, "AWS_EC2_METADATA_DISABLED is set");
}
END_TEST

START_TEST(its_end_cancels_what_is_out)
{
	test_imds_set(&service, REGION, 200, "eu-west-1");
	ck_assert_int_eq(begin(), 0);
	search = region_search_free(search);
	while (sd_event_run(t.event, 0) > 0)
		;
	ck_assert_uint_eq(seen.n_told, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("region");
	TCase *c = tcase_create("region");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, the_region_is_told_once);
	tcase_add_test(c, a_region_that_is_not_there_yet_is_asked_for_again);
	tcase_add_loop_test(c, what_cannot_be_a_region_is_none, 0, N_OF(NO_REGIONS));
	tcase_add_test(c, disabled_there_is_nobody_to_ask);
	tcase_add_test(c, its_end_cancels_what_is_out);
	suite_add_tcase(suite, c);
	return test_suite_run(suite);
}

#include <check.h>
#include <errno.h>
#include <string.h>

#include "../support/test_environment.h"
#include "../support/test_suite.h"
#include "aws/sts_endpoint.h"

#define STS "https://one.example.com"
#define ALL "https://all.example.com:8443/"

static const struct {
	const char *sts;
	const char *all;
	const char *blind;
	const char *fips;
	const char *region;
	const char *url;
} places[] = {
	{.region = "eu-west-1", .url = "https://sts.eu-west-1.amazonaws.com"},
	{.region = "us-gov-west-1", .url = "https://sts.us-gov-west-1.amazonaws.com"},
	{.region = "cn-north-1", .url = "https://sts.cn-north-1.amazonaws.com.cn"},
	{.region = "us-iso-east-1", .url = "https://sts.us-iso-east-1.c2s.ic.gov"},
	{.region = "us-isob-east-1", .url = "https://sts.us-isob-east-1.sc2s.sgov.gov"},
	{.region = "us-isof-south-1", .url = "https://sts.us-isof-south-1.csp.hci.ic.gov"},
	{.region = "eu-isoe-west-1", .url = "https://sts.eu-isoe-west-1.cloud.adc-e.uk"},
	{.region = "eusc-de-east-1", .url = "https://sts.eusc-de-east-1.amazonaws.eu"},
	{.fips = "True", .region = "us-east-2", .url = "https://sts-fips.us-east-2.amazonaws.com"},
	{.fips = "True",
		.region = "us-gov-east-1",
		.url = "https://sts.us-gov-east-1.amazonaws.com"},
	{.fips = "True", .region = "cn-north-1", .url = "https://sts.cn-north-1.amazonaws.com.cn"},
	{.fips = "no", .region = "us-east-2", .url = "https://sts.us-east-2.amazonaws.com"},
	{.all = ALL, .region = "eu-west-1", .url = ALL},
	{.all = ALL, .sts = STS, .region = "eu-west-1", .url = STS},
	{.sts = STS, .fips = "True", .region = "", .url = STS},
	{.all = ALL, .sts = "", .url = ALL},
	{.sts = STS,
		.all = ALL,
		.blind = "true",
		.region = "eu-west-1",
		.url = "https://sts.eu-west-1.amazonaws.com"},
};

START_TEST(the_endpoint_is_the_environments_or_the_regions_own)
{
	_cleanup_strbuf_ struct strbuf url = STRBUF_INIT;
	char text[CREDENTIALS_TEXT_MAX];

	for (size_t i = 0; i < N_OF(places); i++) {
		const struct credential_means means = {
			.getenv = test_environment_get, .region = places[i].region};
		test_environment_set("AWS_ENDPOINT_URL_STS", places[i].sts);
		test_environment_set("AWS_ENDPOINT_URL", places[i].all);
		test_environment_set("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", places[i].blind);
		test_environment_set("AWS_USE_FIPS_ENDPOINT", places[i].fips);
		strbuf_reset(&url);
		ck_assert_int_eq(sts_endpoint_find(&means, &url, text), 0);
		ck_assert_str_eq(strbuf_str(&url), places[i].url);
	}
}
END_TEST

START_TEST(a_region_whose_name_is_none_has_no_endpoint)
{
	const struct credential_means means = {
		.getenv = test_environment_get, .region = "eu.example.com/"};
	_cleanup_strbuf_ struct strbuf url = STRBUF_INIT;
	char text[CREDENTIALS_TEXT_MAX];

	ck_assert_int_eq(sts_endpoint_find(&means, &url, text), -EINVAL);
	ck_assert_ptr_null(strstr(text, "example"));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("sts_endpoint");
	TCase *c = tcase_create("sts_endpoint");

	tcase_add_test(c, the_endpoint_is_the_environments_or_the_regions_own);
	tcase_add_test(c, a_region_whose_name_is_none_has_no_endpoint);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return test_suite_run(suite());
}

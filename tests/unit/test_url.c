#include <check.h>
#include <errno.h>
#include <string.h>

#include "../support/test_suite.h"
#include "conf/url.h"

static struct url parse(const char *text)
{
	struct url url;
	const char *wrong = "";

	ck_assert_msg(url_parse(text, &url, &wrong) == 0, "%s: %s", text, wrong);
	return url;
}

static const struct {
	const char *text;
	const char *host;
	const char *origin;
	const char *path;
} good[] = {
	{"https://h", "h", "https://h", ""},
	{"https://h/", "h", "https://h", "/"},
	{"http://h:80/a/b", "h", "http://h:80", "/a/b"},
	{"https://[::1]:65535/a", "::1", "https://[::1]:65535", "/a"},
	{"https://[2001:db8::1]", "2001:db8::1", "https://[2001:db8::1]", ""},
	{"https://sqs_local.Example.com./x", "sqs_local.Example.com.",
		"https://sqs_local.Example.com.", "/x"},
};

START_TEST(a_url_is_taken_apart)
{
	struct url url = parse(good[_i].text);

	ck_assert_uint_eq(url.host_len, strlen(good[_i].host));
	ck_assert_int_eq(strncmp(url.host, good[_i].host, url.host_len), 0);
	ck_assert_uint_eq(url.origin_len, strlen(good[_i].origin));
	ck_assert_str_eq(url.path, good[_i].path);
	ck_assert_int_eq(url.tls, good[_i].text[4] == 's');
}
END_TEST

static const struct {
	const char *text;
	const char *wrong;
} bad[] = {
	{"", "begins neither with https:// nor with http://"},
	{"HTTPS://h", "begins neither with https:// nor with http://"},
	{"ftp://h", "begins neither with https:// nor with http://"},
	{"//h", "begins neither with https:// nor with http://"},
	{"https://", "has no valid host name"},
	{"https:///x", "has no valid host name"},
	{"https://.h", "has no valid host name"},
	{"https://h!x", "has no valid host name"},
	{"https://:80", "has no valid host name"},
	{"https://h:", "has no valid port behind its host"},
	{"https://h:0", "has no valid port behind its host"},
	{"https://h:65536", "has no valid port behind its host"},
	{"https://h:123456", "has no valid port behind its host"},
	{"https://h:8o", "has no valid port behind its host"},
	{"https://[::1]80", "has no valid port behind its host"},
	{"https://[::1", "has no valid IPv6 address in its brackets"},
	{"https://[h]", "has no valid IPv6 address in its brackets"},
	{"https://u@h", "names a user, which does not belong there"},
	{"https://u:p@h/x", "names a user, which does not belong there"},
	{"https://h/a b", "has a character that no URL has"},
	{"https://h/\xc3\xa4", "has a character that no URL has"},
	{"https://h/a\n", "has a character that no URL has"},
	{"https://h/\"", "has a character that no URL has"},
	{"https://h/?a", "has a query"},
	{"https://h/#a", "has a fragment"},
};

START_TEST(what_is_no_such_url_is_refused_with_a_reason)
{
	struct url url = {.path = "before"};
	const char *wrong = NULL;

	ck_assert_int_eq(url_parse(bad[_i].text, &url, &wrong), -EINVAL);
	ck_assert_str_eq(wrong, bad[_i].wrong);
	ck_assert_str_eq(url.path, "before");
}
END_TEST

START_TEST(a_host_name_has_a_ceiling)
{
	char text[8 + 254 + 1] = "https://";
	struct url url;
	const char *wrong;

	memset(text + 8, 'a', 254);
	ck_assert_int_eq(url_parse(text, &url, &wrong), -EINVAL);
	text[8 + 253] = '\0';
	url = parse(text);
	char region[URL_REGION_MAX + 1];
	ck_assert(!url_region(&url, region));
}
END_TEST

/* A URL, whether its host is this machine's by its name, and whether no resolver can differ. */
static const struct {
	const char *text;
	bool is_loopback;
	bool is_this_machine;
} places[] = {
	{"http://127.0.0.1:1/", true, true},
	{"http://127.255.0.9", true, true},
	{"http://[::1]:80", true, true},
	{"http://localhost/x", true, true},
	{"http://LocalHost", true, true},
	{"http://LOCALHOST.", true, false},
	{"http://127.0.0.1.", true, false},
	{"http://a.localhost", true, false},
	{"http://a.localhost.", true, false},
	{"http://128.0.0.1", false, false},
	{"http://10.0.0.1", false, false},
	{"http://[::2]", false, false},
	{"http://localhost.example.com", false, false},
	{"http://notlocalhost", false, false},
	{"http://127.0.0.1.example.com", false, false},
	{"http://sqs.eu-central-1.amazonaws.com", false, false},
};

START_TEST(loopback_is_this_machine_only)
{
	struct url url = parse(places[_i].text);

	ck_assert_int_eq(url_is_loopback(&url), places[_i].is_loopback);
	ck_assert_int_eq(url_is_this_machine(&url), places[_i].is_this_machine);
}
END_TEST

START_TEST(a_request_may_have_a_query)
{
	static const struct {
		const char *text, *host, *path;
	} requests[] = {
		{"https://h/a?b/c", "h", "/a?b/c"},
		{"https://h:80?b@c", "h", "?b@c"},
		{"https://h", "h", ""},
	};
	const char *wrong = "";
	struct url url;

	for (size_t i = 0; i < N_OF(requests); i++) {
		ck_assert_int_eq(url_parse_request(requests[i].text, &url, &wrong), 0);
		ck_assert_int_eq(strncmp(url.host, requests[i].host, url.host_len), 0);
		ck_assert_uint_eq(url.host_len, strlen(requests[i].host));
		ck_assert_str_eq(url.path, requests[i].path);
	}
	ck_assert_int_eq(url_parse_request("https://h/?a#b", &url, &wrong), -EINVAL);
	ck_assert_str_eq(wrong, "has a fragment");
	ck_assert_str_eq(url.path, "");
}
END_TEST

/* A host, whether AWS has it, and the region in it. */
static const struct {
	const char *text;
	bool aws;
	const char *region;
} hosts[] = {
	{"https://sqs.eu-central-1.amazonaws.com/1/n", true, "eu-central-1"},
	{"https://SQS.EU-Central-1.AmazonAWS.com./1/n", true, "eu-central-1"},
	{"https://sqs.us-gov-west-1.amazonaws.com", true, "us-gov-west-1"},
	{"https://sqs.cn-north-1.amazonaws.com.cn", true, "cn-north-1"},
	{"https://sqs.eusc-de-east-1.amazonaws.eu", true, "eusc-de-east-1"},
	{"https://sqs.us-iso-east-1.c2s.ic.gov", true, "us-iso-east-1"},
	{"https://sqs.us-isob-east-1.sc2s.sgov.gov", true, "us-isob-east-1"},
	{"https://sqs.ap-southeast-2.api.aws", true, "ap-southeast-2"},
	{"https://sqs.cn-north-1.api.amazonwebservices.com.cn", true, "cn-north-1"},
	{"https://sqs-fips.us-east-2.amazonaws.com", true, "us-east-2"},
	{"https://sqs-fips.us-east-2.api.aws", true, "us-east-2"},
	{"https://eu-west-1.queue.amazonaws.com", true, "eu-west-1"},
	{"https://queue.amazonaws.com", true, "us-east-1"},
	{"https://cn-north-1.queue.amazonaws.com.cn", true, "cn-north-1"},
	{"https://vpce-0a1b-c2d3.sqs.eu-west-3.vpce.amazonaws.com", true, "eu-west-3"},
	{"https://vpce-0a1b-c2d3-eu-west-3a.sqs.eu-west-3.vpce.amazonaws.com", true, "eu-west-3"},
	{"https://sqs.cn-north-1.amazonaws.com", true, "cn-north-1"},
	{"https://sqs.eusc-de-east-1.api.amazonwebservices.eu", true, "eusc-de-east-1"},
	{"https://sqs-fips.eusc-de-east-1.amazonaws.eu", true, "eusc-de-east-1"},
	{"https://sqs.us-iso-east-1.api.aws.ic.gov", true, "us-iso-east-1"},
	{"https://sqs.us-isob-east-1.api.aws.scloud", true, "us-isob-east-1"},
	{"https://sqs.eu-isoe-west-1.cloud.adc-e.uk", true, "eu-isoe-west-1"},
	{"https://sqs.eu-isoe-west-1.api.cloud-aws.adc-e.uk", true, "eu-isoe-west-1"},
	{"https://sqs.us-isof-south-1.csp.hci.ic.gov", true, "us-isof-south-1"},
	{"https://sqs.us-isof-south-1.api.aws.hci.ic.gov", true, "us-isof-south-1"},
	{"https://sqs.us-gov-east-1.api.aws", true, "us-gov-east-1"},
	{"https://sqs-fips.us-gov-east-1.amazonaws.com", true, "us-gov-east-1"},
	{"https://vpce-0a1b-c2d3.sqs-fips.us-east-1.vpce.amazonaws.com", true, "us-east-1"},
	{"https://vpce-0a1b-c2d3.sqs.cn-north-1.vpce.amazonaws.com.cn", true, "cn-north-1"},
	{"http://sqs.us-east-1.localhost.localstack.cloud:4566", false, "us-east-1"},
	{"https://sqs.eu-central-1.amazonaws.com.evil.example", false, "eu-central-1"},
	{"https://sqs.eu-central-1.evilamazonaws.com", false, "eu-central-1"},
	{"https://sqs.evil.example", false, NULL},
	/* Names that AWS gives to buckets, balancers and machines of anybody. */
	{"https://sqs.s3.amazonaws.com", false, NULL},
	{"https://sqs.us-east-1.elb.amazonaws.com", false, "us-east-1"},
	{"https://sqs-1.eu-west-1.elb.amazonaws.com", false, NULL},
	{"https://ec2-1-2-3-4.compute-1.amazonaws.com", false, NULL},
	{"https://x.sqs.eu-west-1.vpce.amazonaws.com", false, NULL},
	{"https://vpce-1.evil.sqs.eu-west-1.vpce.amazonaws.com", false, NULL},
	{"https://vpce-1.s3.eu-west-1.vpce.amazonaws.com", false, NULL},
	{"https://vpce-1.vpce.amazonaws.com", false, NULL},
	{"https://vpce.amazonaws.com", false, NULL},
	{"https://queue.amazonaws.com.cn", false, NULL},
	{"https://evil.queue.amazonaws.com", false, NULL},
	{"https://sqs.eu-central-1.amazonaws.com..", false, "eu-central-1"},
	{"https://sqs.eu-central-1.amazonaws.com.evil.org", false, "eu-central-1"},
	{"https://sqs.eu-central-1.api.aws.evil.org", false, "eu-central-1"},
	{"https://s3.eu-central-1.amazonaws.com", false, NULL},
	{"https://evil.eu-central-1.amazonaws.com", false, NULL},
	{"https://amazonaws.com", false, NULL},
	{"https://sqs.amazonaws.com", false, NULL},
	{"https://sqs.a.b.amazonaws.com", false, NULL},
	{"https://evil.sqs.eu-west-1.amazonaws.com", false, NULL},
	{"http://localhost:9324", false, NULL},
	{"http://[::1]", false, NULL},
};

START_TEST(a_host_tells_whose_it_is_and_its_region)
{
	struct url url = parse(hosts[_i].text);
	char region[URL_REGION_MAX + 1] = "before";

	ck_assert_int_eq(url_is_aws(&url), hosts[_i].aws);
	ck_assert_int_eq(url_region(&url, region), hosts[_i].region != NULL);
	ck_assert_str_eq(region, hosts[_i].region ? hosts[_i].region : "before");
}
END_TEST

static const struct {
	const char *text;
	bool plain;
	bool fips;
} spellings[] = {
	{"https://sqs.eu-central-1.amazonaws.com/1/n", true, false},
	{"https://SQS.eu-central-1.amazonaws.com/1/n", false, false},
	{"https://sqs.eu-central-1.amazonaws.com./1/n", false, false},
	{"https://sqs.eu-central-1.amazonaws.com:443/1/n", false, false},
	{"https://sqs-fips.eu-central-1.amazonaws.com/1/n", true, true},
	{"https://sqs-fips.eu-central-1.api.aws/1/n", true, true},
	{"https://sqs.us-gov-west-1.amazonaws.com/1/n", true, true},
	{"https://vpce-1.sqs-fips.us-east-1.vpce.amazonaws.com/1/n", true, true},
	{"https://vpce-1.sqs.us-east-1.vpce.amazonaws.com/1/n", true, false},
};

START_TEST(a_host_tells_how_it_is_written_and_of_which_kind_it_is)
{
	struct url url = parse(spellings[_i].text);

	ck_assert_int_eq(url_is_plain(&url), spellings[_i].plain);
	ck_assert_int_eq(url_is_fips(&url), spellings[_i].fips);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("url");
	TCase *tcase = tcase_create("url");

	tcase_add_loop_test(tcase, a_url_is_taken_apart, 0, N_OF(good));
	tcase_add_loop_test(tcase, what_is_no_such_url_is_refused_with_a_reason, 0, N_OF(bad));
	tcase_add_test(tcase, a_host_name_has_a_ceiling);
	tcase_add_loop_test(tcase, loopback_is_this_machine_only, 0, N_OF(places));
	tcase_add_test(tcase, a_request_may_have_a_query);
	tcase_add_loop_test(tcase, a_host_tells_whose_it_is_and_its_region, 0, N_OF(hosts));
	tcase_add_loop_test(
		tcase, a_host_tells_how_it_is_written_and_of_which_kind_it_is, 0, N_OF(spellings));
	suite_add_tcase(suite, tcase);
	return test_suite_run(suite);
}

#include <check.h>
#include <errno.h>

#include "../support/test_suite.h"
#include "aws/queue_url.h"

#define AWS     "https://sqs.eu-central-1.amazonaws.com/"
#define ACCOUNT "123456789012"
#define ARN     "arn:aws:sqs:eu-central-1:" ACCOUNT ":"

static const struct {
	const char *url;
	const char *arn;
	const char *neighbour; /* NULL: none */
} cases[] = {
	{AWS ACCOUNT "/jobs", ARN "dead", AWS ACCOUNT "/dead"},
	{AWS "210987654321/jobs", ARN "dead", AWS ACCOUNT "/dead"},
	{"https://sqs.cn-north-1.amazonaws.com.cn/" ACCOUNT "/jobs",
		"arn:aws-cn:sqs:cn-north-1:" ACCOUNT ":dead",
		"https://sqs.cn-north-1.amazonaws.com.cn/" ACCOUNT "/dead"},
	{"http://localhost:4566/000000000000/jobs", "arn:aws:sqs:us-east-1:000000000000:dead",
		"http://localhost:4566/000000000000/dead"},
	{"http://localhost:9324/queue/jobs", "arn:aws:sqs:elasticmq:000000000000:dead",
		"http://localhost:9324/queue/dead"},
	{"http://localhost:9324/jobs", ARN "dead", "http://localhost:9324/dead"},
	{"http://localhost:9324", ARN "dead", NULL},
	{"jobs", ARN "dead", NULL},
	{AWS ACCOUNT "/jobs", "", NULL},
	{AWS ACCOUNT "/jobs", "dead", NULL},
	{AWS ACCOUNT "/jobs", "arn:aws:sqs:eu-central-1:" ACCOUNT, NULL},
	{AWS ACCOUNT "/jobs", ARN, NULL},
	{AWS ACCOUNT "/jobs", "arn:aws:sqs:eu-central-1::dead", NULL},
	{AWS ACCOUNT "/jobs", "arn:aws:sns:eu-central-1:" ACCOUNT ":dead", NULL},
	{AWS ACCOUNT "/jobs", "arn:aws:sqs:eu-central-1:" ACCOUNT ":dead:letters", NULL},
	{AWS ACCOUNT "/jobs", ARN "../dead", NULL},
	{AWS ACCOUNT "/jobs", ARN "dead?x", NULL},
};

START_TEST(the_queue_of_an_arn_is_beside_the_one_that_is_known)
{
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	int r = queue_url_of_arn(cases[_i].url, cases[_i].arn, &out);

	ck_assert_int_eq(r, cases[_i].neighbour ? 0 : -EINVAL);
	ck_assert_str_eq(strbuf_str(&out), cases[_i].neighbour ? cases[_i].neighbour : "");
}
END_TEST

static const struct {
	const char *url;
	const char *region;
	const char *arn;
} arns[] = {
	{AWS ACCOUNT "/jobs", "eu-central-1", ARN "jobs"},
	{AWS ACCOUNT "/jobs.fifo", "eu-central-1", ARN "jobs.fifo"},
	{"https://sqs.cn-north-1.amazonaws.com.cn/" ACCOUNT "/jobs", "cn-north-1",
		"arn:aws-cn:sqs:cn-north-1:" ACCOUNT ":jobs"},
	{"https://sqs.us-gov-west-1.amazonaws.com/" ACCOUNT "/jobs", "us-gov-west-1",
		"arn:aws-us-gov:sqs:us-gov-west-1:" ACCOUNT ":jobs"},
	{"https://sqs.us-iso-east-1.c2s.ic.gov/" ACCOUNT "/jobs", "us-iso-east-1",
		"arn:aws-iso:sqs:us-iso-east-1:" ACCOUNT ":jobs"},
	{"https://sqs.us-isob-east-1.sc2s.sgov.gov/" ACCOUNT "/jobs", "us-isob-east-1",
		"arn:aws-iso-b:sqs:us-isob-east-1:" ACCOUNT ":jobs"},
	{"https://sqs.us-isof-south-1.csp.hci.ic.gov/" ACCOUNT "/jobs", "us-isof-south-1",
		"arn:aws-iso-f:sqs:us-isof-south-1:" ACCOUNT ":jobs"},
	{"https://sqs.eu-isoe-west-1.cloud.adc-e.uk/" ACCOUNT "/jobs", "eu-isoe-west-1",
		"arn:aws-iso-e:sqs:eu-isoe-west-1:" ACCOUNT ":jobs"},
	{"https://sqs.eusc-de-east-1.amazonaws.eu/" ACCOUNT "/jobs", "eusc-de-east-1",
		"arn:aws-eusc:sqs:eusc-de-east-1:" ACCOUNT ":jobs"},
	{"http://127.0.0.1:9324/000000000000/jobs", "eu-west-1",
		"arn:aws:sqs:eu-west-1:000000000000:jobs"},
	{"http://localhost:9324/queue/jobs", "elasticmq",
		"arn:aws:sqs:elasticmq:000000000000:jobs"},
	{"http://localhost:9324/twelveletter/jobs", "elasticmq",
		"arn:aws:sqs:elasticmq:000000000000:jobs"},
	{"http://localhost:9324/1" ACCOUNT "/jobs", "elasticmq",
		"arn:aws:sqs:elasticmq:000000000000:jobs"},
	{"http://localhost:9324/jobs", "us-east-1", "arn:aws:sqs:us-east-1:000000000000:jobs"},
};

START_TEST(a_queues_url_and_region_make_its_arn)
{
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;

	ck_assert_int_eq(queue_url_arn(arns[_i].url, arns[_i].region, &out), 0);
	ck_assert_str_eq(strbuf_str(&out), arns[_i].arn);
}
END_TEST

START_TEST(a_queue_is_named_by_the_last_part)
{
	ck_assert_str_eq(queue_url_name(AWS ACCOUNT "/jobs"), "jobs");
	ck_assert_str_eq(queue_url_name(ARN "dead"), "dead");
	ck_assert_str_eq(queue_url_name("dead"), "dead");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("queue_url");
	TCase *tcase = tcase_create("queue_url");

	tcase_add_loop_test(
		tcase, the_queue_of_an_arn_is_beside_the_one_that_is_known, 0, N_OF(cases));
	tcase_add_loop_test(tcase, a_queues_url_and_region_make_its_arn, 0, N_OF(arns));
	tcase_add_test(tcase, a_queue_is_named_by_the_last_part);
	suite_add_tcase(suite, tcase);
	return test_suite_run(suite);
}

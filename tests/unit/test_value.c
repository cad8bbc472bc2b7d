#include <check.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "../support/test_suite.h"
#include "base/clock.h"
#include "conf/value.h"

static const struct value_rule duration = {
	.type = &value_duration, .min = 0, .max = 12 * USEC_PER_HOUR};
static const struct value_rule seconds = {.type = &value_duration,
	.min = USEC_PER_SEC,
	.max = 20 * USEC_PER_SEC,
	.step = USEC_PER_SEC};
static const struct value_rule size = {.type = &value_size, .min = 0, .max = UINT64_C(1) << 41};
static const struct value_rule unlimited = {.type = &value_size, .min = 0, .max = UINT64_MAX};
static const struct value_rule size_or_0 = {
	.type = &value_size, .min = 1 << 20, .max = 1 << 30, .or_zero = true};
static const struct value_rule count = {.type = &value_count, .min = 1, .max = 1024};

/* Text, what is read from it, and how that is written; or what is wrong with the text. */
static const struct {
	const struct value_rule *rule;
	const char *text;
	uint64_t number;
	const char *written;
	const char *wrong;
} numbers[] = {
	{&duration, "250ms", 250 * USEC_PER_MSEC, "250ms", NULL},
	{&duration, "30s", 30 * USEC_PER_SEC, "30s", NULL},
	{&duration, "30", 30 * USEC_PER_SEC, "30s", NULL},
	{&duration, "30sec", 30 * USEC_PER_SEC, "30s", NULL},
	{&duration, "60s", 60 * USEC_PER_SEC, "60s", NULL},
	{&duration, "1min", 60 * USEC_PER_SEC, "60s", NULL},
	{&duration, "5 min", 300 * USEC_PER_SEC, "5min", NULL},
	{&duration, "5m", 300 * USEC_PER_SEC, "5min", NULL},
	{&duration, "1h 30min", 90 * USEC_PER_MIN, "90min", NULL},
	{&duration, "1h30min", 90 * USEC_PER_MIN, "90min", NULL},
	{&duration, "1h", USEC_PER_HOUR, "1h", NULL},
	{&duration, "12h", 12 * USEC_PER_HOUR, "12h", NULL},
	{&duration, "1500ms", 1500 * USEC_PER_MSEC, "1500ms", NULL},
	{&duration, "7us", 7, "7us", NULL},
	{&duration, "0", 0, "0", NULL},
	{&duration, "0s", 0, "0", NULL},
	{&duration, "1d", 0, NULL, "is more than 12h"},
	{&duration, "12h 1us", 0, NULL, "is more than 12h"},
	{&duration, "99999999999999999999", 0, NULL, "is more than 12h"},
	{&duration, "9999999999999999999h", 0, NULL, "is more than 12h"},
	{&duration, "18446744073709551615us 1us", 0, NULL, "is more than 12h"},
	{&duration, "", 0, NULL, "is not a duration"},
	{&duration, "s", 0, NULL, "is not a duration"},
	{&duration, "-1s", 0, NULL, "is not a duration"},
	{&duration, "+1s", 0, NULL, "is not a duration"},
	{&duration, " 1s", 0, NULL, "is not a duration"},
	{&duration, "1.5s", 0, NULL, "is not a duration"},
	{&duration, "1S", 0, NULL, "is not a duration"},
	{&duration, "0x10s", 0, NULL, "is not a duration"},
	{&duration, "5min 20", 0, NULL, "is not a duration"},
	{&duration, "20 5min", 0, NULL, "is not a duration"},
	{&duration, "1s,", 0, NULL, "is not a duration"},
	{&duration, "1 parsec", 0, NULL, "is not a duration"},
	{&duration, "\xc2\xb2s", 0, NULL, "is not a duration"},
	{&seconds, "20s", 20 * USEC_PER_SEC, "20s", NULL},
	{&seconds, "21s", 0, NULL, "is more than 20s"},
	{&seconds, "0", 0, NULL, "is less than 1s"},
	{&seconds, "1500ms", 0, NULL, "is not a multiple of 1s"},
	{&seconds, "2000ms", 2 * USEC_PER_SEC, "2s", NULL},
	{&size, "64K", 64 << 10, "64K", NULL},
	{&size, "1M", 1 << 20, "1M", NULL},
	{&size, "1024", 1 << 10, "1K", NULL},
	{&size, "1025", 1025, "1025", NULL},
	{&size, "1G", 1 << 30, "1G", NULL},
	{&size, "2T", UINT64_C(1) << 41, "2T", NULL},
	{&size, "1M 1K", (1 << 20) + (1 << 10), "1025K", NULL},
	{&size, "3T", 0, NULL, "is more than 2T"},
	{&size, "1k", 0, NULL, "is not a size"},
	{&size, "1MB", 0, NULL, "is not a size"},
	{&size_or_0, "0", 0, "0", NULL},
	{&size_or_0, "1M", 1 << 20, "1M", NULL},
	{&size_or_0, "1", 0, NULL, "is less than 1M"},
	{&unlimited, "18446744073709551615", UINT64_MAX, "18446744073709551615", NULL},
	{&unlimited, "16777216T", 0, NULL, "is more than 18446744073709551615"},
	{&unlimited, "16777215T 1024G", 0, NULL, "is more than 18446744073709551615"},
};

START_TEST(numbers_are_read_with_their_units_and_written_as_people_do)
{
	struct strbuf wrong = STRBUF_INIT, out = STRBUF_INIT;
	uint64_t number = 4711;
	const struct value_rule *rule = numbers[_i].rule;
	int r = rule->type->read(rule, numbers[_i].text, &number, &wrong);

	if (numbers[_i].written) {
		ck_assert_int_eq(r, 0);
		ck_assert_uint_eq(number, numbers[_i].number);
		rule->type->write(rule, &number, &out);
		ck_assert_str_eq(strbuf_str(&out), numbers[_i].written);
	} else {
		ck_assert_int_eq(r, -EINVAL);
		ck_assert_uint_eq(number, 4711);
		ck_assert_str_eq(strbuf_str(&wrong), numbers[_i].wrong);
	}
	strbuf_done(&wrong);
	strbuf_done(&out);
}
END_TEST

START_TEST(a_count_is_a_whole_number_in_its_bounds)
{
	struct strbuf wrong = STRBUF_INIT;
	unsigned n[2] = {0, 4711};

	ck_assert_int_eq(value_count.read(&count, "1024", &n[0], &wrong), 0);
	ck_assert_uint_eq(n[0], 1024);
	ck_assert_uint_eq(n[1], 4711);
	ck_assert_int_eq(value_count.read(&count, "1025", &n[0], &wrong), -EINVAL);
	ck_assert_int_eq(value_count.read(&count, "0", &n[0], &wrong), -EINVAL);
	ck_assert_int_eq(value_count.read(&count, "4294967297", &n[0], &wrong), -EINVAL);
	ck_assert_int_eq(value_count.read(&count, "1K", &n[0], &wrong), -EINVAL);
	ck_assert_uint_eq(n[0], 1024);
	ck_assert_str_eq(strbuf_str(&wrong),
		"is more than 1024is less than 1is more than 1024is not a whole number");
	strbuf_done(&wrong);
}
END_TEST

START_TEST(a_word_is_one_of_its_list)
{
	static const struct value_name names[] = {{"red", 7}, {"blue", 9}, {"green", 0}, {NULL, 0}};
	static const struct value_rule rule = {.type = &value_word, .names = names};
	struct strbuf out = STRBUF_INIT;
	int field = 4711;

	ck_assert_int_eq(value_word.read(&rule, "Red", &field, &out), -EINVAL);
	ck_assert_int_eq(value_word.read(&rule, "re", &field, &out), -EINVAL);
	ck_assert_int_eq(field, 4711);
	strbuf_reset(&out);
	ck_assert_int_eq(value_word.read(&rule, "blue", &field, &out), 0);
	ck_assert_int_eq(field, 9);
	value_word.write(&rule, &field, &out);
	value_accept(&rule, &out);
	ck_assert_str_eq(strbuf_str(&out), "bluered, blue or green");
	value_word.clear(&field);
	ck_assert_int_eq(field, 0);
	strbuf_done(&out);
}
END_TEST

START_TEST(a_switch_is_on_or_off_however_that_is_said)
{
	static const char *const words[] = {
		"no", "yes", "false", "true", "off", "on", "0", "1", "NO", "Yes"};
	static const char *const others[] = {"2", "ye", "yess", "-1", " no"};
	static const struct value_rule rule = {.type = &value_switch};
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT, wrong = STRBUF_INIT;

	for (size_t i = 0; i < N_OF(words); i++) {
		bool on = i % 2 == 0;
		strbuf_reset(&out);
		ck_assert_int_eq(value_switch.read(&rule, words[i], &on, &wrong), 0);
		value_switch.write(&rule, &on, &out);
		ck_assert_str_eq(strbuf_str(&out), i % 2 ? "yes" : "no");
	}
	for (size_t i = 0; i < N_OF(others); i++) {
		bool on = true;
		strbuf_reset(&wrong);
		ck_assert_int_eq(value_switch.read(&rule, others[i], &on, &wrong), -EINVAL);
		ck_assert_str_eq(strbuf_str(&wrong), "is neither yes nor no");
		ck_assert(on);
	}
}
END_TEST

#define EIGHTY                                                                                     \
	"0123456789-abcdefghijklmnopqrstuvwxyz_ABCDEFGHIJKLMNOPQRSTUVWXYZ"                         \
	"0123456789abcdef"

static const struct value_rule queue_url = {.type = &value_queue_url};
static const struct value_rule endpoint = {.type = &value_endpoint};
static const struct value_rule region = {.type = &value_region};
static const struct value_rule database = {.type = &value_database_url};
static const struct value_rule program = {.type = &value_program};
static const struct value_rule path = {.type = &value_path};
static const struct value_rule handler = {.type = &value_handler};
static const struct value_rule service = {.type = &value_service_url};
static const struct value_rule variables = {.type = &value_environment};

static const struct {
	const struct value_rule *rule;
	const char *text;
	const char *kept;
	const char *wrong;
} texts[] = {
	{&queue_url, "https://sqs.eu-central-1.amazonaws.com/123456789012/n", NULL, NULL},
	{&queue_url, "http://localhost:4566/000000000000/n", NULL, NULL},
	{&queue_url, "http://127.0.0.1:9324/queue/n", NULL, NULL},
	{&queue_url, "https://sqs.eu-central-1.amazonaws.com/12345678901/n", NULL,
		"has no account of twelve digits behind its host"},
	{&queue_url, "https://sqs.eu-central-1.amazonaws.com/1234567890123/n", NULL,
		"has no account of twelve digits behind its host"},
	{&queue_url, "https://sqs.eu-central-1.amazonaws.com/nexus-jobs", NULL,
		"has no account of twelve digits behind its host"},
	{&queue_url, "https://sqs.eu-central-1.amazonaws.com/123456789012/", NULL,
		"does not end with a queue's name (letters, digits, - and _)"},
	{&queue_url, "https://sqs.eu-central-1.amazonaws.com/123456789012/n/", NULL,
		"does not end with a queue's name (letters, digits, - and _)"},
	{&queue_url, "https://sqs.eu-central-1.amazonaws.com/123456789012/n.x", NULL,
		"does not end with a queue's name (letters, digits, - and _)"},
	{&queue_url, "https://sqs.eu-central-1.amazonaws.com/123456789012/n.fifo", NULL,
		"is a FIFO queue's, whose order nothing here would keep"},
	{&queue_url, "http://localhost:4566/000000000000/n.fifo", NULL,
		"is a FIFO queue's, whose order nothing here would keep"},
	{&queue_url, "https://sqs.eu-central-1.amazonaws.com/123456789012/" EIGHTY, NULL, NULL},
	{&queue_url, "https://sqs.eu-central-1.amazonaws.com/123456789012/" EIGHTY "n", NULL,
		"has a queue's name of more than 80 bytes"},
	{&queue_url, "https://sqs.eu-central-1.amazonaws.com./123456789012/n", NULL,
		"names AWS's host in upper case, with a dot at its end or with a port"},
	{&queue_url, "https://SQS.eu-central-1.amazonaws.com/123456789012/n", NULL,
		"names AWS's host in upper case, with a dot at its end or with a port"},
	{&queue_url, "https://sqs.eu-central-1.amazonaws.com:8443/123456789012/n", NULL,
		"names AWS's host in upper case, with a dot at its end or with a port"},
	{&queue_url, "https://eu-central-1.queue.amazonaws.com/123456789012/n", NULL, NULL},
	{&queue_url, "https://queue.amazonaws.com/123456789012/n", NULL, NULL},
	{&queue_url, "https://u@sqs.eu-central-1.amazonaws.com/123456789012/n", NULL,
		"names a user, which does not belong there"},
	{&queue_url, "http://localhost", NULL, "names no queue behind its host"},
	{&queue_url, "http://localhost/", NULL, "names no queue behind its host"},
	{&queue_url, "arn:aws:sqs:eu-central-1:123456789012:n", NULL,
		"is a queue's ARN, not its URL"},
	{&queue_url, "nexus-jobs", NULL, "begins neither with https:// nor with http://"},
	{&endpoint, "https://sqs.eu-central-1.amazonaws.com", NULL, NULL},
	{&endpoint, "http://localhost:4566/", "http://localhost:4566", NULL},
	{&endpoint, "https://[::1]:4566/", "https://[::1]:4566", NULL},
	{&endpoint, "http://localhost:4566/queue", NULL, "has a path"},
	{&region, "eu-central-1", NULL, NULL},
	{&region, "local", NULL, NULL},
	{&region, "EU", NULL, "is not a region's name"},
	{&region, "eu_1", NULL, "is not a region's name"},
	{&region, "-", NULL, "is not a region's name"},
	{&database, "postgresql://u:p@h/d", NULL, NULL},
	{&database, "host=/run/postgresql dbname=d", NULL, NULL},
	{&database, "postgres://h/d\npassword", NULL, "is more than one line"},
	{&database, "mydatabase", NULL, "is neither a URL nor \"host=… dbname=…\""},
	{&database, "\"postgres://h/d\"", NULL, "begins with a quotation mark"},
	{&program, "/bin/true", NULL, NULL},
	{&program, "'/opt/my app/run' -x \"a b\" $HOME", NULL, NULL},
	{&program, "/bin/echo 'a", NULL, "cannot be split into words: a quote in it is not closed"},
	{&program, "/bin/echo \\", NULL,
		"cannot be split into words: nothing follows its last backslash"},
	{&program, "echo a", NULL, "does not begin with an absolute path"},
	{&program, "-/bin/echo a", NULL, "does not begin with an absolute path"},
	{&program, "'' /bin/echo", NULL, "does not begin with an absolute path"},
	{&program, " ", NULL, "does not begin with an absolute path"},
	{&program, "/bin/ echo", NULL, "begins with a directory"},
	{&path, "/srv/a b", NULL, NULL},
	{&path, "/", NULL, NULL},
	{&path, "srv", NULL, "is not an absolute path"},
	{&path, "~/srv", NULL, "is not an absolute path"},
	{&handler, "src/index.handler", NULL, NULL},
	{&handler, "bootstrap", NULL, NULL},
	{&handler,
		"gr\xc3\xb6\xc3\x9f"
		"e.handler",
		NULL, NULL},
	{&handler, "index handler", NULL, "has a blank in it"},
	{&handler, "index.handler\t", NULL, "has a blank in it"},
	{&handler, "index.\x7fhandler", NULL, "has a blank in it"},
	{&service, "http://127.0.0.1:8080/jobs", NULL, NULL},
	{&service, "http://127.3.2.1", NULL, NULL},
	{&service, "http://[::1]:1/", NULL, NULL},
	{&service, "http://localhost/?token=a", NULL, NULL},
	{&service, "https://jobs.example/a?b", NULL, NULL},
	{&service, "http://jobs.localhost/", NULL,
		"is http:// to another machine, so jobs would pass the network in the clear"},
	{&service, "http://192.0.2.1/", NULL,
		"is http:// to another machine, so jobs would pass the network in the clear"},
	{&service, "http://127.0.0.1.example/", NULL,
		"is http:// to another machine, so jobs would pass the network in the clear"},
	{&service, "http://u@localhost/", NULL, "names a user, which does not belong there"},
	{&service, "http://localhost/#a", NULL, "has a fragment"},
	{&service, "localhost:8080", NULL, "begins neither with https:// nor with http://"},
	{&variables, "A=1 b_2= _='c d' \"E=f g\"", NULL, NULL},
	{&variables, "JOB=1 HANDLER=2 _HANDLERS=3 XJOB_=4", NULL, NULL},
	{&variables, "A=1 'b", NULL, "cannot be split into words: a quote in it is not closed"},
	{&variables, "A=secret very", NULL, "has no KEY= at the start of word 2"},
	{&variables, "=1", NULL, "has no KEY= at the start of word 1"},
	{&variables, "1A=1", NULL, "has no KEY= at the start of word 1"},
	{&variables, "A-B=1", NULL, "has no KEY= at the start of word 1"},
	{&variables, "\xc3\xa4=1", NULL, "has no KEY= at the start of word 1"},
	{&variables, "''", NULL, "has no KEY= at the start of word 1"},
	{&variables, "JOB_=1", NULL, "sets JOB_*, which is the daemon's to set"},
	{&variables, "A=1 JOB_ID=1", NULL, "sets JOB_*, which is the daemon's to set"},
	{&variables, "AWS_LAMBDA_RUNTIME_API=1", NULL,
		"sets AWS_LAMBDA_RUNTIME_API, which is the daemon's to set"},
	{&variables, "_HANDLER=1", NULL, "sets _HANDLER, which is the daemon's to set"},
	{&variables, "LAMBDA_TASK_ROOT=1", NULL,
		"sets LAMBDA_TASK_ROOT, which is the daemon's to set"},
	{&variables, "AWS_CONTAINER_CREDENTIALS_FULL_URI=1", NULL,
		"sets AWS_CONTAINER_CREDENTIALS_FULL_URI, which is the daemon's to set"},
	{&variables, "'AWS_CONTAINER_AUTHORIZATION_TOKEN=1'", NULL,
		"sets AWS_CONTAINER_AUTHORIZATION_TOKEN, which is the daemon's to set"},
};

START_TEST(texts_are_checked_and_kept)
{
	struct strbuf wrong = STRBUF_INIT, out = STRBUF_INIT;
	char *field = strdup("before");
	const struct value_rule *rule = texts[_i].rule;

	if (texts[_i].wrong) {
		ck_assert_int_eq(rule->type->read(rule, texts[_i].text, &field, &wrong), -EINVAL);
		ck_assert_str_eq(strbuf_str(&wrong), texts[_i].wrong);
		ck_assert_str_eq(field, "before");
	} else {
		ck_assert_int_eq(rule->type->read(rule, texts[_i].text, &field, &wrong), 0);
		rule->type->write(rule, &field, &out);
		ck_assert_str_eq(
			strbuf_str(&out), texts[_i].kept ? texts[_i].kept : texts[_i].text);
	}
	rule->type->clear(&field);
	ck_assert_ptr_null(field);
	strbuf_done(&wrong);
	strbuf_done(&out);
}
END_TEST

static const struct {
	const struct value_rule *rule;
	const char *start;
	size_t max;
} ceilings[] = {
	{&queue_url, "http://h/", VALUE_URL_MAX},
	{&database, "a=", VALUE_SECRET_MAX},
	{&program, "/", VALUE_PROGRAM_MAX},
	{&path, "/", PATH_MAX - 1},
	{&handler, "a", VALUE_HANDLER_MAX},
	{&service, "https://h/", VALUE_URL_MAX},
	{&variables, "A=", VALUE_SECRET_MAX},
};

START_TEST(texts_have_a_ceiling)
{
	const struct value_rule *rule = ceilings[_i].rule;
	_cleanup_strbuf_ struct strbuf wrong = STRBUF_INIT;
	char text[8192];
	char *field = NULL;

	memset(text, 'a', sizeof text);
	memcpy(text, ceilings[_i].start, strlen(ceilings[_i].start));
	text[ceilings[_i].max + 1] = '\0';
	ck_assert_int_eq(rule->type->read(rule, text, &field, &wrong), -EINVAL);
	ck_assert_str_eq(strbuf_str(&wrong), "is too long");
	ck_assert_ptr_null(field);
	text[ceilings[_i].max] = '\0';
	ck_assert_int_eq(rule->type->read(rule, text, &field, &wrong), 0);
	ck_assert_str_eq(field, text);
	rule->type->clear(&field);
}
END_TEST

/* A text, and as people may see it. */
static const struct {
	const struct value_rule *rule;
	const char *text;
	const char *masked;
} secrets[] = {
	{&database, "postgresql://u:p@h/d", "postgresql://u:***@h/d"},
	{&service, "https://h/a?token=b", "https://h/a?***"},
	{&service, "https://h/a", "https://h/a"},
	{&variables, "A=secret", "A=***"},
	{&variables, " A='se cret' \"B=secret\"  C=D=secret E=", "A=*** B=*** C=*** E=***"},
	{&variables, "", ""},
};

START_TEST(what_may_be_secret_is_masked)
{
	const struct value_rule *rule = secrets[_i].rule;
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	char *field = NULL;

	rule->type->mask(&field, &out);
	ck_assert_str_eq(strbuf_str(&out), "");
	ck_assert_int_eq(rule->type->read(rule, secrets[_i].text, &field, &out), 0);
	rule->type->mask(&field, &out);
	ck_assert_str_eq(strbuf_str(&out), secrets[_i].masked);
	rule->type->clear(&field);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("value");
	TCase *tcase = tcase_create("value");

	tcase_add_loop_test(tcase, numbers_are_read_with_their_units_and_written_as_people_do, 0,
		N_OF(numbers));
	tcase_add_test(tcase, a_count_is_a_whole_number_in_its_bounds);
	tcase_add_test(tcase, a_word_is_one_of_its_list);
	tcase_add_test(tcase, a_switch_is_on_or_off_however_that_is_said);
	tcase_add_loop_test(tcase, texts_are_checked_and_kept, 0, N_OF(texts));
	tcase_add_loop_test(tcase, texts_have_a_ceiling, 0, N_OF(ceilings));
	tcase_add_loop_test(tcase, what_may_be_secret_is_masked, 0, N_OF(secrets));
	suite_add_tcase(suite, tcase);
	return test_suite_run(suite);
}

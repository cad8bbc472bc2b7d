#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../support/test_environment.h"
#include "../support/test_suite.h"
#include "aws/container_uri.h"

#define RELATIVE "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
#define FULL     "AWS_CONTAINER_CREDENTIALS_FULL_URI"
#define ALLOWED                                                                                    \
	": allowed is https, or http to localhost, 127.0.0.0/8, [::1], 169.254.170.2, "            \
	"169.254.170.23 and [fd00:ec2::23]"

static struct container_uri uri;
static char text[CREDENTIALS_TEXT_MAX];

static int find(const char *relative, const char *full)
{
	test_environment_set(RELATIVE, relative);
	test_environment_set(FULL, full);
	return container_uri_find(test_environment_get, &uri, text);
}

static const struct {
	const char *relative;
	const char *full;
	const char *url;
	const char *place;
} GOOD[] = {
	{"/v2/credentials/uuid", NULL, "http://169.254.170.2/v2/credentials/uuid",
		"http://169.254.170.2"},
	{"/v2/credentials/uuid", "https://example.com/x",
		"http://169.254.170.2/v2/credentials/uuid", "http://169.254.170.2"},
	{"", "https://example.com/x?id=1", "https://example.com/x?id=1", "https://example.com"},
	{NULL, "http://localhost:80/x", "http://localhost:80/x", "http://localhost"},
	{NULL, "http://127.1.2.3:8080/x", "http://127.1.2.3:8080/x", "http://127.1.2.3:8080"},
	{NULL, "http://[::1]:8080/x", "http://[::1]:8080/x", "http://[::1]:8080"},
	{NULL, "http://169.254.170.2/x", "http://169.254.170.2/x", "http://169.254.170.2"},
	{NULL, "http://169.254.170.23/v1/credentials", "http://169.254.170.23/v1/credentials",
		"http://169.254.170.23"},
	{NULL, "http://[fd00:ec2::23]/v1/credentials", "http://[fd00:ec2::23]/v1/credentials",
		"http://[fd00:ec2::23]"},
	{NULL, "http://[fd00:0ec2:0:0::0023]/x", "http://[fd00:0ec2:0:0::0023]/x", NULL},
};

START_TEST(the_path_or_the_url_says_who_is_asked)
{
	ck_assert_int_eq(find(GOOD[_i].relative, GOOD[_i].full), 0);
	ck_assert_str_eq(uri.url, GOOD[_i].url);
	if (GOOD[_i].place)
		ck_assert_str_eq(uri.place, GOOD[_i].place);
}
END_TEST

static const struct {
	const char *relative;
	const char *full;
	const char *text;
} BAD[] = {
	{"v2/hidden", NULL, RELATIVE " does not begin with a slash"},
	{"@example.com/hidden", NULL, RELATIVE " does not begin with a slash"},
	{"/v2/hidden\r\nX: y", NULL, RELATIVE " is not a URL" ALLOWED},
	{NULL, "http://169.254.169.254/hidden",
		FULL " leads to a host that no token is sent to" ALLOWED},
	{NULL, "http://example.com/hidden",
		FULL " leads to a host that no token is sent to" ALLOWED},
	{NULL, "http://localhost.example.com/hidden",
		FULL " leads to a host that no token is sent to" ALLOWED},
	{NULL, "http://127.0.0.1.example.com/hidden",
		FULL " leads to a host that no token is sent to" ALLOWED},
	{NULL, "http://[fd00:ec2::254]/hidden",
		FULL " leads to a host that no token is sent to" ALLOWED},
	{NULL, "http://[::ffff:169.254.170.2]/hidden",
		FULL " leads to a host that no token is sent to" ALLOWED},
	{NULL, "http://user:hidden@localhost/", FULL " is not a URL" ALLOWED},
	{NULL, "ftp://localhost/hidden", FULL " is not a URL" ALLOWED},
	{NULL, "/hidden", FULL " is not a URL" ALLOWED},
	{NULL, "http://localhost/hidden blank", FULL " is not a URL" ALLOWED},
};

START_TEST(whom_no_token_may_be_sent_to_is_refused_and_not_quoted)
{
	uri.url[0] = 'X';
	ck_assert_int_eq(find(BAD[_i].relative, BAD[_i].full), -EINVAL);
	ck_assert_str_eq(text, BAD[_i].text);
	ck_assert_ptr_null(strstr(text, "hidden"));
	ck_assert_int_eq(uri.url[0], 'X');
}
END_TEST

START_TEST(a_url_without_an_end_is_none)
{
	char path[CONTAINER_URI_MAX];

	memset(path, '/', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	ck_assert_int_eq(find(path, NULL), -EINVAL);
	path[sizeof path - sizeof "http://169.254.170.2"] = '\0';
	ck_assert_int_eq(find(path, NULL), 0);
}
END_TEST

START_TEST(without_either_nothing_is_configured_here)
{
	ck_assert_int_eq(find("", NULL), -ENOENT);
	ck_assert_str_eq(text, RELATIVE " is not set");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("container uri");
	TCase *c = tcase_create("container uri");

	tcase_add_loop_test(c, the_path_or_the_url_says_who_is_asked, 0, N_OF(GOOD));
	tcase_add_loop_test(
		c, whom_no_token_may_be_sent_to_is_refused_and_not_quoted, 0, N_OF(BAD));
	tcase_add_test(c, a_url_without_an_end_is_none);
	tcase_add_test(c, without_either_nothing_is_configured_here);
	suite_add_tcase(suite, c);
	return test_suite_run(suite);
}

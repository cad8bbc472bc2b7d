#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "../support/test_suite.h"
#include "conf/listen.h"

static struct sockaddr_storage address;
static socklen_t len;
static const char *wrong;

START_TEST(an_address_and_a_port_are_taken)
{
	char text[INET6_ADDRSTRLEN];

	ck_assert_int_eq(listen_parse("127.0.0.1:9464", &address, &len, &wrong), 0);
	struct sockaddr_in in = *(struct sockaddr_in *)&address;
	ck_assert_uint_eq(len, sizeof in);
	ck_assert_int_eq(in.sin_family, AF_INET);
	ck_assert_uint_eq(ntohs(in.sin_port), 9464);
	ck_assert_str_eq(inet_ntop(AF_INET, &in.sin_addr, text, sizeof text), "127.0.0.1");

	ck_assert_int_eq(listen_parse("[::1]:65535", &address, &len, &wrong), 0);
	struct sockaddr_in6 in6 = *(struct sockaddr_in6 *)&address;
	ck_assert_uint_eq(len, sizeof in6);
	ck_assert_uint_eq(ntohs(in6.sin6_port), 65535);
	ck_assert_str_eq(inet_ntop(AF_INET6, &in6.sin6_addr, text, sizeof text), "::1");
}
END_TEST

static const struct {
	const char *text, *wrong;
} refused[] = {
	{"", "does not end with a colon and a port"},
	{"127.0.0.1", "does not end with a colon and a port"},
	{"127.0.0.1:", "does not end with a colon and a port"},
	{"127.0.0.1:0", "does not end with a colon and a port"},
	{"127.0.0.1:65536", "does not end with a colon and a port"},
	{"127.0.0.1:+80", "does not end with a colon and a port"},
	{"127.0.0.1:80x", "does not end with a colon and a port"},
	{":9464", "does not begin with an IP address"},
	{"localhost:9464", "does not begin with an IP address"},
	{"::1:9464", "does not begin with an IP address"},
	{"[::1:9464", "does not begin with an IP address"},
	{"[127.0.0.1]:9464", "does not begin with an IP address"},
	{"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:1",
		"does not begin with an IP address"},
};

START_TEST(all_else_is_refused_with_a_reason)
{
	ck_assert_int_eq(listen_parse(refused[_i].text, &address, &len, &wrong), -EINVAL);
	ck_assert_str_eq(wrong, refused[_i].wrong);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("listen");
	TCase *tcase = tcase_create("listen");

	tcase_add_test(tcase, an_address_and_a_port_are_taken);
	tcase_add_loop_test(tcase, all_else_is_refused_with_a_reason, 0, N_OF(refused));
	suite_add_tcase(suite, tcase);
	return test_suite_run(suite);
}

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <string.h>

#include "../support/test_suite.h"
#include "conf/listen.h"

static struct sockaddr_storage address;
static socklen_t len;
static const char *wrong;

/* What was there before may be anything. */
static void spoil(void)
{
	memset(&address, 0xff, sizeof address);
}

START_TEST(an_address_and_a_port_are_taken)
{
	const struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_port = htons(9464),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const struct sockaddr_in6 in6 = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(65535),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};

	spoil();
	ck_assert_int_eq(listen_parse("127.0.0.1:9464", &address, &len, &wrong), 0);
	ck_assert_uint_eq(len, sizeof in);
	ck_assert_mem_eq(&address, &in, sizeof in);
	spoil();
	ck_assert_int_eq(listen_parse("[::1]:65535", &address, &len, &wrong), 0);
	ck_assert_uint_eq(len, sizeof in6);
	ck_assert_mem_eq(&address, &in6, sizeof in6);
}
END_TEST

START_TEST(the_longest_address_has_room)
{
	const char *text = "[0000:0000:0000:0000:0000:ffff:255.255.255.255]:1";

	ck_assert_int_eq(listen_parse(text, &address, &len, &wrong), 0);
	ck_assert_uint_eq(len, sizeof(struct sockaddr_in6));
}
END_TEST

static const struct {
	const char *text, *wrong;
} refused[] = {
	{"", "does not end with a colon and a port from 1 to 65535"},
	{"127.0.0.1", "does not end with a colon and a port from 1 to 65535"},
	{"127.0.0.1:", "does not end with a colon and a port from 1 to 65535"},
	{"127.0.0.1:0", "does not end with a colon and a port from 1 to 65535"},
	{"127.0.0.1:65536", "does not end with a colon and a port from 1 to 65535"},
	{"127.0.0.1:000080", "does not end with a colon and a port from 1 to 65535"},
	{"127.0.0.1:+80", "does not end with a colon and a port from 1 to 65535"},
	{"127.0.0.1:80x", "does not end with a colon and a port from 1 to 65535"},
	{":9464", "does not begin with an IP address"},
	{"localhost:9464", "does not begin with an IP address"},
	{"::1:9464", "does not begin with an IP address"},
	{"[::1:9464", "does not begin with an IP address"},
	{"[127.0.0.1]:9464", "does not begin with an IP address"},
	{"[]:9464", "does not begin with an IP address"},
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
	tcase_add_test(tcase, the_longest_address_has_room);
	tcase_add_loop_test(tcase, all_else_is_refused_with_a_reason, 0, N_OF(refused));
	suite_add_tcase(suite, tcase);
	return test_suite_run(suite);
}

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "../support/test_suite.h"
#include "base/resolve.h"

static void await(const struct resolve *resolve)
{
	struct pollfd p = {.fd = resolve_fd(resolve), .events = POLLIN};

	ck_assert_int_eq(poll(&p, 1, -1), 1);
}

START_TEST(an_address_is_its_own_answer)
{
	char addresses[RESOLVE_MAX][RESOLVE_ADDRESS];
	_cleanup_(resolve_freep) struct resolve *resolve = NULL;
	const char *error = NULL;

	ck_assert_int_eq(resolve_start("127.0.0.1", &resolve), 0);
	await(resolve);
	ck_assert_int_eq(resolve_answer(resolve, addresses, &error), 1);
	ck_assert_str_eq(addresses[0], "127.0.0.1");
	ck_assert_ptr_null(error);
}
END_TEST

START_TEST(a_name_becomes_addresses)
{
	char addresses[RESOLVE_MAX][RESOLVE_ADDRESS];
	_cleanup_(resolve_freep) struct resolve *resolve = NULL;
	unsigned char bytes[sizeof(struct in6_addr)];
	const char *error;

	ck_assert_int_eq(resolve_start("localhost", &resolve), 0);
	await(resolve);
	int n = resolve_answer(resolve, addresses, &error);
	ck_assert_int_ge(n, 1);
	for (int i = 0; i < n; i++)
		ck_assert(inet_pton(AF_INET, addresses[i], bytes) == 1 ||
			  inet_pton(AF_INET6, addresses[i], bytes) == 1);
}
END_TEST

START_TEST(a_name_that_cannot_be_is_an_error_with_words)
{
	char addresses[RESOLVE_MAX][RESOLVE_ADDRESS] = {"untouched"};
	_cleanup_(resolve_freep) struct resolve *resolve = NULL;
	const char *error = NULL;

	/* Refused before any name server is asked: an empty label. */
	ck_assert_int_eq(resolve_start("..", &resolve), 0);
	await(resolve);
	ck_assert_int_lt(resolve_answer(resolve, addresses, &error), 0);
	ck_assert_ptr_nonnull(error);
	ck_assert_uint_gt(strlen(error), 0);
	ck_assert_str_eq(addresses[0], "untouched");
}
END_TEST

START_TEST(an_answer_that_is_not_there_is_an_error_with_words)
{
	char addresses[RESOLVE_MAX][RESOLVE_ADDRESS] = {"untouched"};
	_cleanup_(resolve_freep) struct resolve *resolve = NULL;
	const char *error = NULL;
	uint64_t count;

	ck_assert_int_eq(resolve_start("127.0.0.1", &resolve), 0);
	await(resolve);
	ck_assert_int_eq(read(resolve_fd(resolve), &count, sizeof count), sizeof count);
	ck_assert_int_eq(resolve_answer(resolve, addresses, &error), -EAGAIN);
	ck_assert_pstr_eq(error, "Resource temporarily unavailable");
	ck_assert_str_eq(addresses[0], "untouched");
}
END_TEST

START_TEST(an_asker_may_leave_before_the_answer)
{
	struct resolve *left, *stayed;

	/* Whoever of the two is last frees it: LeakSanitizer and the address sanitizer watch. */
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(resolve_start("127.0.0.1", &left), 0);
		ck_assert_ptr_null(resolve_free(left));
	}
	ck_assert_int_eq(resolve_start("127.0.0.1", &stayed), 0);
	await(stayed);
	ck_assert_ptr_null(resolve_free(stayed));
	ck_assert_ptr_null(resolve_free(NULL));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("resolve");
	TCase *all = tcase_create("all");

	tcase_add_test(all, an_address_is_its_own_answer);
	tcase_add_test(all, a_name_becomes_addresses);
	tcase_add_test(all, a_name_that_cannot_be_is_an_error_with_words);
	tcase_add_test(all, an_answer_that_is_not_there_is_an_error_with_words);
	tcase_add_test(all, an_asker_may_leave_before_the_answer);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}

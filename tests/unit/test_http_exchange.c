#include <check.h>
#include <string.h>

#include "../support/test_suite.h"
#include "net/http_exchange.h"

#define TOKEN "Authorization: a-token-that-nobody-may-see"

static struct http_exchange x;

static void setup(void)
{
	ck_assert_int_eq(curl_global_init(CURL_GLOBAL_DEFAULT), 0);
	ck_assert_int_eq(http_exchange_init(&x, &(struct http_options){0}), 0);
}

static void teardown(void)
{
	http_exchange_done(&x);
	curl_global_cleanup();
}

/* As if its answer had come. */
static void exchange(bool secret)
{
	const struct http_header header = {"Authorization", "a-token-that-nobody-may-see"};
	const struct http_request request = {
		.method = "GET",
		.url = "http://127.0.0.1/",
		.headers = &header,
		.n_headers = 1,
		.max_answer = 100,
		.secret = secret,
	};

	ck_assert_int_eq(http_exchange_prepare(&x, &request), 0);
	ck_assert_str_eq(x.lines.data, TOKEN);
	ck_assert_int_eq(strbuf_puts(&x.body, "keys"), 0);
	http_exchange_reset(&x);
}

START_TEST(what_is_secret_is_wiped_once_it_has_been_told)
{
	exchange(true);
	ck_assert_ptr_null(x.lines.data);
	ck_assert_ptr_null(x.body.data);
}
END_TEST

START_TEST(other_buffers_serve_again)
{
	exchange(false);
	ck_assert_str_eq(x.lines.data, TOKEN);
	ck_assert_ptr_nonnull(x.body.data);
	ck_assert_uint_eq(x.body.len, 0);
}
END_TEST

START_TEST(a_handle_that_kept_a_secret_serves_again)
{
	exchange(true);
	exchange(false);
	exchange(true);
	ck_assert_ptr_null(x.lines.data);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("http exchange");
	TCase *c = tcase_create("exchange");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, what_is_secret_is_wiped_once_it_has_been_told);
	tcase_add_test(c, other_buffers_serve_again);
	tcase_add_test(c, a_handle_that_kept_a_secret_serves_again);
	suite_add_tcase(suite, c);
	return test_suite_run(suite);
}

#include <check.h>
#include <string.h>

#include "../support/test_suite.h"
#include "conf/mask.h"

static const struct {
	const char *url;
	const char *masked;
} cases[] = {
	{"", ""},
	{"postgres://user:secret@host/db", "postgres://user:***@host/db"},
	{"postgresql://user:secret@host:5432/db?sslmode=require",
		"postgresql://user:***@host:5432/db?sslmode=require"},
	{"postgresql+driver://user:secret@host/db", "postgresql+driver://user:***@host/db"},
	{"postgres://user@host:5432/db", "postgres://user@host:5432/db"},
	{"postgres://host:5432/db", "postgres://host:5432/db"},
	{"postgres:///db", "postgres:///db"},
	{"postgres://:secret@/db", "postgres://:***@/db"},
	{"postgres://user:@host/db", "postgres://user:***@host/db"},
	{"postgres://u:secret@h1:1,h2:2/db", "postgres://u:***@h1:1,h2:2/db"},
	{"postgres://u:se:cr@t/s?e#cret@host/db", "postgres://u:***@host/db"},
	{"postgres://u:secret@h/d?password=secret&a=b&sslpassword=secret",
		"postgres://u:***@h/d?password=***&a=b&sslpassword=***"},
	{"postgres://u@h/d?a=b&PassWord=secret@x", "postgres://u@h/d?a=b&PassWord=***"},
	{"postgres://u@h:1/d?a=b&PassWord=x@secret", "postgres://u@h:***"},
	{"postgres://u:secret@h/d?sslpassword=x@secret&a=b", "postgres://u:***&a=b"},
	{"postgres://u@h:secret@h/d", "postgres://u@h:***@h/d"},
	{"postgres://h/d?p%61ssword=secret", "postgres://h/d?p%61ssword=***"},
	{"postgres://h/d?user=u://a@b&password=secret", "postgres://h/d?user=u:***&password=***"},
	{"postgres://h/d?password=se:cr@et&a=b", "postgres://h/d?password=***:***&a=b"},
	{"postgres://us?er:secret@h/d", "postgres://us?er:***@h/d"},
	{"postgres://h/d?oauth_client_id=i&oauth_client_secret=secret&sslkey=k",
		"postgres://h/d?oauth_client_id=i&oauth_client_secret=***&sslkey=k"},
	{"scram_client_key=secret scram_server_key=secret x=1",
		"scram_client_key=*** scram_server_key=*** x=1"},
	{"postgres://h/d?password", "postgres://h/d?password"},
	{"postgres://h/d?", "postgres://h/d?"},
	{"host=h password=secret dbname=d", "host=h password=*** dbname=d"},
	{"host=h password = secret dbname=d", "host=h password = *** dbname=d"},
	{"password='se cret' user='u v'", "password=*** user='u v'"},
	{"password='se\\'cr et' x=1", "password=*** x=1"},
	{"password=se\\ cret x=1", "password=*** x=1"},
	{"password='secret", "password=***"},
	{"password=secret", "password=***"},
	{"password=", "password=***"},
	{"password= secret", "password= ***"},
	{"sslpassword=secret sslkey=k", "sslpassword=*** sslkey=k"},
	{"password=http://secret x=1", "password=*** x=1"},
	{"host=h\tPASSWORD\t=\tsecret", "host=h\tPASSWORD\t=\t***"},
	{"lonely words = here", "lonely words = here"},
	{"= x", "= x"},
	{"password=secret\\", "password=***"},
};

START_TEST(passwords_are_hidden_and_nothing_else)
{
	struct strbuf out = STRBUF_INIT;

	mask_database_url(cases[_i].url, &out);
	ck_assert_str_eq(strbuf_str(&out), cases[_i].masked);
	strbuf_done(&out);
}
END_TEST

START_TEST(of_a_service_s_url_the_query_is_hidden)
{
	static const char *const urls[][2] = {{"", ""}, {"http://h/a", "http://h/a"},
		{"http://h/a?token=secret?b", "http://h/a?***"}, {"http://h?", "http://h?***"}};

	for (size_t i = 0; i < N_OF(urls); i++) {
		_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
		mask_service_url(urls[i][0], &out);
		ck_assert_str_eq(strbuf_str(&out), urls[i][1]);
	}
}
END_TEST

/* Any text at all is masked without a fault. */
START_TEST(no_text_is_too_strange)
{
	static const char pieces[][12] = {
		"password", "=", "'", "\\", " ", "://", ":", "@", "?", "&", "host", "%"};
	struct strbuf out = STRBUF_INIT;

	for (unsigned seed = 0; seed < 200000; seed++) {
		char text[128] = "";
		unsigned n = seed;
		for (int i = 0; i < 6; i++, n /= 12)
			strcat(text, pieces[n % 12]);
		strbuf_reset(&out);
		mask_database_url(text, &out);
		ck_assert_int_eq(out.error, 0);
	}
	strbuf_done(&out);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mask");
	TCase *tcase = tcase_create("mask");

	tcase_add_loop_test(tcase, passwords_are_hidden_and_nothing_else, 0, N_OF(cases));
	tcase_add_test(tcase, of_a_service_s_url_the_query_is_hidden);
	tcase_add_test(tcase, no_text_is_too_strange);
	suite_add_tcase(suite, tcase);
	return test_suite_run(suite);
}

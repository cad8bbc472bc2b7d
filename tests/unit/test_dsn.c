#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../support/test_suite.h"
#include "job/dsn.h"

static struct dsn *parse(const char *url)
{
	char error[DSN_ERROR_MAX] = "untouched";
	struct dsn *dsn;

	ck_assert_msg(dsn_parse(url, &dsn, error) == 0, "%s: %s", url, error);
	ck_assert_str_eq(error, "untouched");
	return dsn;
}

/* NULL: not given. */
static const char *parameter(const struct dsn *dsn, const char *keyword)
{
	const char *value = NULL;

	for (size_t i = 0; i < dsn->n_parameters; i++) {
		if (strcmp(dsn->parameters[i].keyword, keyword) != 0)
			continue;
		ck_assert_msg(!value, "%s is given twice", keyword);
		value = dsn->parameters[i].value;
	}
	return value;
}

static void assert_host(
	const struct dsn *dsn, size_t i, const char *name, const char *address, const char *port)
{
	ck_assert_uint_lt(i, dsn->n_hosts);
	ck_assert_str_eq(dsn->hosts[i].name, name);
	ck_assert_str_eq(dsn->hosts[i].address, address);
	ck_assert_str_eq(dsn->hosts[i].port, port);
}

static const char *refusal(const char *url)
{
	static char error[DSN_ERROR_MAX];
	struct dsn *dsn = (struct dsn *)&error;

	ck_assert_int_eq(dsn_parse(url, &dsn, error), -EINVAL);
	ck_assert_ptr_eq(dsn, &error);
	ck_assert_ptr_null(strchr(error, '\n'));
	return error;
}

START_TEST(a_url_comes_apart)
{
	_cleanup_(dsn_freep) struct dsn *dsn =
		parse("postgresql://nexus:p%40ss@db.example:6432/jobs?sslmode=require");

	ck_assert_uint_eq(dsn->n_hosts, 1);
	assert_host(dsn, 0, "db.example", "", "6432");
	ck_assert_str_eq(parameter(dsn, "user"), "nexus");
	ck_assert_str_eq(parameter(dsn, "password"), "p@ss");
	ck_assert_str_eq(parameter(dsn, "dbname"), "jobs");
	ck_assert_str_eq(parameter(dsn, "sslmode"), "require");
	ck_assert_ptr_null(parameter(dsn, "host"));
	ck_assert_ptr_null(parameter(dsn, "port"));
}
END_TEST

START_TEST(words_come_apart_as_a_url_does)
{
	_cleanup_(dsn_freep) struct dsn *dsn =
		parse("host=/run/postgresql user=nexus password='a ?b&schema=c://d' dbname=jobs");

	assert_host(dsn, 0, "/run/postgresql", "", "");
	ck_assert_str_eq(parameter(dsn, "password"), "a ?b&schema=c://d");
}
END_TEST

START_TEST(what_a_daemon_needs_is_added_unless_the_url_says_otherwise)
{
	_cleanup_(dsn_freep) struct dsn *plain = parse("postgresql://db/jobs");
	_cleanup_(dsn_freep) struct dsn *own = parse(
		"postgresql://db/jobs?application_name=mine&tcp_user_timeout=5&keepalives_idle=7");

	ck_assert_str_eq(parameter(plain, "application_name"), "nexus-worker");
	ck_assert_str_eq(parameter(plain, "client_encoding"), "UTF8");
	ck_assert_str_eq(parameter(plain, "keepalives_idle"), "30");
	ck_assert_str_eq(parameter(plain, "tcp_user_timeout"), "30000");
	ck_assert_str_eq(parameter(own, "application_name"), "mine");
	ck_assert_str_eq(parameter(own, "tcp_user_timeout"), "5");
	ck_assert_str_eq(parameter(own, "keepalives_idle"), "7");
	ck_assert_str_eq(parameter(own, "keepalives_interval"), "10");
}
END_TEST

START_TEST(parameters_of_other_libraries_are_left_out)
{
	static const char *const urls[] = {
		"postgresql://db/jobs?schema=public",
		"postgresql://db/jobs?schema=",
		"postgresql://db/jobs?pgbouncer=true&connection_limit=5",
		"postgresql://db/jobs?pgbouncer=true&sslmode=prefer&pool_timeout=0",
		"postgresql://db/jobs?&sslmode=prefer&",
	};

	for (size_t i = 0; i < N_OF(urls); i++) {
		_cleanup_(dsn_freep) struct dsn *dsn = parse(urls[i]);
		ck_assert_str_eq(parameter(dsn, "dbname"), "jobs");
		ck_assert_ptr_null(parameter(dsn, "schema"));
		if (strstr(urls[i], "sslmode"))
			ck_assert_str_eq(parameter(dsn, "sslmode"), "prefer");
	}
	refusal("postgresql://db/jobs?schemas=public");
}
END_TEST

/* Which has to be encoded, but libpq takes it. */
START_TEST(a_question_mark_in_a_password_begins_no_query)
{
	_cleanup_(dsn_freep) struct dsn *dsn =
		parse("postgresql://nexus:p?schema=x@db.example/jobs?schema=public");

	ck_assert_str_eq(parameter(dsn, "password"), "p?schema=x");
	assert_host(dsn, 0, "db.example", "", "");
	ck_assert_str_eq(parameter(dsn, "dbname"), "jobs");
}
END_TEST

START_TEST(several_hosts_keep_their_own_ports_or_share_one)
{
	_cleanup_(dsn_freep) struct dsn *own = parse("postgresql://a:1,b:2,[::1]:3/jobs");
	_cleanup_(dsn_freep) struct dsn *shared = parse("host=a,b port=5 dbname=jobs");
	_cleanup_(dsn_freep) struct dsn *addressed =
		parse("host=a,b hostaddr=127.0.0.1,127.0.0.2 dbname=jobs");

	ck_assert_uint_eq(own->n_hosts, 3);
	assert_host(own, 0, "a", "", "1");
	assert_host(own, 1, "b", "", "2");
	assert_host(own, 2, "::1", "", "3");
	assert_host(shared, 0, "a", "", "5");
	assert_host(shared, 1, "b", "", "5");
	assert_host(addressed, 0, "a", "127.0.0.1", "");
	assert_host(addressed, 1, "b", "127.0.0.2", "");
}
END_TEST

START_TEST(more_hosts_than_can_be_kept_are_refused)
{
	_cleanup_(dsn_freep) struct dsn *most = parse("postgresql://1,2,3,4,5,6,7,8/jobs");

	ck_assert_uint_eq(most->n_hosts, DSN_HOSTS_MAX);
	ck_assert_ptr_nonnull(strstr(refusal("postgresql://1,2,3,4,5,6,7,8,9/jobs"), "at most 8"));
}
END_TEST

START_TEST(the_environment_names_the_host_when_the_url_does_not)
{
	setenv("PGHOST", "/somewhere", 1);
	_cleanup_(dsn_freep) struct dsn *dsn = parse("dbname=jobs");
	_cleanup_(dsn_freep) struct dsn *own = parse("postgresql://db/jobs");

	assert_host(dsn, 0, "/somewhere", "", "");
	assert_host(own, 0, "db", "", "");
	unsetenv("PGHOST");
	_cleanup_(dsn_freep) struct dsn *local = parse("dbname=jobs");
	assert_host(local, 0, "", "", "");
}
END_TEST

START_TEST(a_password_that_needs_escapes_is_noticed_and_not_quoted)
{
	static const char *const urls[] = {
		"postgresql://nexus:s3@cret@db/jobs",
		"postgresql://nexus:s3cret/x@db/jobs",
		"postgresql://nexus:s3cret:x/@db:5432/jobs",
	};

	for (size_t i = 0; i < N_OF(urls); i++) {
		const char *error = refusal(urls[i]);
		ck_assert_msg(!strstr(error, "cret"), "%s", error);
		ck_assert_msg(strstr(error, "the URL "), "%s", error);
	}
}
END_TEST

START_TEST(a_refused_url_is_not_quoted)
{
	static const char *const urls[] = {
		"postgresql://nexus:s3cret@db:port:port/jobs?x",
		"postgresql://nexus:s3cret@[::1/jobs",
		"mysql://nexus:s3cret@db/jobs",
		"postgresql://nexus:s3cret%zz@db/jobs",
		"host=db password='s3cret",
		"s3cret",
	};

	for (size_t i = 0; i < N_OF(urls); i++) {
		const char *error = refusal(urls[i]);
		ck_assert_msg(!strstr(error, "s3cret"), "%s", error);
		ck_assert_ptr_nonnull(strstr(error, "the URL "));
		ck_assert_ptr_nonnull(strstr(error, "postgresql://USER:PASSWORD@HOST:PORT/"));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dsn");
	TCase *all = tcase_create("all");

	tcase_add_test(all, a_url_comes_apart);
	tcase_add_test(all, words_come_apart_as_a_url_does);
	tcase_add_test(all, what_a_daemon_needs_is_added_unless_the_url_says_otherwise);
	tcase_add_test(all, parameters_of_other_libraries_are_left_out);
	tcase_add_test(all, a_question_mark_in_a_password_begins_no_query);
	tcase_add_test(all, several_hosts_keep_their_own_ports_or_share_one);
	tcase_add_test(all, more_hosts_than_can_be_kept_are_refused);
	tcase_add_test(all, the_environment_names_the_host_when_the_url_does_not);
	tcase_add_test(all, a_password_that_needs_escapes_is_noticed_and_not_quoted);
	tcase_add_test(all, a_refused_url_is_not_quoted);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "../support/test_suite.h"
#include "job/connection.h"

static struct connection_known known;
static char error[CONNECTION_ERROR_MAX];

static int on_tick(void *userdata)
{
	(void)userdata;
	return 0;
}

static int open_database(const char *url, int (*tick)(void *))
{
	const struct patience patience = {.deadline = 0, .tick = tick};
	_cleanup_(connection_closep) PGconn *conn = NULL;
	_cleanup_(dsn_freep) struct dsn *dsn = NULL;
	char why[DSN_ERROR_MAX];

	ck_assert_int_eq(dsn_parse(url, &dsn, why), 0);
	return connection_open(dsn, &known, &patience, &conn, error);
}

START_TEST(a_host_that_cannot_be_looked_up_says_why_and_blames_no_name_server)
{
	int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct rlimit before, limit;

	/* No file may be opened beyond those that are, so nothing to wait on. */
	ck_assert_int_ge(next, 0);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	limit.rlim_cur = (rlim_t)next + 1;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	int r = open_database("postgresql://nobody@db.invalid/nothing", on_tick);
	/* Who looks for leaks at the end opens files. */
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	ck_assert_int_eq(r, -EMFILE);
	ck_assert_str_eq(
		error, "the database's host db.invalid cannot be resolved: Too many open files");
}
END_TEST

/* The caller has seen enough. */
static int on_tick_cancel(void *userdata)
{
	(void)userdata;
	return -1;
}

/* It takes connections and is silent. */
static int silent_server(const char *address, uint16_t *port)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(*port)};
	socklen_t len = sizeof name;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	ck_assert_int_eq(inet_pton(AF_INET, address, &name.sin_addr), 1);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
	ck_assert_int_eq(listen(fd, 8), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&name, &len), 0);
	*port = ntohs(name.sin_port);
	return fd;
}

static bool has_a_client(int fd)
{
	_cleanup_close_ int client = accept(fd, NULL, NULL);

	return client >= 0;
}

/* One that is silent would be waited for each time. */
START_TEST(after_an_attempt_that_failed_the_next_begins_with_the_next_address)
{
	uint16_t port = 0;
	_cleanup_close_ int first = silent_server("127.0.0.1", &port);
	_cleanup_close_ int second = silent_server("127.0.0.2", &port);
	char name[65] = "", url[128];

	/* No server is asked for a name that is too long: the addresses are those of earlier. */
	memset(name, 'a', sizeof name - 1);
	snprintf(url, sizeof url, "postgresql://nobody@%s:%u/nothing", name, port);
	known.hosts[0] = (struct connection_addresses){2, {"127.0.0.1", "127.0.0.2"}};
	ck_assert_int_eq(open_database(url, on_tick_cancel), -ECANCELED);
	ck_assert(has_a_client(first) && !has_a_client(second));
	known.n_failed++;
	ck_assert_int_eq(open_database(url, on_tick_cancel), -ECANCELED);
	ck_assert(has_a_client(second) && !has_a_client(first));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("connection");
	TCase *all = tcase_create("all");

	tcase_add_test(all, after_an_attempt_that_failed_the_next_begins_with_the_next_address);
	tcase_add_test(all, a_host_that_cannot_be_looked_up_says_why_and_blames_no_name_server);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}

/*
 * The clients are programs: this one, called with --connect, the port, and how.
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "../support/test_suite.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/spawn.h"
#include "net/peer.h"

#define SELF      "/proc/self/exe"
#define SOON_MSEC 5000
#define NOBODY    65534

/* ---- In the program ---- */

/* mapped: by a socket for IPv6. */
static int connect_to(uint16_t port, bool mapped)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int fd = socket(mapped ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET6, "::ffff:127.0.0.1", &in6.sin6_addr);
	if (connect(fd, mapped ? (struct sockaddr *)&in6 : (struct sockaddr *)&in,
		    mapped ? sizeof in6 : sizeof in) < 0)
		return -1;
	return fd;
}

static int connect_to_ipv6(uint16_t port)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6,
		.sin6_port = htons(port),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return connect(fd, (struct sockaddr *)&address, sizeof address) < 0 ? -1 : fd;
}

/* Keeps the connection until the other end closes it. */
static int connect_and_stay(uint16_t port, const char *how)
{
	bool as_child = strcmp(how, "by a child") == 0;
	bool leaves = strcmp(how, "by a child that left the session") == 0;
	char c;

	/* Brackets and blanks, which end the name in /proc/PID/stat. */
	prctl(PR_SET_NAME, "a) S 1 1 1 (b");
	if (as_child || leaves) {
		pid_t child = fork();
		if (child > 0)
			return waitpid(child, NULL, 0) == child ? 0 : 1;
		if (leaves)
			setsid();
	}
	if (strcmp(how, "by another user") == 0 && setuid(NOBODY) < 0)
		return 1;
	int fd = strcmp(how, "over IPv6") == 0
			 ? connect_to_ipv6(port)
			 : connect_to(port, strcmp(how, "mapped into IPv6") == 0);
	return fd >= 0 && read(fd, &c, 1) == 0 ? 0 : 1;
}

/* ---- The tests ---- */

static int listener, connection;
static uint16_t port;
static pid_t program;
static struct sockaddr_storage client;

static uint16_t port_of(int fd)
{
	struct sockaddr_in6 address; /* the port is where IPv4 has it */
	socklen_t len = sizeof address;

	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	return ntohs(address.sin6_port);
}

static int listen_at(int family)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(family == AF_INET ? bind(fd, (struct sockaddr *)&in, sizeof in)
					   : bind(fd, (struct sockaddr *)&in6, sizeof in6),
		0);
	ck_assert_int_eq(listen(fd, 8), 0);
	return fd;
}

static void start_listener(int family)
{
	listener = listen_at(family);
	port = port_of(listener);
}

static void accept_client(void)
{
	socklen_t len = sizeof client;
	struct pollfd waiting = {listener, POLLIN, 0};

	ck_assert_int_eq(poll(&waiting, 1, SOON_MSEC), 1);
	connection = accept4(listener, (struct sockaddr *)&client, &len, SOCK_CLOEXEC);
	ck_assert_int_ge(connection, 0);
}

static void start_program(const char *how)
{
	static const char *const environment[] = {NULL};
	char number[8];
	const char *const argv[] = {"test_peer", "--connect", number, how, NULL};

	snprintf(number, sizeof number, "%u", port);
	_cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	const struct spawn what = {.path = SELF,
		.argv = argv,
		.environment = environment,
		.in = null,
		.out = null,
		.err = STDERR_FILENO};
	ck_assert_int_eq(spawn_start(&what, &program), 0);
	accept_client();
}

static void setup(void)
{
	listener = connection = -1;
	program = 0;
}

static void teardown(void)
{
	int status;

	if (connection >= 0)
		close(connection);
	if (listener >= 0)
		close(listener);
	if (program > 0) {
		ck_assert_int_eq(waitpid(program, &status, 0), program);
		ck_assert_int_eq(status, 0);
	}
}

static int session_of_client(pid_t likely, pid_t *ret)
{
	*ret = -7;
	return peer_session((struct sockaddr *)&client, port, likely, ret);
}

static void expect_program(pid_t likely)
{
	pid_t session;

	ck_assert_int_eq(session_of_client(likely, &session), 0);
	ck_assert_int_eq(session, program);
}

static void expect(int error, pid_t likely)
{
	pid_t session;

	ck_assert_int_eq(session_of_client(likely, &session), error);
	ck_assert_int_eq(session, -7);
}

static void give_up_root(void)
{
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(setgroups(0, NULL), 0);
	ck_assert_int_eq(setgid(NOBODY), 0);
	ck_assert_int_eq(setuid(NOBODY), 0);
}

static usec_t now = USEC_PER_MIN, each_look_takes;

static usec_t clock_that_passes(void)
{
	return now += each_look_takes;
}

START_TEST(who_takes_too_long_to_find_is_nobody_until_the_next_second)
{
	start_listener(AF_INET);
	start_program("itself");
	clock_replace(clock_that_passes);
	each_look_takes = 300 * USEC_PER_MSEC;
	expect_program(0);
	expect(-EBUSY, program);
	now += USEC_PER_SEC;
	expect_program(0);
}
END_TEST

START_TEST(a_program_that_was_started_is_recognized)
{
	start_listener(AF_INET);
	start_program("itself");
	expect_program(program);
	expect_program(0);
	expect_program(getpid());
	expect_program(INT32_MAX);
}
END_TEST

START_TEST(so_is_one_that_comes_over_ipv6)
{
	start_listener(AF_INET6);
	start_program("over IPv6");
	expect_program(program);
	expect_program(0);
}
END_TEST

START_TEST(so_is_one_that_has_a_socket_for_ipv6_only)
{
	start_listener(AF_INET);
	start_program("mapped into IPv6");
	expect_program(0);
}
END_TEST

START_TEST(what_a_program_starts_counts_as_the_program)
{
	start_listener(AF_INET);
	start_program("by a child");
	expect_program(program);
	expect_program(0);
}
END_TEST

START_TEST(what_has_left_the_session_does_not)
{
	pid_t session;

	start_listener(AF_INET);
	start_program("by a child that left the session");
	ck_assert_int_eq(session_of_client(program, &session), 0);
	ck_assert_int_ne(session, program);
	ck_assert_int_ne(session, getsid(0));
}
END_TEST

START_TEST(a_process_that_nobody_started_has_a_session_of_its_own)
{
	pid_t session;

	start_listener(AF_INET);
	int fd = connect_to(port, false);
	accept_client();
	ck_assert_int_eq(session_of_client(0, &session), 0);
	ck_assert_int_eq(session, getsid(0));
	close(fd);
}
END_TEST

START_TEST(another_users_connection_is_refused)
{
	start_listener(AF_INET);
	start_program("by another user");
	expect(-EPERM, program);
	expect(-EPERM, 0);
}
END_TEST

/* As the daemon is run: what it starts can be dumped, itself it cannot. */
START_TEST(a_user_without_privileges_sees_what_it_started)
{
	give_up_root();
	ck_assert_int_eq(prctl(PR_SET_DUMPABLE, 0), 0);
	start_listener(AF_INET);
	start_program("by a child");
	expect_program(program);
	expect_program(0);
}
END_TEST

START_TEST(who_has_hung_up_is_nobody)
{
	char c;

	/* Root's is what the kernel calls a socket that nobody has any more. */
	give_up_root();
	start_listener(AF_INET);
	int fd = connect_to(port, false);
	accept_client();
	close(fd);
	ck_assert_int_eq(read(connection, &c, 1), 0);
	expect(-ENOENT, 0);
	expect(-ENOENT, getpid());
	close(connection);
	connection = -1;
	expect(-ENOENT, 0);
}
END_TEST

START_TEST(who_only_listens_at_the_clients_port_is_nobody)
{
	start_listener(AF_INET);
	int other = listen_at(AF_INET);
	struct sockaddr_in *in = (struct sockaddr_in *)&client;

	*in = (struct sockaddr_in){.sin_family = AF_INET,
		.sin_port = htons(port_of(other)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	expect(-ENOENT, getpid());
	close(other);
}
END_TEST

START_TEST(a_client_that_is_not_on_tcp_is_refused)
{
	client.ss_family = AF_UNIX;
	expect(-EAFNOSUPPORT, 0);
}
END_TEST

START_TEST(parents_are_known)
{
	pid_t parent = -7;

	start_listener(AF_INET);
	start_program("itself");
	ck_assert_int_eq(peer_parent(program, &parent), 0);
	ck_assert_int_eq(parent, getpid());
	parent = -7;
	ck_assert_int_eq(peer_parent(INT32_MAX, &parent), -ENOENT);
	ck_assert_int_eq(parent, -7);
}
END_TEST

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "--connect") == 0)
		return connect_and_stay((uint16_t)atoi(argv[2]), argv[3]);

	Suite *suite = suite_create("peer");
	TCase *c = tcase_create("connections");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_program_that_was_started_is_recognized);
	tcase_add_test(c, who_takes_too_long_to_find_is_nobody_until_the_next_second);
	tcase_add_test(c, so_is_one_that_comes_over_ipv6);
	tcase_add_test(c, so_is_one_that_has_a_socket_for_ipv6_only);
	tcase_add_test(c, what_a_program_starts_counts_as_the_program);
	tcase_add_test(c, what_has_left_the_session_does_not);
	tcase_add_test(c, a_process_that_nobody_started_has_a_session_of_its_own);
	if (geteuid() == 0)
		tcase_add_test(c, another_users_connection_is_refused);
	tcase_add_test(c, a_user_without_privileges_sees_what_it_started);
	tcase_add_test(c, who_has_hung_up_is_nobody);
	tcase_add_test(c, who_only_listens_at_the_clients_port_is_nobody);
	tcase_add_test(c, a_client_that_is_not_on_tcp_is_refused);
	tcase_add_test(c, parents_are_known);
	suite_add_tcase(suite, c);
	return test_suite_run(suite);
}

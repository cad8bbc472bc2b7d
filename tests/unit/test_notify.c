/*
 * What systemd is told, at the socket where it listens; each case is a process.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/utf8.h"
#include "daemon/notify.h"

static int listener;
static char said[4096];

/* One with a name that no file has. */
static void setup(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char name[64];
	int len = snprintf(name, sizeof name, "@test_notify/%d", getpid());

	memcpy(address.sun_path + 1, name + 1, (size_t)len - 1);
	listener = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert_int_ge(listener, 0);
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)len);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, size), 0);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
}

static void teardown(void)
{
	close(listener);
}

/* The next message; "": there is none. */
static const char *hear(void)
{
	ssize_t n = recv(listener, said, sizeof said - 1, 0);

	said[n > 0 ? n : 0] = '\0';
	return said;
}

START_TEST(a_status_is_told_when_it_is_another)
{
	notify_status("%d of %d threads busy", 1, 4);
	ck_assert_str_eq(hear(), "STATUS=1 of 4 threads busy");
	notify_status("1 of 4 threads busy");
	ck_assert_str_eq(hear(), "");
	notify_status("2 of 4 threads busy");
	ck_assert_str_eq(hear(), "STATUS=2 of 4 threads busy");
}
END_TEST

/* What a server says may have lines, and each of systemd's would be a message of its own. */
START_TEST(a_status_stays_one_line)
{
	notify_status("the database: %s", "no\nREADY=1\n");
	ck_assert_str_eq(hear(), "STATUS=the database: no?READY=1?");
}
END_TEST

/* systemctl status shows it as it is. */
START_TEST(a_status_steers_no_terminal)
{
	notify_status("the database: %s", "\xe2\x80\xae\xc2\x9b"
					  "31m\033[2J");
	ck_assert_str_eq(hear(), "STATUS=the database: ?????31m?[2J");
}
END_TEST

/* systemd takes no notice of one that is not. */
START_TEST(a_status_is_utf_8)
{
	notify_status("the database: %s", "ung\xfcltig \xc3\xbc");
	ck_assert_str_eq(hear(), "STATUS=the database: ung?ltig \xc3\xbc");
}
END_TEST

START_TEST(a_status_that_is_too_long_is_cut_and_still_utf_8)
{
	char text[2000] = "";

	while (strlen(text) < 1500)
		strcat(text, "\xe2\x82\xac");
	for (int blanks = 0; blanks < 3; blanks++) {
		notify_status("%*s%s", blanks, "", text);
		size_t len = strlen(hear()), n;
		ck_assert_uint_gt(len, 1000);
		for (size_t i = 0; i < len; i += n) {
			n = utf8_sequence(said + i, len - i);
			ck_assert_uint_gt(n, 0);
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("notify");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, a_status_is_told_when_it_is_another);
	tcase_add_test(all, a_status_stays_one_line);
	tcase_add_test(all, a_status_steers_no_terminal);
	tcase_add_test(all, a_status_is_utf_8);
	tcase_add_test(all, a_status_that_is_too_long_is_cut_and_still_utf_8);
	suite_add_tcase(suite, all);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

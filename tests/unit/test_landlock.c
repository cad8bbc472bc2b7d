/*
 * Where the kernel has no Landlock, these are skipped, and say so: what they test is the kernel's.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "../support/test_folder.h"
#include "../support/test_suite.h"
#include "base/clock.h"
#include "base/landlock.h"

static const char *folder;
static struct landlock *landlock;

static const char *path(const char *name)
{
	static char paths[4][PATH_MAX];
	static unsigned next;
	char *to = paths[next++ % 4];

	snprintf(to, PATH_MAX, "%s/%s", folder, name);
	return to;
}

static void write_file(const char *name)
{
	test_write_program(path(name), "#!/bin/sh\n");
}

static void make_folder(const char *name)
{
	ck_assert_int_eq(mkdir(path(name), 0700), 0);
}

static void setup(void)
{
	folder = test_folder_enter();
	make_folder("etc");
	make_folder("etc/secret");
	make_folder("etc/other");
	make_folder("data");
	write_file("etc/secret/key");
	write_file("etc/other/text");
	write_file("etc/hosts");
	write_file("data/text");
}

static void teardown(void)
{
	clock_replace(NULL);
	landlock_free(landlock);
	test_folder_leave();
}

/* Hides these names of the folder. */
static void hide(const char *first, const char *second)
{
	char a[PATH_MAX], b[PATH_MAX];
	const char *hidden[] = {a, second ? b : NULL, NULL};

	snprintf(a, sizeof a, "%s/%s", folder, first);
	snprintf(b, sizeof b, "%s/%s", folder, second ? second : "");
	ck_assert_int_eq(landlock_new(hidden, NULL, &landlock), 0);
}

/* Late enough for a ruleset to trust the times of what has just been made. */
static usec_t later(void)
{
	return 4000000000 * USEC_PER_SEC;
}

typedef int try_fn(const char *from, const char *to);

static int try_read(const char *from, const char *to)
{
	(void)to;
	return open(from, O_RDONLY | O_CLOEXEC) < 0 ? errno : 0;
}

static int try_write(const char *from, const char *to)
{
	(void)to;
	return open(from, O_WRONLY | O_CLOEXEC) < 0 ? errno : 0;
}

static int try_truncate(const char *from, const char *to)
{
	(void)to;
	return truncate(from, 0) < 0 ? errno : 0;
}

static int try_execute(const char *from, const char *to)
{
	(void)to;
	char *const argv[] = {(char *)from, NULL};
	execve(from, argv, argv + 1);
	return errno;
}

static int try_rename(const char *from, const char *to)
{
	return rename(from, to) < 0 ? errno : 0;
}

static int try_remove(const char *from, const char *to)
{
	(void)to;
	return remove(from) < 0 ? errno : 0;
}

static int try_link(const char *from, const char *to)
{
	return link(from, to) < 0 ? errno : 0;
}

/* What happens to one who is held by that ruleset: 0, or an errno. */
static int try_under(int ruleset, try_fn *attempt, const char *from, const char *to)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
			syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
			_exit(255);
		_exit(attempt(path(from), to ? path(to) : NULL));
	}
	ck_assert_int_gt(child, 0);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	ck_assert_int_ne(WEXITSTATUS(status), 255);
	return WEXITSTATUS(status);
}

static int try_now(try_fn *attempt, const char *from, const char *to)
{
	_cleanup_close_ int ruleset = landlock_ruleset(landlock);

	ck_assert_int_ge(ruleset, 0);
	return try_under(ruleset, attempt, from, to);
}

START_TEST(what_is_hidden_cannot_be_read_written_or_run)
{
	hide("etc/secret", NULL);
	ck_assert_int_eq(try_now(try_read, "etc/secret/key", NULL), EACCES);
	ck_assert_int_eq(try_now(try_write, "etc/secret/key", NULL), EACCES);
	ck_assert_int_eq(try_now(try_execute, "etc/secret/key", NULL), EACCES);
}
END_TEST

START_TEST(what_is_hidden_cannot_be_cut_short)
{
	hide("etc/secret", NULL);
	ck_assert_int_eq(try_now(try_truncate, "etc/secret/key", NULL), EACCES);
	ck_assert_int_eq(try_now(try_truncate, "data/text", NULL), 0);
	ck_assert_int_eq(try_now(try_truncate, "etc/hosts", NULL), 0);
}
END_TEST

START_TEST(what_is_beside_it_on_every_level_can)
{
	hide("etc/secret", NULL);
	ck_assert_int_eq(try_now(try_read, "etc/other/text", NULL), 0);
	ck_assert_int_eq(try_now(try_write, "etc/hosts", NULL), 0);
	ck_assert_int_eq(try_now(try_execute, "data/text", NULL), 0);
	ck_assert_int_eq(try_now(try_read, "../../usr/bin/env", NULL), 0);
	ck_assert_int_eq(try_now(try_read, "etc", NULL), 0);
}
END_TEST

START_TEST(a_file_alone_may_be_hidden_and_several_paths)
{
	hide("etc/secret/key", "data");
	write_file("etc/secret/beside");
	ck_assert_int_eq(try_now(try_read, "etc/secret/key", NULL), EACCES);
	ck_assert_int_eq(try_now(try_read, "etc/secret/beside", NULL), 0);
	ck_assert_int_eq(try_now(try_read, "data/text", NULL), EACCES);
	ck_assert_int_eq(try_now(try_read, "etc/hosts", NULL), 0);
}
END_TEST

START_TEST(a_path_within_a_hidden_one_hides_no_less)
{
	make_folder("etc/secret/a");
	write_file("etc/secret/a/b");
	write_file("etc/secret/a/c");
	hide("etc/secret", "etc/secret/a/b");
	ck_assert_int_eq(try_now(try_read, "etc/secret/a/c", NULL), EACCES);
	ck_assert_int_eq(try_now(try_read, "etc/secret/key", NULL), EACCES);
}
END_TEST

START_TEST(files_can_be_moved_but_not_out_of_what_is_hidden)
{
	hide("etc/secret", NULL);
	ck_assert_int_eq(try_now(try_rename, "data/text", "etc/other/moved"), 0);
	ck_assert_int_ne(try_now(try_rename, "etc/secret/key", "data/key"), 0);
	ck_assert_int_ne(try_now(try_link, "etc/secret/key", "data/key"), 0);
	ck_assert_int_ne(try_now(try_rename, "etc/secret", "data/secret"), 0);
}
END_TEST

START_TEST(a_link_does_not_help_past_it)
{
	hide("etc/secret", NULL);
	ck_assert_int_eq(symlink(path("etc/secret"), path("data/link")), 0);
	ck_assert_int_eq(try_now(try_read, "data/link/key", NULL), EACCES);
}
END_TEST

START_TEST(nothing_along_the_way_can_be_given_another_name)
{
	hide("etc/secret", NULL);
	ck_assert_int_eq(try_now(try_rename, "etc/secret", "etc/renamed"), EACCES);
	ck_assert_int_eq(try_now(try_rename, "etc", "renamed"), EACCES);
	ck_assert_int_eq(try_now(try_rename, "etc/hosts", "etc/renamed"), EACCES);
	ck_assert_int_eq(try_now(try_rename, "data/text", "data/renamed"), 0);
	ck_assert_int_eq(try_now(try_remove, "etc/hosts", NULL), EACCES);
	ck_assert_int_eq(try_now(try_remove, "data/renamed", NULL), 0);
}
END_TEST

START_TEST(a_hidden_path_that_is_a_link_hides_where_it_leads)
{
	ck_assert_int_eq(symlink(path("etc"), path("data/link")), 0);
	hide("data/link/secret", NULL);
	ck_assert_int_eq(try_now(try_read, "etc/secret/key", NULL), EACCES);
	ck_assert_int_eq(try_now(try_read, "data/link/secret/key", NULL), EACCES);
	ck_assert_int_eq(try_now(try_read, "data/link/hosts", NULL), 0);
}
END_TEST

START_TEST(a_link_is_followed_anew_when_it_changes)
{
	make_folder("new");
	make_folder("new/secret");
	write_file("new/secret/key");
	ck_assert_int_eq(symlink(path("etc"), path("data/link")), 0);
	clock_replace(later);
	hide("data/link/secret", NULL);
	ck_assert_int_eq(try_now(try_read, "new/secret/key", NULL), 0);
	ck_assert_int_eq(unlink(path("data/link")), 0);
	ck_assert_int_eq(symlink(path("new"), path("data/link")), 0);
	ck_assert_int_eq(try_now(try_read, "new/secret/key", NULL), EACCES);
}
END_TEST

START_TEST(what_is_not_there_yet_is_hidden_once_it_is)
{
	hide("etc/late/deep", NULL);
	ck_assert_int_eq(try_now(try_read, "etc/hosts", NULL), 0);
	make_folder("etc/late");
	make_folder("etc/late/deep");
	write_file("etc/late/deep/key");
	write_file("etc/late/text");
	ck_assert_int_eq(try_now(try_read, "etc/late/deep/key", NULL), EACCES);
	ck_assert_int_eq(try_now(try_read, "etc/late/text", NULL), 0);
}
END_TEST

START_TEST(a_file_that_replaces_another_along_the_way_is_seen_by_who_starts_later)
{
	clock_replace(later);
	hide("etc/secret", NULL);
	_cleanup_close_ int before = landlock_ruleset(landlock);

	write_file("etc/hosts.new");
	ck_assert_int_eq(rename(path("etc/hosts.new"), path("etc/hosts")), 0);
	ck_assert_int_eq(try_under(before, try_read, "etc/hosts", NULL), EACCES);
	ck_assert_int_eq(try_now(try_read, "etc/hosts", NULL), 0);
	ck_assert_int_eq(try_now(try_read, "etc/secret/key", NULL), EACCES);
}
END_TEST

/* Within the same step of the file system's clock: the folder's time does not tell. */
START_TEST(a_change_right_after_the_ruleset_was_made_is_not_missed)
{
	hide("etc/secret", NULL);
	struct stat st;
	ck_assert_int_eq(stat(path("etc"), &st), 0);
	write_file("etc/new");
	const struct timespec same[2] = {st.st_atim, st.st_mtim};
	ck_assert_int_eq(utimensat(AT_FDCWD, path("etc"), same, 0), 0);
	ck_assert_int_eq(try_now(try_read, "etc/new", NULL), 0);
}
END_TEST

START_TEST(what_is_sealed_can_be_read_and_nothing_else)
{
	char secret[PATH_MAX], data[PATH_MAX];
	const char *hidden[] = {secret, NULL}, *sealed[] = {data, NULL};

	snprintf(secret, sizeof secret, "%s/etc/secret", folder);
	snprintf(data, sizeof data, "%s/data", folder);
	ck_assert_int_eq(landlock_new(hidden, sealed, &landlock), 0);
	ck_assert_int_eq(try_now(try_read, "data/text", NULL), 0);
	ck_assert_int_eq(try_now(try_write, "data/text", NULL), EACCES);
	ck_assert_int_eq(try_now(try_execute, "data/text", NULL), EACCES);
	ck_assert_int_eq(try_now(try_rename, "data/text", "data/renamed"), EACCES);
	ck_assert_int_eq(try_now(try_remove, "data/text", NULL), EACCES);
	ck_assert_int_eq(try_now(try_read, "etc/secret/key", NULL), EACCES);
	ck_assert_int_eq(try_now(try_write, "etc/hosts", NULL), 0);
}
END_TEST

START_TEST(below_what_is_beside_the_way_new_files_are_seen_at_once)
{
	hide("etc/secret", NULL);
	_cleanup_close_ int before = landlock_ruleset(landlock);

	write_file("data/new");
	ck_assert_int_eq(try_under(before, try_read, "data/new", NULL), 0);
}
END_TEST

static int try_signal_parent(const char *from, const char *to)
{
	(void)from;
	(void)to;
	return kill(getppid(), 0) < 0 ? errno : 0;
}

static int try_signal_own_child(const char *from, const char *to)
{
	pid_t child = fork();

	(void)from;
	(void)to;
	if (child == 0)
		_exit(pause());
	return kill(child, SIGKILL) < 0 || waitpid(child, NULL, 0) != child ? errno : 0;
}

START_TEST(who_started_it_cannot_be_sent_signals_but_what_it_starts_can)
{
	hide("etc/secret", NULL);
	ck_assert_int_eq(try_now(try_signal_parent, "", NULL), EPERM);
	ck_assert_int_eq(try_now(try_signal_own_child, "", NULL), 0);
}
END_TEST

static struct sockaddr_un abstract = {.sun_family = AF_UNIX};

static int try_connect(const char *from, const char *to)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)from;
	(void)to;
	return connect(fd, (struct sockaddr *)&abstract, sizeof abstract) < 0 ? errno : 0;
}

START_TEST(abstract_sockets_of_others_cannot_be_connected_to)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(abstract.sun_path + 1, sizeof abstract.sun_path - 1, "%s", folder);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&abstract, sizeof abstract), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	hide("etc/secret", NULL);
	ck_assert_int_eq(try_now(try_connect, "", NULL), EPERM);
}
END_TEST

static bool is_from(long version, const char *what)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	if (abi < version)
		printf("not run: %s (Landlock %ld, it is so from %ld on)\n", what, abi, version);
	return abi >= version;
}

/* Whether it is there at all is the first thing that landlock_new() asks. */
static bool is_there(void)
{
	const char *hidden[] = {"/no/such", NULL};

	int r = landlock_new(hidden, NULL, &landlock);
	landlock = landlock_free(landlock);
	if (r < 0)
		printf("not run: what Landlock hides (%s)\n", strerrordesc_np(-r));
	return r == 0;
}

int main(void)
{
	Suite *suite = suite_create("landlock");
	TCase *views = tcase_create("views");

	tcase_add_checked_fixture(views, setup, teardown);
	if (is_there()) {
		tcase_add_test(views, what_is_hidden_cannot_be_read_written_or_run);
		tcase_add_test(views, what_is_beside_it_on_every_level_can);
		tcase_add_test(views, a_file_alone_may_be_hidden_and_several_paths);
		tcase_add_test(views, a_path_within_a_hidden_one_hides_no_less);
		tcase_add_test(views, files_can_be_moved_but_not_out_of_what_is_hidden);
		tcase_add_test(views, a_link_does_not_help_past_it);
		tcase_add_test(views, nothing_along_the_way_can_be_given_another_name);
		tcase_add_test(views, a_hidden_path_that_is_a_link_hides_where_it_leads);
		tcase_add_test(views, a_link_is_followed_anew_when_it_changes);
		tcase_add_test(views, what_is_not_there_yet_is_hidden_once_it_is);
		tcase_add_test(views,
			a_file_that_replaces_another_along_the_way_is_seen_by_who_starts_later);
		tcase_add_test(views, a_change_right_after_the_ruleset_was_made_is_not_missed);
		tcase_add_test(views, what_is_sealed_can_be_read_and_nothing_else);
		tcase_add_test(views, below_what_is_beside_the_way_new_files_are_seen_at_once);
		if (is_from(3, "what can be cut short"))
			tcase_add_test(views, what_is_hidden_cannot_be_cut_short);
	}
	suite_add_tcase(suite, views);
	if (is_there() && is_from(6, "who can be sent signals")) {
		TCase *processes = tcase_create("processes");

		tcase_add_checked_fixture(processes, setup, teardown);
		tcase_add_test(
			processes, who_started_it_cannot_be_sent_signals_but_what_it_starts_can);
		tcase_add_test(processes, abstract_sockets_of_others_cannot_be_connected_to);
		suite_add_tcase(suite, processes);
	}
	return test_suite_run(suite);
}

/*
 * The program that is started is this one: called with --tell, it says what it was given.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../support/test_folder.h"
#include "../support/test_suite.h"
#include "base/spawn.h"
#include "base/strbuf.h"

#define SELF "/proc/self/exe"

/* ---- In the program ---- */

static void tell_descriptors(void)
{
	printf("descriptors");
	for (int fd = 0; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			printf(" %d", fd);
	printf("\n");
}

static void tell_signals(void)
{
	struct sigaction action;
	sigset_t mask;

	sigprocmask(SIG_BLOCK, NULL, &mask);
	printf("signals");
	for (int i = 1; i <= SIGRTMAX; i++) {
		if (sigismember(&mask, i) == 1)
			printf(" %d-blocked", i);
		if (sigaction(i, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
			printf(" %d-ignored", i);
	}
	printf("\n");
}

static void tell_place(void)
{
	int death = 0;

	prctl(PR_GET_PDEATHSIG, &death);
	printf("place%s%s%s death by %d\n", getsid(0) == getpid() ? " session" : "",
		getpgrp() == getpid() ? " group" : "",
		open("/dev/tty", O_RDONLY) < 0 ? "" : " terminal", death);
}

static void tell_confines(void)
{
	static const int resources[] = {RLIMIT_CORE, RLIMIT_NOFILE, RLIMIT_CPU};
	struct rlimit limit;
	char folder[200];

	printf("confines in %s", getcwd(folder, sizeof folder));
	for (size_t i = 0; i < N_OF(resources); i++)
		if (getrlimit(resources[i], &limit) == 0)
			printf(" %lld/%lld", (long long)limit.rlim_cur, (long long)limit.rlim_max);
	printf("%s\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? " no new rights" : "");
}

static void tell_limits(void)
{
	const struct rlimit none = {0, 0};
	struct rlimit own;
	bool ours = prlimit(0, RLIMIT_CORE, &none, &own) == 0;

	printf("limits%s%s\n", ours ? " its own" : "",
		prlimit(getppid(), RLIMIT_CORE, &none, NULL) == 0 ? " its parent's" : "");
}

static int tell(char **argv)
{
	tell_descriptors();
	tell_signals();
	tell_place();
	tell_confines();
	tell_limits();
	printf("argv");
	for (; *argv; argv++)
		printf(" [%s]", *argv);
	printf("\nenvironment");
	for (char **e = environ; *e; e++)
		printf(" [%s]", *e);
	printf("\n");
	char c = 0;
	fprintf(stderr, "input %zd", read(STDIN_FILENO, &c, 1));
	return 7;
}

/* ---- The tests ---- */

static struct strbuf out, err;
static const struct spawn_confines *confines;

static void setup(void)
{
	out = err = STRBUF_INIT;
}

static void teardown(void)
{
	strbuf_done(&out);
	strbuf_done(&err);
}

static void drain(int fd, struct strbuf *into)
{
	char chunk[4096];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof chunk)) > 0)
		strbuf_append(into, chunk, (size_t)n);
	ck_assert_int_eq(n, 0);
	close(fd);
}

/* Runs it to its end; what it wrote is in out and err. */
static void run_tell(void)
{
	const char *argv[] = {"name", "--tell", "two words", "", NULL};
	const char *environment[] = {"A=1", "B=x y", NULL};
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC), outs[2], errs[2], status;
	pid_t child = -1;

	ck_assert_int_eq(pipe2(outs, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(errs, O_CLOEXEC), 0);
	struct spawn what = {SELF, argv, environment, null, outs[1], errs[1], confines};
	ck_assert_int_eq(spawn_start(&what, &child), 0);
	close(null);
	close(outs[1]);
	close(errs[1]);
	drain(outs[0], &out);
	drain(errs[0], &err);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 7);
}

static void assert_said(const char *line)
{
	ck_assert_msg(strstr(strbuf_str(&out), line), "%s is not in\n%s", line, strbuf_str(&out));
}

START_TEST(a_program_gets_its_words_its_environment_and_its_three_descriptors)
{
	run_tell();
	assert_said("argv [name] [--tell] [two words] []\n");
	assert_said("environment [A=1] [B=x y]\n");
	ck_assert_str_eq(strbuf_str(&err), "input 0");
}
END_TEST

START_TEST(no_other_descriptor_reaches_it_not_even_one_that_is_not_marked)
{
	ck_assert_int_ge(open("/dev/null", O_RDONLY), 3);
	ck_assert_int_eq(fcntl(STDIN_FILENO, F_DUPFD, 500), 500);
	run_tell();
	assert_said("descriptors 0 1 2\n");
}
END_TEST

START_TEST(descriptors_may_have_the_numbers_that_they_are_to_get)
{
	close(0);
	close(1);
	close(2);
	run_tell();
	assert_said("descriptors 0 1 2\n");
	ck_assert_str_eq(strbuf_str(&err), "input 0");
}
END_TEST

START_TEST(no_signal_is_blocked_or_ignored)
{
	sigset_t all;

	sigfillset(&all);
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, &all, NULL), 0);
	ck_assert(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	ck_assert(signal(SIGRTMAX, SIG_IGN) != SIG_ERR);
	run_tell();
	assert_said("signals\n");
}
END_TEST

START_TEST(it_has_a_session_and_group_of_its_own_and_no_terminal)
{
	run_tell();
	assert_said("place session group death by 9\n");
}
END_TEST

START_TEST(one_that_is_confined_has_its_limits_its_place_and_no_way_to_more_rights)
{
	const struct spawn_limit limits[] = {
		{RLIMIT_NOFILE, 20, 30},
		{RLIMIT_CPU, 7, UINT64_MAX},
	};
	_cleanup_close_ int root = open("/", O_PATH | O_CLOEXEC);

	confines = &(struct spawn_confines){root, -1, -1, limits, 2};
	run_tell();
	assert_said("confines in / 0/0 20/30 7/-1 no new rights\n");
	assert_said("descriptors 0 1 2\n");
}
END_TEST

START_TEST(one_that_is_confined_changes_nobody_elses_limits)
{
	struct rlimit ours;

	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0)
		return;
	confines = &(struct spawn_confines){-1, -1, -1, NULL, 0};
	run_tell();
	assert_said("limits its own\n");
	confines = NULL;
	run_tell();
	assert_said("limits its own its parent's\n");
	ck_assert_int_eq(getrlimit(RLIMIT_CORE, &ours), 0);
	ck_assert_uint_eq(ours.rlim_max, 0);
}
END_TEST

START_TEST(a_limit_above_what_may_be_had_is_as_much_of_it_as_may)
{
	const struct spawn_limit limit = {RLIMIT_NOFILE, 500, UINT64_MAX};
	const struct rlimit ours = {300, 400};

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &ours), 0);
	confines = &(struct spawn_confines){-1, -1, -1, &limit, 1};
	run_tell();
	assert_said(" 400/400 ");
}
END_TEST

START_TEST(one_that_is_not_confined_is_as_we_are)
{
	const struct rlimit ours = {300, 400};

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &ours), 0);
	ck_assert_int_eq(chdir("/usr"), 0);
	run_tell();
	assert_said("confines in /usr ");
	assert_said(" 300/400 ");
	ck_assert_ptr_null(strstr(strbuf_str(&out), "no new rights"));
}
END_TEST

/* What is written is "0": whoever writes it. */
START_TEST(it_moves_into_the_cgroup_that_it_is_given)
{
	FILE *procs = tmpfile();
	char text[8] = "";

	ck_assert_ptr_nonnull(procs);
	confines = &(struct spawn_confines){-1, fileno(procs), -1, NULL, 0};
	run_tell();
	rewind(procs);
	ck_assert_ptr_nonnull(fgets(text, sizeof text, procs));
	ck_assert_str_eq(text, "0");
	fclose(procs);
}
END_TEST

static const struct spawn_confines NOT_CONFINES[] = {
	{1000, -1, -1, NULL, 0},
	{-1, 1000, -1, NULL, 0},
	{-1, -1, 1000, NULL, 0},
};

START_TEST(one_that_cannot_be_confined_is_not_started)
{
	const char *argv[] = {"name", NULL};
	struct spawn what = {
		"/bin/true", argv, (const char *const *)environ, 0, 1, 2, &NOT_CONFINES[_i]};
	pid_t child = 77;

	ck_assert_int_eq(spawn_start(&what, &child), -EBADF);
	ck_assert_int_eq(child, 77);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}
END_TEST

static void *start_and_end(void *userdata)
{
	const char *argv[] = {"sleep", "20", NULL};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct spawn what = {
		"/bin/sleep", argv, (const char *const *)environ, null, null, null, NULL};

	ck_assert_int_eq(spawn_start(&what, userdata), 0);
	close(null);
	return NULL;
}

START_TEST(it_dies_with_the_thread_that_started_it)
{
	pthread_t thread;
	pid_t child = -1;
	int status;

	ck_assert_int_eq(pthread_create(&thread, NULL, start_and_end, &child), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGKILL);
}
END_TEST

static const struct {
	const char *path;
	int r;
} REFUSALS[] = {
	{"./no/such", -ENOENT},
	{"/etc/passwd", -EACCES},
	{"/etc", -EACCES},
};

START_TEST(a_program_that_cannot_be_started_leaves_no_child_and_ret_alone)
{
	const char *argv[] = {"name", NULL};
	struct spawn what = {REFUSALS[_i].path, argv, (const char *const *)environ, 0, 1, 2, NULL};
	pid_t child = 77;

	ck_assert_int_eq(spawn_start(&what, &child), REFUSALS[_i].r);
	ck_assert_int_eq(child, 77);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}
END_TEST

START_TEST(a_descriptor_that_is_none_is_an_error_that_comes_back)
{
	const char *argv[] = {"name", NULL};
	struct spawn what = {"/bin/true", argv, (const char *const *)environ, 0, 1, 1000, NULL};
	pid_t child = 77;

	ck_assert_int_eq(spawn_start(&what, &child), -EBADF);
	ck_assert_int_eq(child, 77);
}
END_TEST

/* ---- Where a program is ---- */

static void setup_folder(void)
{
	test_folder_enter();
	ck_assert_int_eq(mkdir("a", 0700), 0);
	ck_assert_int_eq(mkdir("b", 0700), 0);
	ck_assert_int_eq(mkdir("a/folder", 0700), 0);
	test_write_program("here", "");
	test_write("a/both", "");
	test_write_program("b/both", "");
	test_write("a/text", "");
}

static const struct {
	const char *name;
	const char *path;
	int r;
	const char *file;
} PLACES[] = {
	{"both", "a:b", 0, "b/both"},
	{"both", "b:a", 0, "b/both"},
	{"both", "a", -EACCES, NULL},
	{"text", "a:b", -EACCES, NULL},
	{"folder", "a", -EACCES, NULL},
	{"none", "a:b:c", -ENOENT, NULL},
	{"here", "a:", -ENOENT, NULL},
	{"here", ":a::b:", -ENOENT, NULL},
	{"here", ".", 0, "./here"},
	{"./here", "a", 0, "./here"},
	{"b/both", NULL, 0, "b/both"},
	{"a/text", "b", -EACCES, NULL},
	{"", "a", -ENOENT, NULL},
	{"sh", "", -ENOENT, NULL},
	{"env", NULL, 0, "/usr/bin/env"},
};

START_TEST(a_program_is_found_in_the_folders_of_the_path)
{
	_cleanup_free_ char *file = NULL;

	ck_assert_int_eq(spawn_find(PLACES[_i].name, PLACES[_i].path, &file), PLACES[_i].r);
	if (PLACES[_i].file)
		ck_assert_str_eq(file, PLACES[_i].file);
	else
		ck_assert_ptr_null(file);
}
END_TEST

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--tell") == 0)
		return tell(argv);

	Suite *suite = suite_create("spawn");
	TCase *start = tcase_create("start");
	TCase *find = tcase_create("find");

	tcase_add_checked_fixture(start, setup, teardown);
	tcase_add_test(start, a_program_gets_its_words_its_environment_and_its_three_descriptors);
	tcase_add_test(start, no_other_descriptor_reaches_it_not_even_one_that_is_not_marked);
	tcase_add_test(start, descriptors_may_have_the_numbers_that_they_are_to_get);
	tcase_add_test(start, no_signal_is_blocked_or_ignored);
	tcase_add_test(start, it_has_a_session_and_group_of_its_own_and_no_terminal);
	tcase_add_test(
		start, one_that_is_confined_has_its_limits_its_place_and_no_way_to_more_rights);
	tcase_add_test(start, one_that_is_confined_changes_nobody_elses_limits);
	tcase_add_test(start, a_limit_above_what_may_be_had_is_as_much_of_it_as_may);
	tcase_add_test(start, one_that_is_not_confined_is_as_we_are);
	tcase_add_test(start, it_moves_into_the_cgroup_that_it_is_given);
	tcase_add_loop_test(
		start, one_that_cannot_be_confined_is_not_started, 0, N_OF(NOT_CONFINES));
	tcase_add_test(start, it_dies_with_the_thread_that_started_it);
	tcase_add_loop_test(start, a_program_that_cannot_be_started_leaves_no_child_and_ret_alone,
		0, N_OF(REFUSALS));
	tcase_add_test(start, a_descriptor_that_is_none_is_an_error_that_comes_back);
	suite_add_tcase(suite, start);

	tcase_add_checked_fixture(find, setup_folder, test_folder_leave);
	tcase_add_loop_test(find, a_program_is_found_in_the_folders_of_the_path, 0, N_OF(PLACES));
	suite_add_tcase(suite, find);
	return test_suite_run(suite);
}
